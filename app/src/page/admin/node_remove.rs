//! Removing a node: the question, with what would be lost.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_navigate, use_params_map};

use super::section::Section;
use crate::{
    component::{Confirm, Field, Loaded, VmBadge, on_success},
    format,
    model::{AppError, VmMatches},
    server_fn::admin::{NodeRemove, admin_vm_list, node_get},
};

/// `/admin/nodes/:name/remove`: asks, and where the node has VMs wants its name typed.
#[component]
pub fn NodeRemovePage() -> impl IntoView {
    let params = use_params_map();
    let name = move || params.read().get("name").unwrap_or_default();
    let found = Resource::new_blocking(name, look);
    let page = move || {
        view! { <Loaded data=found view=|(name, lost)| view! { <Question name lost /> }.into_any() /> }
            .into_any()
    };
    view! { <Section page /> }
}

/// The node's name and its VMs.
async fn look(name: String) -> Result<(String, VmMatches), AppError> {
    let node = node_get(name).await?.value;
    let vms = admin_vm_list(String::new(), String::new(), node.name.clone()).await?;
    Ok((node.name, vms))
}

#[component]
fn Question(name: String, lost: VmMatches) -> impl IntoView {
    let action = ServerAction::<NodeRemove>::new();
    let navigate = use_navigate();
    on_success(action, move |path| navigate(&path, Default::default()));
    let title = format!("Remove {name}?");
    view! {
        <Title text=title.clone() />
        <div class="narrow">
            <h1 class="visually-hidden">{title.clone()}</h1>
            {match lost.matching {
                0 => view! { <Empty action name /> }.into_any(),
                _ => view! { <Full action name lost /> }.into_any(),
            }}
        </div>
    }
}

#[component]
fn Empty(action: ServerAction<NodeRemove>, name: String) -> impl IntoView {
    view! {
        <Confirm
            action
            title=format!("Remove {name}?")
            consequence="It has no VMs. It gets none from now on; the program on its host runs on until you stop it there."
            verb=format!("Remove {name}")
            fields=vec![("name", name)]
            cancel="/admin/nodes"
        />
    }
}

#[component]
fn Full(action: ServerAction<NodeRemove>, name: String, lost: VmMatches) -> impl IntoView {
    let count = format::count(lost.matching, "VM");
    let left_out = lost.matching as usize - lost.vms.len();
    let line = |vm: crate::model::VmView| {
        let state = vm.state;
        view! {
            <li>
                <a class="code" href=format!("/admin/vms/{}", vm.id)>{vm.name}</a>
                <span class="muted">"of " {vm.owner}</span>
                <span class="spacer"></span>
                <VmBadge state=Signal::stored(state) />
            </li>
        }
    };
    view! {
        <Confirm
            action
            title=format!("Remove {name} and lose {count}?")
            consequence="Their disks are lost for good. (Where the node does not answer, what runs on its host runs on until somebody removes it there.) Each shows as failed until its owner tries it again, empty, or deletes it:"
            verb=format!("Remove {name} and lose {count}")
            fields=vec![("name", name.clone())]
            cancel="/admin/nodes"
        >
            <ul class="lost-list" role="list">{lost.vms.into_iter().map(line).collect_view()}</ul>
            {(left_out > 0).then(|| view! { <p class="muted">{format!("and {left_out} more")}</p> })}
            <Field name="confirm" label="Type the node's name to confirm" hint=name code=true max_length=32 />
        </Confirm>
    }
}

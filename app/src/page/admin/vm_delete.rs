//! Deleting anybody's VM: the question.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_navigate, use_params_map};

use super::section::Section;
use crate::{
    component::{Confirm, Loaded, on_success},
    model::VmView,
    server_fn::admin::{AdminVmDelete, admin_vm_get},
};

/// `/admin/vms/:id/delete`. The owner sees in the events who did it.
#[component]
pub fn VmDeletePage() -> impl IntoView {
    let params = use_params_map();
    let id = move || params.read().get("id").unwrap_or_default();
    let detail = Resource::new_blocking(id, admin_vm_get);
    let page = move || {
        view! { <Loaded data=detail view=|detail| view! { <Question vm=detail.vm /> }.into_any() /> }
            .into_any()
    };
    view! { <Section page /> }
}

#[component]
fn Question(vm: VmView) -> impl IntoView {
    let action = ServerAction::<AdminVmDelete>::new();
    let navigate = use_navigate();
    on_success(action, move |path| navigate(&path, Default::default()));
    let VmView {
        id, name, owner, ..
    } = vm;
    view! {
        <Title text=format!("Delete {name}") />
        <div class="narrow">
            <h1 class="visually-hidden">{format!("Delete {name} of {owner}?")}</h1>
            <Confirm
                action
                title=format!("Delete {name} of {owner}?")
                consequence=format!("Its disk and everything on it is gone for good. {owner} sees in the events that you did it.")
                verb=format!("Delete {name}")
                fields=vec![("id", id.clone())]
                cancel=format!("/admin/vms/{id}")
            />
        </div>
    }
}

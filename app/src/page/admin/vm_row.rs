//! One line of everybody's VMs.

use leptos::prelude::*;

use super::follow::one_of;
use crate::{
    component::{Form, Icon, IconName, Menu, Submit, VmBadge},
    format,
    model::{VmMatches, VmState, VmView},
    server_fn::admin::{AdminVmStart, AdminVmStop},
};

/// The VM of that id as `list` has it now; nothing where it is not in the list.
#[component]
pub fn VmRow(
    list: RwSignal<VmMatches>,
    id: String,
    start: ServerAction<AdminVmStart>,
    stop: ServerAction<AdminVmStop>,
) -> impl IntoView {
    let first = list.with_untracked(|list| list.vms.iter().find(|vm| vm.id == id).cloned())?;
    let known = id.clone();
    let vm = one_of(
        list,
        |list| &list.vms,
        first.clone(),
        move |vm: &VmView| vm.id == known,
    );
    let state = Memo::new(move |_| vm.with(|vm| vm.state));
    let node = Memo::new(move |_| vm.with(|vm| vm.node.clone()));
    let why = Memo::new(move |_| vm.with(why));
    let page = format!("/admin/vms/{id}");
    let VmView {
        name,
        owner,
        image,
        flavor,
        ..
    } = first;
    Some(view! {
        <tr role="row">
            <td role="cell" class="cell-title">
                <a class="code" href=page.clone()>{name.clone()}</a>
                <span class="cell-note">{image}</span>
            </td>
            <td role="cell" data-label="Owner"><a class="code" href=format!("/admin/users/{owner}")>{owner.clone()}</a></td>
            <td role="cell" data-label="State">
                <VmBadge state />
                {move || why.get().map(|why| view! { <span class="cell-note">{why}</span> })}
            </td>
            <td role="cell" data-label="Size">{flavor}</td>
            <td role="cell" data-label="Node"><span class="code">{move || node.get().unwrap_or_else(|| "none".to_owned())}</span></td>
            <td role="cell" data-label="CPU" class="numbers">{move || vm.with(cpu)}</td>
            <td role="cell" data-label="Memory" class="numbers">{move || vm.with(memory)}</td>
            <td role="cell" class="cell-actions">
                <VmMenu id name state start stop />
            </td>
        </tr>
    })
}

/// The reason or the progress, where there is one.
fn why(vm: &VmView) -> Option<String> {
    let progress = vm.progress.as_ref().map(|progress| match progress.percent {
        Some(percent) => format!("{} {percent} %", progress.words),
        None => progress.words.clone(),
    });
    progress.or_else(|| vm.reason.clone())
}

fn cpu(vm: &VmView) -> String {
    let share = format::vcpu(vm.cpu_millis);
    match vm.cpu_percent {
        Some(percent) => format!("{percent:.0} % of {share}"),
        None => share,
    }
}

fn memory(vm: &VmView) -> String {
    let most = format::mib(vm.memory_mib as f32);
    match vm.memory_used_mib {
        Some(used) => format!("{} of {most}", format::mib(used)),
        None => most,
    }
}

#[component]
fn VmMenu(
    id: String,
    name: String,
    state: Memo<VmState>,
    start: ServerAction<AdminVmStart>,
    stop: ServerAction<AdminVmStop>,
) -> impl IntoView {
    let items = move || {
        let state = state.get();
        let page = format!("/admin/vms/{id}");
        view! {
            <a href=page.clone()><Icon name=IconName::Server />"Details"</a>
            {(state == VmState::Running).then(|| view! { <StopForm id=id.clone() stop class="menu-item" /> })}
            {can_start(state).then(|| view! { <StartForm id=id.clone() start class="menu-item" /> })}
            {(state != VmState::Deleting).then(|| view! {
                <a class="danger" href=format!("{page}/delete")><Icon name=IconName::Trash />"Delete…"</a>
            })}
        }
    };
    view! {
        <Menu
            label=format!("Actions for {name}")
            button=Box::new(|| view! { <Icon name=IconName::Ellipsis /> }.into_any())
        >
            {items}
        </Menu>
    }
}

/// A failed one, too: starting it tries again.
pub fn can_start(state: VmState) -> bool {
    matches!(state, VmState::Stopped | VmState::Failed)
}

/// "Start".
#[component]
pub fn StartForm(
    id: String,
    start: ServerAction<AdminVmStart>,
    /// The button's.
    class: &'static str,
) -> impl IntoView {
    view! {
        <Form action=start class="inline">
            <input type="hidden" name="id" value=id />
            <Submit class><Icon name=IconName::Play />"Start"</Submit>
        </Form>
    }
}

/// "Shut down".
#[component]
pub fn StopForm(id: String, stop: ServerAction<AdminVmStop>, class: &'static str) -> impl IntoView {
    view! {
        <Form action=stop class="inline">
            <input type="hidden" name="id" value=id />
            <Submit class><Icon name=IconName::Power />"Shut down"</Submit>
        </Form>
    }
}

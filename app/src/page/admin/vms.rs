//! Everybody's VMs.

use leptos::prelude::*;

use super::{
    filter::{Filter, query_part},
    follow::{follow_answer, refresh},
    section::Section,
    table::{Shown, Table},
    vm_row::VmRow,
};
use crate::{
    component::{Failure, Field, Loaded, Old, Select, on_success},
    model::{NodeView, VmMatches, VmState, VmView},
    server_fn::{
        Dated,
        admin::{AdminVmStart, AdminVmStop, admin_vm_list, node_list},
    },
};

const COLUMNS: &[&str] = &[
    "VM", "Owner", "State", "Size", "Node", "CPU", "Memory", "Actions",
];

/// `/admin/vms`. The address has the filter.
#[component]
pub fn VmsPage() -> impl IntoView {
    let (text, state, node) = (query_part("text"), query_part("state"), query_part("node"));
    let filter = move || (text.get(), state.get(), node.get());
    let nodes = Resource::new_blocking(|| (), |()| node_list());
    let vms = Resource::new_blocking(filter, |(text, state, node)| {
        admin_vm_list(text, state, node)
    });
    let choose = move |nodes: Dated<Vec<NodeView>>| {
        let (text, state, node) = (
            text.get_untracked(),
            state.get_untracked(),
            node.get_untracked(),
        );
        view! { <Choice text state node nodes=nodes.value /> }.into_any()
    };
    let page = move || {
        view! {
            <Loaded data=nodes skeleton=|| view! { <div class="skeleton filter"></div> } view=choose />
            <Loaded
                data=vms
                skeleton=|| view! { <div class="skeleton list" aria-busy="true"></div> }
                view=move |first| view! { <Vms first filter=Signal::derive(filter) /> }.into_any()
            />
        }
        .into_any()
    };
    view! { <Section title="VMs" page /> }
}

#[component]
fn Choice(text: String, state: String, node: String, nodes: Vec<NodeView>) -> impl IntoView {
    view! {
        <Filter action="/admin/vms" label="Filter VMs">
            <Field name="text" label="Name, owner, image or id" kind="search" value=text optional=true max_length=64 code=true />
            <Select name="state" label="State" value=state.clone() options=states() />
            <Select name="node" label="Node" value=node.clone() options=node_names(nodes, &node) />
        </Filter>
    }
}

fn states() -> Vec<(String, String)> {
    const STATES: [VmState; 8] = [
        VmState::Running,
        VmState::Creating,
        VmState::Starting,
        VmState::Stopping,
        VmState::Stopped,
        VmState::Deleting,
        VmState::Failed,
        VmState::Unknown,
    ];
    let option = |state: VmState| (state.word().to_lowercase(), state.word().to_owned());
    [(String::new(), "Any".to_owned())]
        .into_iter()
        .chain(STATES.map(option))
        .collect()
}

/// Every node, and the one asked for where it has gone.
fn node_names(nodes: Vec<NodeView>, asked: &str) -> Vec<(String, String)> {
    let mut names: Vec<String> = nodes.into_iter().map(|node| node.name).collect();
    if !asked.is_empty() && !names.iter().any(|name| name == asked) {
        names.push(asked.to_owned());
    }
    let any = (String::new(), "Any".to_owned());
    [any]
        .into_iter()
        .chain(names.into_iter().map(|name| (name.clone(), name)))
        .collect()
}

#[component]
fn Vms(first: VmMatches, filter: Signal<(String, String, String)>) -> impl IntoView {
    let ask = move || {
        let (text, state, node) = filter.get_untracked();
        admin_vm_list(text, state, node)
    };
    let (list, old) = follow_answer(first, ask);
    let start = ServerAction::<AdminVmStart>::new();
    let stop = ServerAction::<AdminVmStop>::new();
    let changed = move |_: VmView| leptos::task::spawn_local(refresh(list, ask));
    on_success(start, changed);
    on_success(stop, changed);
    let ids = Memo::new(move |_| {
        list.with(|list| list.vms.iter().map(|vm| vm.id.clone()).collect::<Vec<_>>())
    });
    view! {
        <Old old />
        <Failure action=start />
        <Failure action=stop />
        <Show when=move || !ids.with(Vec::is_empty)>
            <Table label="VMs" columns=COLUMNS>
                <For each=move || ids.get() key=|id| id.clone() let(id)>
                    <VmRow list id start stop />
                </For>
            </Table>
        </Show>
        <Shown
            shown=Signal::derive(move || ids.with(Vec::len))
            matching=Signal::derive(move || list.with(|list| list.matching))
            total=Signal::derive(move || list.with(|list| list.total))
            noun="VM"
        />
    }
}

//! The nodes: how they do, what is asked of them, and how to add one.

use leptos::prelude::*;

use super::{
    capacity::{CapacityBar, CapacityLegend},
    follow::{Lost, follow_overview, one_of},
    node::{HealthBadge, HealthReason, PolicyBadge, ReachOpen, cpu_words, memory_words, vms_words},
    node_add::NodeAdd,
    section::Section,
    table::Table,
};
use crate::{
    component::{Ago, Failure, Form, Loaded, Submit, on_success},
    model::{NodeHealth, NodePolicy, NodeView, Overview},
    server_fn::admin::{NodeCordon, overview},
};

const COLUMNS: &[&str] = &["Node", "State", "VMs", "Memory", "CPU", "Engine", "Actions"];

/// `/admin/nodes`: all of them, live, and a form for one more.
#[component]
pub fn NodesPage() -> impl IntoView {
    let first = Resource::new_blocking(|| (), |()| overview());
    let page = move || {
        view! {
            <Loaded
                data=first
                skeleton=|| view! { <div class="skeleton list" aria-busy="true"></div> }
                view=|first| view! { <Nodes first /> }.into_any()
            />
        }
        .into_any()
    };
    view! { <Section title="Nodes" page /> }
}

#[component]
fn Nodes(first: Overview) -> impl IntoView {
    let (overview, lost) = follow_overview(first);
    let changed = move |node: NodeView| overview.update(|overview| put(&mut overview.nodes, node));
    let cordon = ServerAction::<NodeCordon>::new();
    on_success(cordon, changed);
    let names = Memo::new(move |_| {
        overview.with(|overview| {
            overview
                .nodes
                .iter()
                .map(|node| node.name.clone())
                .collect::<Vec<_>>()
        })
    });
    view! {
        <Lost lost />
        <Failure action=cordon />
        <Show
            when=move || !names.with(Vec::is_empty)
            fallback=|| view! { <p class="card muted">"There is no node yet, so no VM can run. Add one below."</p> }
        >
            <CapacityLegend />
            <Table label="Nodes" columns=COLUMNS>
                <For each=move || names.get() key=|name| name.clone() let(name)>
                    <Row overview name cordon />
                </For>
            </Table>
        </Show>
        <NodeAdd on_added=Callback::new(changed) />
    }
}

fn put(nodes: &mut Vec<NodeView>, node: NodeView) {
    match nodes.iter_mut().find(|known| known.name == node.name) {
        Some(known) => *known = node,
        None => nodes.push(node),
    }
}

#[component]
fn Row(
    overview: RwSignal<Overview>,
    name: String,
    cordon: ServerAction<NodeCordon>,
) -> impl IntoView {
    let as_of = overview.with_untracked(|overview| overview.as_of);
    let first = overview.with_untracked(|overview| {
        overview
            .nodes
            .iter()
            .find(|node| node.name == name)
            .cloned()
    });
    let first = first?;
    let known = name.clone();
    let node = one_of(
        overview,
        |overview| &overview.nodes,
        first.clone(),
        move |node: &NodeView| node.name == known,
    );
    let figure = move |figure: fn(&NodeView) -> f64| Signal::derive(move || node.with(figure));
    let memory = Memo::new(move |_| node.with(memory_words));
    let cpu = Memo::new(move |_| node.with(cpu_words));
    Some(view! {
        <tr role="row" id=name.clone()>
            <td role="cell" class="cell-title">
                <strong class="code">{name.clone()}</strong>
                <span class="cell-note"><code>{first.address.clone()}</code></span>
                <span class="cell-note">{move || node.with(origin_words)}</span>
            </td>
            <td role="cell" data-label="State">
                <div class="cell-badges"><HealthBadge node /><PolicyBadge node /></div>
                <HealthReason node />
                <ReachOpen node />
                <Seen node as_of />
            </td>
            <td role="cell" data-label="VMs">
                <a class="numbers" href=format!("/admin/vms?node={name}")>{move || node.with(vms_words)}</a>
            </td>
            <td role="cell" data-label="Memory" class="cell-wide">
                <CapacityBar
                    label=Signal::derive(move || format!("Memory: {}", memory.get()))
                    total=figure(|node| node.memory_mib.into())
                    promised=figure(|node| node.memory_mib_allocated.into())
                    used=figure(|node| node.memory_mib_used.into())
                />
                <span class="cell-note numbers">{memory}</span>
            </td>
            <td role="cell" data-label="CPU" class="cell-wide">
                <CapacityBar
                    label=Signal::derive(move || format!("CPU: {}", cpu.get()))
                    total=figure(|node| node.cpu_millis.into())
                    promised=figure(|node| node.cpu_millis_allocated.into())
                />
                <span class="cell-note numbers">{move || node.with(|node| format!("{}, load {:.2}", cpu_words(node), node.load_1m))}</span>
            </td>
            <td role="cell" data-label="Engine">
                <span>{move || node.with(|node| node.engine.clone().unwrap_or_else(|| "Unknown".to_owned()))}</span>
                <span class="cell-note numbers">{move || node.with(engine_note)}</span>
            </td>
            <td role="cell" class="cell-actions"><Actions node name=name.clone() cordon /></td>
        </tr>
    })
}

/// When it last answered, while it does not.
#[component]
fn Seen(node: Memo<NodeView>, as_of: i64) -> impl IntoView {
    let silent_since = Memo::new(move |_| {
        node.with(|node| match node.health {
            NodeHealth::Suspect | NodeHealth::Unreachable { .. } => Some(node.seen_at),
            _ => None,
        })
    });
    move || {
        silent_since.get().map(|seen_at| match seen_at {
            Some(at) => view! { <span class="cell-note">"Last answered " <Ago at as_of /></span> }
                .into_any(),
            None => view! { <span class="cell-note">"It has not answered yet."</span> }.into_any(),
        })
    }
}

#[component]
fn Actions(node: Memo<NodeView>, name: String, cordon: ServerAction<NodeCordon>) -> impl IntoView {
    let takes_vms = Memo::new(move |_| node.with(|node| node.policy == NodePolicy::Schedulable));
    let cordoned = move || if takes_vms.get() { "true" } else { "false" };
    let word = move || {
        if takes_vms.get() {
            "Cordon"
        } else {
            "Uncordon"
        }
    };
    let spoken = format!(" {name}");
    let sent = name.clone();
    let title = move || match takes_vms.get() {
        true => "Give it no new VMs; those it has run on",
        false => "Let it have new VMs again",
    };
    view! {
        <Form action=cordon class="inline">
            <input type="hidden" name="name" value=sent />
            <input type="hidden" name="cordoned" value=cordoned />
            <span title=title>
                <Submit class="button small">
                    {word} <span class="visually-hidden">{spoken.clone()}</span>
                </Submit>
            </span>
        </Form>
        <a class="button small quiet danger" href=format!("/admin/nodes/{name}/remove")>
            "Remove…" <span class="visually-hidden">{format!(" {name}")}</span>
        </a>
    }
}

fn origin_words(node: &NodeView) -> String {
    match (node.local, node.pid) {
        (true, Some(pid)) => format!("started here, pid {pid}"),
        (true, None) => "started here".to_owned(),
        (false, _) => "on its own".to_owned(),
    }
}

fn engine_note(node: &NodeView) -> String {
    let disk = format!("{} % of disk free", node.disk_free_percent);
    match &node.version {
        Some(version) => format!("node {version}, {disk}"),
        None => disk,
    }
}

//! What is wrong first, then how full the nodes are, then how much there is. Live.

use leptos::prelude::*;

use super::{
    capacity::{CapacityBar, CapacityLegend},
    counts::Counts,
    follow::{Lost, follow_overview, one_of},
    node::{HealthBadge, cpu_words, memory_words, vms_words},
    section::Section,
};
use crate::{
    component::{Icon, IconName, Loaded},
    format,
    model::{NodeView, Overview, Problem},
    server_fn::admin::overview,
};

/// `/admin`, live.
#[component]
pub fn OverviewPage() -> impl IntoView {
    let first = Resource::new_blocking(|| (), |()| overview());
    let page = move || {
        view! {
            <Loaded
                data=first
                skeleton=|| view! { <div class="skeleton page" aria-busy="true"></div> }
                view=|first| view! { <Now first /> }.into_any()
            />
        }
        .into_any()
    };
    view! { <Section title="Overview" page /> }
}

#[component]
fn Now(first: Overview) -> impl IntoView {
    let (overview, lost) = follow_overview(first);
    view! {
        <Lost lost />
        <Wrong overview />
        <Nodes overview />
        <Counts overview />
    }
}

/// What is wrong now; else that all is well, and when that was seen.
#[component]
fn Wrong(overview: RwSignal<Overview>) -> impl IntoView {
    let problems = Memo::new(move |_| overview.with(|overview| overview.problems.clone()));
    let checked_at = move || overview.with(|overview| overview.as_of);
    let verdict = move || match problems.with(Vec::len) {
        0 => "All is well".to_owned(),
        1 => "1 thing is wrong".to_owned(),
        some => format!("{some} things are wrong"),
    };
    view! {
        <section class="verdict" aria-labelledby="verdict" class:bad=move || !problems.with(Vec::is_empty)>
            <div class="verdict-head">
                {move || match problems.with(Vec::is_empty) {
                    true => view! { <Icon name=IconName::CircleCheck /> },
                    false => view! { <Icon name=IconName::Warning /> },
                }}
                <h2 id="verdict" aria-live="polite">{verdict}</h2>
                <span class="muted numbers">
                    "checked "
                    <time datetime=move || format::iso(checked_at()) title=move || format::exact(checked_at())>
                        {move || format::clock(checked_at())}
                    </time>
                    " UTC"
                </span>
            </div>
            <Show when=move || !problems.with(Vec::is_empty)>
                <ul class="problem-list" role="list">
                    <For each=move || problems.get() key=|problem| problem.message.clone() let(problem)>
                        <ProblemLine problem />
                    </For>
                </ul>
            </Show>
        </section>
    }
}

#[component]
fn ProblemLine(problem: Problem) -> impl IntoView {
    let class = if problem.severe {
        "problem severe"
    } else {
        "problem"
    };
    let word = if problem.severe { "Urgent" } else { "Look at" };
    view! {
        <li class=class>
            <span class="problem-word">{word}</span>
            <a href=problem.link>{problem.message}</a>
        </li>
    }
}

#[component]
fn Nodes(overview: RwSignal<Overview>) -> impl IntoView {
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
        <section class="card" aria-labelledby="nodes">
            <div class="card-head">
                <h2 id="nodes">"Capacity"</h2>
                <span class="spacer"></span>
                <CapacityLegend />
            </div>
            <Show
                when=move || !names.with(Vec::is_empty)
                fallback=|| view! { <p class="muted">"There is no node yet, so no VM can run. " <a href="/admin/nodes">"Add one"</a> "."</p> }
            >
                <ul class="node-bars" role="list">
                    <For each=move || names.get() key=|name| name.clone() let(name)>
                        <NodeBars overview name />
                    </For>
                </ul>
            </Show>
        </section>
    }
}

#[component]
fn NodeBars(overview: RwSignal<Overview>, name: String) -> impl IntoView {
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
        first,
        move |node: &NodeView| node.name == known,
    );
    let memory = Memo::new(move |_| node.with(memory_words));
    let cpu = Memo::new(move |_| node.with(cpu_words));
    let figure = move |figure: fn(&NodeView) -> f64| Signal::derive(move || node.with(figure));
    Some(view! {
        <li class="node-bar">
            <div class="node-bar-head">
                <a class="code" href=format!("/admin/nodes#{name}")>{name.clone()}</a>
                <HealthBadge node />
                <span class="spacer"></span>
                <a class="muted numbers" href=format!("/admin/vms?node={name}")>{move || node.with(vms_words)}</a>
            </div>
            <div class="node-bar-row">
                <span class="node-bar-what">"Memory"</span>
                <CapacityBar
                    label=Signal::derive(move || format!("Memory: {}", memory.get()))
                    total=figure(|node| node.memory_mib.into())
                    promised=figure(|node| node.memory_mib_allocated.into())
                    used=figure(|node| node.memory_mib_used.into())
                />
                <span class="node-bar-words numbers">{memory}</span>
            </div>
            <div class="node-bar-row">
                <span class="node-bar-what">"CPU"</span>
                <CapacityBar
                    label=Signal::derive(move || format!("CPU: {}", cpu.get()))
                    total=figure(|node| node.cpu_millis.into())
                    promised=figure(|node| node.cpu_millis_allocated.into())
                />
                <span class="node-bar-words numbers">
                    {move || node.with(|node| format!("{}, load {:.2}", cpu_words(node), node.load_1m))}
                </span>
            </div>
            <p class="node-bar-foot muted numbers">
                {move || node.with(|node| format!("{} % of the disk is free", node.disk_free_percent))}
            </p>
        </li>
    })
}

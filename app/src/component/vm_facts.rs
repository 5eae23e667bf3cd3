//! What a VM is, as a list of facts.

use leptos::prelude::*;

use super::{Ago, CopyFact, Since};
use crate::{
    format,
    model::{SshPublished, VmDetail, VmState},
};

/// Facts with copy buttons.
#[component]
pub fn VmFacts(#[prop(into)] detail: Signal<VmDetail>) -> impl IntoView {
    // What lasts while it runs is drawn once a change, not once a measurement.
    let lasting = Memo::new(move |_| {
        let mut detail = detail.get();
        detail.usage.clear();
        detail.shells = None;
        detail.as_of = detail.vm.changed_at.max(detail.vm.created_at);
        detail.vm.cpu_percent = None;
        detail.vm.memory_used_mib = None;
        detail.vm.cpu_history.clear();
        detail
    });
    let as_of = detail.with_untracked(|detail| detail.as_of);
    view! { <dl class="facts">{move || facts(lasting.get(), as_of)}</dl> }
}

fn facts(detail: VmDetail, as_of: i64) -> AnyView {
    let vm = detail.vm;
    let size = format!(
        "{}: {}, {} memory, {} GiB disk",
        vm.flavor,
        format::vcpu(vm.cpu_millis),
        format::mib(vm.memory_mib as f32),
        vm.disk_gib
    );
    let disk = detail.disk_used_bytes.map(|used| {
        let limit = if detail.disk_limit_hard {
            "hard limit"
        } else {
            "soft limit, watched"
        };
        format!(
            "{} of {} GiB used ({limit})",
            format::bytes(used as f32),
            vm.disk_gib
        )
    });
    let node = vm.node.clone();
    view! {
        <Fact name="Size">{size}</Fact>
        <Fact name="Image">{vm.image} " " <code class="muted">{detail.image_ref}</code></Fact>
        {disk.map(|disk| view! { <Fact name="Disk">{disk}</Fact> })}
        {detail.address.map(|address| view! {
            <Fact name="Address"><CopyFact text=address what="address" /></Fact>
        })}
        {detail.ssh.map(|command| view! {
            <Fact name="SSH"><CopyFact text=command what="SSH command" /> <a href="/account#ssh">"Your keys"</a></Fact>
        })}
        {vm.ssh_published.map(|published| view! {
            <Fact name="SSH, port 22">
                <CopyFact text=published.command() what="command for the VM's own SSH" />
                {ssh_note(vm.state, published).map(|note| view! { " " <span class="muted">{note}</span> })}
            </Fact>
        })}
        {vm.started_at.map(|at| view! { <Fact name="Up for"><Since at as_of /></Fact> })}
        <Fact name="Created"><Ago at=vm.created_at as_of /></Fact>
        {node.map(|node| view! { <Fact name="Node">{node}</Fact> })}
        {(!detail.placement_reason.is_empty()).then(|| view! {
            <Fact name="Placed there because">{detail.placement_reason}</Fact>
        })}
        <Fact name="Id"><CopyFact text=vm.id what="id" /></Fact>
        {detail.engine_id.map(|id| view! {
            <Fact name="Container"><CopyFact text=id what="container id" /></Fact>
        })}
    }
    .into_any()
}

/// Why one cannot sign in there now.
fn ssh_note(state: VmState, published: SshPublished) -> Option<String> {
    match state {
        _ if published.reason.is_some() => published.reason,
        VmState::Running if !published.ready => Some("Its SSH server is being started.".into()),
        _ => None,
    }
}

#[component]
fn Fact(name: &'static str, children: Children) -> impl IntoView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd>{children()}</dd>
        </div>
    }
}

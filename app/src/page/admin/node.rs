//! A node's health and policy in words and shape.

use leptos::prelude::*;

use crate::{
    component::{Badge, Tone},
    format,
    model::{NodeHealth, NodePolicy, NodeView},
};

/// Health: shape and word.
#[component]
pub fn HealthBadge(node: Memo<NodeView>) -> impl IntoView {
    let health = Memo::new(move |_| node.with(|node| node.health.clone()));
    view! {
        <Badge
            tone=Signal::derive(move || health.with(health_tone))
            word=Signal::derive(move || health.with(health_word).to_owned())
        />
    }
}

/// Why something is wrong with it, where it is.
#[component]
pub fn HealthReason(node: Memo<NodeView>) -> impl IntoView {
    let reason = Memo::new(move |_| node.with(|node| health_reason(&node.health)));
    move || {
        reason
            .get()
            .map(|reason| view! { <span class="cell-note">{reason}</span> })
    }
}

/// That its VMs reach what they should not, where they do.
#[component]
pub fn ReachOpen(node: Memo<NodeView>) -> impl IntoView {
    let words = Memo::new(move |_| node.with(reach_words));
    move || {
        words
            .get()
            .map(|words| view! { <span class="cell-note">{words}</span> })
    }
}

/// Policy: shape and word.
#[component]
pub fn PolicyBadge(node: Memo<NodeView>) -> impl IntoView {
    let policy = Memo::new(move |_| node.with(|node| node.policy));
    view! {
        <Badge
            tone=Signal::derive(move || policy_tone(policy.get()))
            word=Signal::derive(move || policy_word(policy.get()).to_owned())
        />
    }
}

fn health_tone(health: &NodeHealth) -> Tone {
    match health {
        NodeHealth::Ready => Tone::Ok,
        NodeHealth::Suspect => Tone::Busy,
        NodeHealth::Unreachable { .. } | NodeHealth::Degraded { .. } => Tone::Bad,
    }
}

fn health_word(health: &NodeHealth) -> &'static str {
    match health {
        NodeHealth::Ready => "Ready",
        NodeHealth::Suspect => "Suspect",
        NodeHealth::Unreachable { .. } => "Unreachable",
        NodeHealth::Degraded { .. } => "Degraded",
    }
}

fn health_reason(health: &NodeHealth) -> Option<String> {
    match health {
        NodeHealth::Ready => None,
        NodeHealth::Suspect => Some("It has missed the last polls.".to_owned()),
        NodeHealth::Unreachable { reason } | NodeHealth::Degraded { reason } => {
            Some(reason.clone()).filter(|reason| !reason.is_empty())
        }
    }
}

fn reach_words(node: &NodeView) -> Option<String> {
    let reason = node.reach_open.as_ref()?;
    Some(format!(
        "VMs reach its host and the private networks there: {reason}."
    ))
}

fn policy_tone(policy: NodePolicy) -> Tone {
    match policy {
        NodePolicy::Schedulable => Tone::Ok,
        NodePolicy::Cordoned => Tone::Idle,
    }
}

fn policy_word(policy: NodePolicy) -> &'static str {
    match policy {
        NodePolicy::Schedulable => "Takes VMs",
        NodePolicy::Cordoned => "Cordoned",
    }
}

/// "1.5 GiB of 3 GiB promised, 640 MiB used".
pub fn memory_words(node: &NodeView) -> String {
    format!(
        "{} of {} promised, {} used",
        format::mib(node.memory_mib_allocated as f32),
        format::mib(node.memory_mib as f32),
        format::mib(node.memory_mib_used as f32)
    )
}

/// "2.5 of 8 vCPU promised".
pub fn cpu_words(node: &NodeView) -> String {
    format!(
        "{} of {} promised",
        format::vcpus(node.cpu_millis_allocated),
        format::vcpu(node.cpu_millis)
    )
}

/// "2 of 3 VMs running", "0 of 3 VMs running, 3 unknown", or that there are none.
pub fn vms_words(node: &NodeView) -> String {
    let of = format::count(node.vms, "VM");
    let running = node.vms_running;
    match (node.vms, node.vms_unknown) {
        (0, _) => "No VMs".to_owned(),
        (_, 0) => format!("{running} of {of} running"),
        (_, unknown) => format!("{running} of {of} running, {unknown} unknown"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A ready node of 3 GiB with one VM.
    pub fn node(name: &str) -> NodeView {
        NodeView {
            name: name.into(),
            address: "http://127.0.0.1:5000".into(),
            health: NodeHealth::Ready,
            reach_open: None,
            policy: NodePolicy::Schedulable,
            local: true,
            pid: Some(7),
            version: Some("0.1.0".into()),
            engine: Some("Docker 20.10.24".into()),
            vms: 1,
            vms_running: 1,
            vms_unknown: 0,
            cpu_millis: 8000,
            cpu_millis_allocated: 500,
            memory_mib: 3072,
            memory_mib_allocated: 256,
            memory_mib_used: 41,
            disk_free_percent: 60,
            load_1m: 0.25,
            seen_at: Some(0),
            images: vec!["alpine:3".into()],
        }
    }

    #[test]
    fn capacity_is_told_with_units() {
        let node = node("node-1");
        assert_eq!(
            memory_words(&node),
            "256 MiB of 3 GiB promised, 41 MiB used"
        );
        assert_eq!(cpu_words(&node), "0.5 of 8 vCPU promised");
        assert_eq!(vms_words(&node), "1 of 1 VM running");
        let silent = NodeView {
            vms: 3,
            vms_running: 0,
            vms_unknown: 2,
            ..node
        };
        assert_eq!(vms_words(&silent), "0 of 3 VMs running, 2 unknown");
    }

    #[test]
    fn an_unwell_node_says_why() {
        let degraded = NodeHealth::Degraded {
            reason: "no bridge docker0".into(),
        };
        assert_eq!(
            health_reason(&degraded).as_deref(),
            Some("no bridge docker0")
        );
        assert_eq!(health_tone(&degraded), Tone::Bad);
        assert_eq!(health_reason(&NodeHealth::Ready), None);
        assert_eq!(reach_words(&node("node-1")), None);
        let open = NodeView {
            reach_open: Some("nft is not installed".into()),
            ..node("node-1")
        };
        let words = reach_words(&open).expect("something is wrong");
        assert!(words.ends_with(": nft is not installed."), "{words}");
    }
}

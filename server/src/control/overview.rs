//! The admin's first page: what there is, and what is wrong now.

use app::{
    format::bytes,
    model::{NodeHealth, NodeView, Overview, Problem},
};
use node_api::vm::VmReport;

use super::{Control, ControlError, fleet::disk_over};
use crate::{balancer::placement::DISK_FREE_MIN, clock, db::overview::counts};

/// Memory that is promised, in percent, from which an admin should think of another node.
const FULL: u32 = 90;

impl Control {
    /// For admins, and for the metrics: the caller asks for the right.
    pub async fn overview(&self) -> Result<Overview, ControlError> {
        let counts = counts(&self.0.db).await?;
        let nodes = self.node_views().await?;
        // Each of them is on a node, which may be silent.
        let sum = |of: fn(&NodeView) -> u32| -> u32 { nodes.iter().map(of).sum() };
        Ok(Overview {
            problems: self.problems(&nodes, counts.vms_failed),
            users: counts.users,
            vms: counts.vms,
            vms_running: sum(|node| node.vms_running),
            vms_unknown: sum(|node| node.vms_unknown),
            vms_failed: counts.vms_failed,
            shells: self.shells(),
            login_sessions: counts.login_sessions,
            history: self.0.counts.list(),
            as_of: clock::now(),
            nodes,
        })
    }

    fn shells(&self) -> u32 {
        let nodes = self.0.registry.list();
        let shells = nodes.iter().filter_map(|entry| {
            entry.with_state(|state| Some(state.status.as_ref()?.usage.shells))
        });
        shells.sum()
    }

    fn problems(&self, nodes: &[NodeView], vms_failed: u32) -> Vec<Problem> {
        let mut problems: Vec<Problem> = nodes.iter().flat_map(node_problems).collect();
        let alarms = self.0.registry.list().into_iter().filter_map(|entry| {
            let alarm = self.0.fleet.alarm(&entry.id)?;
            Some(severe(format!("{}: {alarm}.", entry.name), "/admin/nodes"))
        });
        problems.extend(alarms);
        if nodes.is_empty() {
            problems.push(severe(
                "There is no node: no VM can be made.".into(),
                "/admin/nodes",
            ));
        }
        if vms_failed > 0 {
            let words = match vms_failed {
                1 => "One VM has failed.".into(),
                many => format!("{many} VMs have failed."),
            };
            problems.push(mild(words, "/admin/vms"));
        }
        problems.extend(disks(&self.0.fleet.over_disk()));
        problems.sort_by_key(|problem| !problem.severe);
        problems
    }
}

/// VMs that use more disk than they were given, where no engine stops them.
fn disks(over: &[VmReport]) -> Option<Problem> {
    let problem = match over {
        [] => return None,
        [vm] => {
            let words = format!(
                "The VM {} uses {} of its disk of {} GiB.",
                vm.spec.name,
                bytes(disk_over(vm).unwrap_or_default() as f32),
                vm.spec.disk_gib
            );
            mild(words, &format!("/admin/vms/{}", vm.spec.id))
        }
        [first, ..] => {
            let words = format!(
                "{} VMs use more than their disks, {} among them.",
                over.len(),
                first.spec.name
            );
            mild(words, "/admin/vms")
        }
    };
    Some(problem)
}

fn node_problems(node: &NodeView) -> Vec<Problem> {
    let name = &node.name;
    let health = match &node.health {
        NodeHealth::Ready => None,
        NodeHealth::Suspect => Some(mild(
            format!("{name} has missed two polls."),
            "/admin/nodes",
        )),
        NodeHealth::Unreachable { reason } => Some(severe(
            format!("{name} is unreachable: {reason}."),
            "/admin/nodes",
        )),
        NodeHealth::Degraded { reason } => Some(severe(
            format!("{name} is degraded: {reason}."),
            "/admin/nodes",
        )),
    };
    let is_known = node.version.is_some() && node.health == NodeHealth::Ready;
    let disk = (is_known && node.disk_free_percent < DISK_FREE_MIN).then(|| {
        let words = format!(
            "{name} has {} % of its disk free: no VM is made there.",
            node.disk_free_percent
        );
        severe(words, "/admin/nodes")
    });
    let promised = u64::from(node.memory_mib_allocated) * 100 / u64::from(node.memory_mib.max(1));
    let full = (is_known && promised >= u64::from(FULL)).then(|| {
        mild(
            format!("{name} has promised {promised} % of its memory."),
            "/admin/nodes",
        )
    });
    let found = [health, reach_open(node), disk, full];
    found.into_iter().flatten().collect()
}

/// VMs that reach what they should not, as far as the node can be asked.
fn reach_open(node: &NodeView) -> Option<Problem> {
    let reason = node.reach_open.as_ref()?;
    let is_silent = matches!(node.health, NodeHealth::Unreachable { .. });
    let words = format!(
        "VMs on {} reach the host and its private networks: {reason}.",
        node.name
    );
    (!is_silent).then(|| severe(words, "/admin/nodes"))
}

fn severe(message: String, link: &str) -> Problem {
    Problem {
        severe: true,
        message,
        link: link.into(),
    }
}

fn mild(message: String, link: &str) -> Problem {
    Problem {
        severe: false,
        ..severe(message, link)
    }
}

#[cfg(test)]
mod tests {
    use app::model::NodePolicy;

    use super::*;

    fn node(health: NodeHealth, reach_open: Option<&str>) -> NodeView {
        NodeView {
            name: "node-1".into(),
            address: "http://127.0.0.1:5000".into(),
            health,
            reach_open: reach_open.map(str::to_owned),
            policy: NodePolicy::Schedulable,
            local: true,
            pid: None,
            version: Some("1".into()),
            engine: None,
            vms: 0,
            vms_running: 0,
            vms_unknown: 0,
            cpu_millis: 8000,
            cpu_millis_allocated: 0,
            memory_mib: 4096,
            memory_mib_allocated: 0,
            memory_mib_used: 0,
            disk_free_percent: 50,
            load_1m: 0.0,
            seen_at: None,
            images: Vec::new(),
        }
    }

    #[test]
    fn vms_that_reach_the_host_are_an_urgent_problem_of_each_node_that_answers() {
        assert!(node_problems(&node(NodeHealth::Ready, None)).is_empty());
        let open = Some("nft is not installed. Install the package nftables");
        for health in [NodeHealth::Ready, NodeHealth::Suspect] {
            let problems = node_problems(&node(health, open));
            let expected = severe(
                "VMs on node-1 reach the host and its private networks: nft is not installed. Install the package nftables.".into(),
                "/admin/nodes",
            );
            assert!(problems.contains(&expected), "{problems:?}");
        }
        let reason = "connection refused".to_owned();
        let silent = node_problems(&node(NodeHealth::Unreachable { reason }, open));
        assert_eq!(silent.len(), 1, "{silent:?}");
    }
}

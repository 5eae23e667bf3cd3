//! Why a VM cannot go to a node.

use app::model::{NodeHealth, NodePolicy};

use super::{Candidate, DISK_FREE_MIN, Need, is_built_here, port, same_image};

/// No node fits; a reason for each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct NoPlace(pub Vec<String>);

impl NoPlace {
    /// All reasons in one line for a person.
    pub fn sentence(&self) -> String {
        if self.0.is_empty() {
            return "There is no node yet. Ask an admin to add one.".into();
        }
        format!("No node has room for it now: {}.", self.0.join("; "))
    }
}

/// The reason in words, with the node's name; None when it fits.
pub fn why_not(node: &Candidate, need: &Need) -> Option<String> {
    let name = &node.name;
    not_open(node)
        .or_else(|| too_small(node, need))
        .or_else(|| {
            let percent = node.disk_free_percent;
            (percent < DISK_FREE_MIN).then(|| {
                format!("{name} has {percent} % of its disk free, {DISK_FREE_MIN} % are kept")
            })
        })
        .or_else(|| {
            let has = node
                .images
                .iter()
                .any(|image| same_image(image, &need.image_ref));
            (!has && is_built_here(&need.image_ref)).then(|| {
                format!(
                    "{name} has no image {} and it cannot be pulled",
                    need.image_ref
                )
            })
        })
        .or_else(|| no_port(node, need))
}

/// Why a VM's SSH cannot be published there, where it is to be.
fn no_port(node: &Candidate, need: &Need) -> Option<String> {
    let name = &node.name;
    let from = need.ssh_from?;
    match node.ssh_ports {
        None => Some(format!("{name} publishes no SSH ports")),
        Some((first, last)) => port::free(node, from)
            .is_none()
            .then(|| format!("{name} has no port left for SSH ({first} to {last})")),
    }
}

fn not_open(node: &Candidate) -> Option<String> {
    let name = &node.name;
    match node.policy {
        NodePolicy::Schedulable => {}
        NodePolicy::Cordoned => return Some(format!("{name} is cordoned")),
    }
    match &node.health {
        NodeHealth::Ready => None,
        NodeHealth::Suspect => Some(format!("{name} has stopped answering")),
        NodeHealth::Unreachable { .. } => Some(format!("{name} does not answer")),
        NodeHealth::Degraded { reason } => Some(format!("{name} is degraded ({reason})")),
    }
}

fn too_small(node: &Candidate, need: &Need) -> Option<String> {
    let name = &node.name;
    let memory = node.memory_mib.saturating_sub(node.memory_mib_allocated);
    if memory < need.memory_mib {
        return Some(format!(
            "{name} has {memory} MiB free, it needs {} MiB",
            need.memory_mib
        ));
    }
    if node.cores.saturating_mul(1000) < need.cpu_millis {
        let needed = need.cpu_millis.div_ceil(1000);
        return Some(format!(
            "{name} has {} cores, it needs {needed}",
            node.cores
        ));
    }
    let cpu = node.cpu_millis.saturating_sub(node.cpu_millis_allocated);
    (cpu < need.cpu_millis).then(|| {
        let (free, needed) = (f64::from(cpu) / 1000.0, f64::from(need.cpu_millis) / 1000.0);
        format!("{name} has {free} vCPU free, it needs {needed}")
    })
}

//! Which node a VM goes to: filter, score, pick. Pure functions over plain data, so that the
//! database can call them with what is promised as its transaction sees it.

mod port;
mod refusal;
mod strategy;

use app::model::{NodeHealth, NodePolicy};

use crate::config::Strategy;

pub use port::free as ssh_port_free;
pub use refusal::NoPlace;

/// No VM is created on a node with less of its disk free, in percent.
pub const DISK_FREE_MIN: u8 = 10;

/// What a VM needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Thousandths of a core.
    pub cpu_millis: u32,
    pub memory_mib: u32,
    /// Reference for the engine.
    pub image_ref: String,
    /// Its SSH is to be published, on the first free port from that one of the node's range on.
    pub ssh_from: Option<u32>,
}

/// A node as placement sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub id: String,
    pub name: String,
    pub policy: NodePolicy,
    pub health: NodeHealth,
    /// Lowest: placed on longest ago.
    pub placed_seq: i64,
    /// Those the host really has: no VM is given more.
    pub cores: u32,
    /// What may be promised in all, thousandths of a core: several times the cores. 0 until the node has
    /// said.
    pub cpu_millis: u32,
    /// What is promised to VMs, as the transaction sees it; the memory below too.
    pub cpu_millis_allocated: u32,
    /// What may be promised in all; 0 until the node has said.
    pub memory_mib: u32,
    pub memory_mib_allocated: u32,
    /// Of the engine's disk, 0..=100; see [`DISK_FREE_MIN`].
    pub disk_free_percent: u8,
    /// References of images that are there.
    pub images: Vec<String>,
    /// First and last port that VMs' SSH is published on; None: not there.
    pub ssh_ports: Option<(u16, u16)>,
    /// By VMs there, running or not.
    pub ssh_ports_taken: Vec<u16>,
}

/// The node that was picked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub node_id: String,
    /// A sentence for the owner.
    pub reason: String,
    /// For its SSH, where that is to be published.
    pub ssh_port: Option<u16>,
}

/// Picks a node, or says of every node why not.
pub fn place(nodes: &[Candidate], need: &Need, strategy: Strategy) -> Result<Placed, NoPlace> {
    let mut fitting = Vec::new();
    let mut refusals = Vec::new();
    for node in nodes {
        match refusal::why_not(node, need) {
            None => fitting.push(node),
            Some(reason) => refusals.push(reason),
        }
    }
    match strategy::pick(&fitting, need, strategy) {
        Some(node) => Ok(Placed {
            node_id: node.id.clone(),
            ssh_port: need.ssh_from.and_then(|from| port::free(node, from)),
            reason: strategy::reason(node, need, strategy, fitting.len(), nodes.len()),
        }),
        None => Err(NoPlace(refusals)),
    }
}

/// True when the two references name the same image; one without a tag means `latest`.
pub fn same_image(a: &str, b: &str) -> bool {
    let whole = |text: &str| {
        let text = text.strip_prefix("docker.io/library/").unwrap_or(text);
        let text = text.strip_prefix("docker.io/").unwrap_or(text);
        let name = text.rsplit('/').next().unwrap_or(text);
        match name.contains(':') || text.contains('@') {
            true => text.to_owned(),
            false => format!("{text}:latest"),
        }
    };
    whole(a) == whole(b)
}

/// True for images that are built on a host and never pulled: somebody else could own that name in
/// a public registry.
pub fn is_built_here(reference: &str) -> bool {
    reference.starts_with("minicloud/")
}

#[cfg(test)]
mod tests;

//! A node's own state.

use serde::{Deserialize, Serialize};

use crate::ssh::SshPorts;

/// Answer of `GET /v1/status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// As it was started with; the server holds it against the name it knows.
    pub name: String,
    /// Version of the node program.
    pub version: String,
    /// Changes with every start of the node process.
    pub boot_id: String,
    /// Of the node process, on its own host.
    pub pid: u32,
    /// When the node process began.
    pub started_at: i64,
    /// What runs its VMs.
    pub engine: EngineStatus,
    /// What may be promised.
    pub capacity: Capacity,
    /// What is used now.
    pub usage: NodeUsage,
    /// Image references present here, with their tags; those tagged `latest` also without.
    pub images: Vec<String>,
    /// True where a VM's disk size is a hard limit of the engine's storage.
    pub disk_limit_hard: bool,
    /// Where VMs' SSH servers are published; None: not on this node.
    #[serde(default)]
    pub ssh_ports: Option<SshPorts>,
    /// The last time the node was out of touch with its engine, if only for a moment: what ended
    /// then ended with the engine, and not by itself.
    #[serde(default)]
    pub outage: Option<EngineOutage>,
    /// Why VMs reach the node's host and its private networks although they should not, and what to do; None where
    /// they do not, or are meant to.
    #[serde(default)]
    pub reach_open: Option<String>,
}

/// A time without an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineOutage {
    /// When the engine was first missed: microseconds since the Unix epoch.
    pub from: i64,
    /// None: it lasts.
    pub to: Option<i64>,
}

impl EngineOutage {
    /// What is known after the engine was in touch or not at `now`.
    pub fn after(last: Option<Self>, in_touch: bool, now: i64) -> Option<Self> {
        match (last, in_touch) {
            (Some(Self { from, to: None }), true) => Some(Self {
                from,
                to: Some(now),
            }),
            (Some(Self { to: None, .. }), false) | (_, true) => last,
            (_, false) => Some(Self {
                from: now,
                to: None,
            }),
        }
    }
}

/// The engine under the node, or why it cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineStatus {
    /// `docker` or `sim`, or [`EngineStatus::UNKNOWN`].
    pub kind: String,
    /// As the engine tells it; None until it has.
    pub version: Option<String>,
    /// None when all is well; else the engine's words. No VM is placed here until it is None again.
    pub degraded: Option<String>,
    /// A name for the engine itself, equal for nodes that share one.
    pub id: Option<String>,
    /// When the engine's process began, where the node can see that: what ended after it ended by itself, also
    /// while the node was not running.
    #[serde(default)]
    pub started_at: Option<i64>,
}

impl EngineStatus {
    /// The kind of an engine that has not answered since the node began.
    pub const UNKNOWN: &str = "unknown";
}

/// What may be promised to VMs here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// Real cores times the promise factor (4 by default), in thousandths.
    pub cpu_millis: u32,
    /// Cores there are: a size above it is not offered.
    pub cores: u32,
    /// Memory for VMs: the host's, less 1 GiB, times this node's share of the engine.
    pub memory_mib: u32,
    /// The engine's disk in GiB, times this node's share.
    pub disk_gib: u32,
}

/// What is used on the host now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeUsage {
    /// Load average over one minute, of the host.
    pub load_1m: f32,
    /// The host's memory in use, MiB, as `MemAvailable` tells it.
    pub memory_used_mib: u32,
    /// Free on the engine's disk, GiB.
    pub disk_free_gib: u32,
    /// Free part of the engine's disk, 0..=100; no VM is created under 10.
    pub disk_free_percent: u8,
    /// VMs there are, running or not.
    pub vms: u32,
    /// Live shells.
    pub shells: u32,
}

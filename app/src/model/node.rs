//! Nodes and the admin's overview.

use serde::{Deserialize, Serialize};

/// How a node is doing, as the server sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "health", rename_all = "snake_case")]
pub enum NodeHealth {
    Ready,
    /// Missed 2 polls.
    Suspect,
    /// Missed 5 polls, or never answered.
    Unreachable {
        reason: String,
    },
    /// It answers, but its engine is away or cannot start things; the engine's words.
    Degraded {
        reason: String,
    },
}

/// What the operator wants of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodePolicy {
    Schedulable,
    /// Gets no new VMs.
    Cordoned,
    /// Gets no new VMs, and is being emptied.
    Draining,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeView {
    pub name: String,
    pub address: String,
    pub health: NodeHealth,
    pub policy: NodePolicy,
    /// Started and watched by this server.
    pub local: bool,
    pub pid: Option<u32>,
    pub version: Option<String>,
    pub engine: Option<String>,
    pub vms: u32,
    pub vms_running: u32,
    /// What may be promised, is promised, and is used.
    pub cpu_millis: u32,
    pub cpu_millis_allocated: u32,
    pub memory_mib: u32,
    pub memory_mib_allocated: u32,
    pub memory_mib_used: u32,
    pub disk_free_percent: u8,
    pub load_1m: f32,
    /// When it last answered.
    pub seen_at: Option<i64>,
    pub images: Vec<String>,
}

/// What the admin's first page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// What is wrong now, worst first; empty when all is well.
    pub problems: Vec<Problem>,
    pub nodes: Vec<NodeView>,
    pub users: u32,
    pub vms: u32,
    pub vms_running: u32,
    pub vms_failed: u32,
    pub shells: u32,
    pub login_sessions: u32,
    pub as_of: i64,
}

/// Something that is wrong now, with where to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub severe: bool,
    pub message: String,
    pub link: String,
}

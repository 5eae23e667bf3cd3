//! Nodes and the admin's overview.

use serde::{Deserialize, Serialize};

use super::CountSample;

/// How a node is doing, as the server sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "health", rename_all = "snake_case")]
pub enum NodeHealth {
    /// It answers, and its engine works.
    Ready,
    /// Missed 2 polls.
    Suspect,
    /// Missed 5 polls, or never answered.
    Unreachable {
        /// Why the last call failed.
        reason: String,
    },
    /// It answers, but its engine is away or cannot start things; the engine's words.
    Degraded {
        /// The engine's words.
        reason: String,
    },
}

/// What the operator wants of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodePolicy {
    /// Gets new VMs.
    Schedulable,
    /// Gets no new VMs.
    Cordoned,
}

/// A node as admins see it. Figures are of its last answer, 0 before the first; promises are of the database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeView {
    /// As it was started with.
    pub name: String,
    /// `http://127.0.0.1:PORT` or `https://HOST:PORT`.
    pub address: String,
    /// As the polls found it.
    pub health: NodeHealth,
    /// Why VMs reach its host and the private networks there although they should not, and what to do; None where
    /// they do not, or are meant to.
    pub reach_open: Option<String>,
    /// Whether it gets new VMs.
    pub policy: NodePolicy,
    /// Started and watched by this server.
    pub local: bool,
    /// Of the node process, on its own host.
    pub pid: Option<u32>,
    /// Of the node program.
    pub version: Option<String>,
    /// Kind and version: "docker 20.10.24".
    pub engine: Option<String>,
    /// VMs that are placed here.
    pub vms: u32,
    /// Of these, those that run.
    pub vms_running: u32,
    /// Of these, those of which nobody knows what they do, while the node is in trouble.
    pub vms_unknown: u32,
    /// Thousandths of a CPU that may be promised.
    pub cpu_millis: u32,
    /// Thousandths of a CPU that are promised.
    pub cpu_millis_allocated: u32,
    /// Memory that may be promised.
    pub memory_mib: u32,
    /// Memory that is promised.
    pub memory_mib_allocated: u32,
    /// Memory in use on its host, by whatever.
    pub memory_mib_used: u32,
    /// Of the engine's disk.
    pub disk_free_percent: u8,
    /// The host's load over one minute.
    pub load_1m: f32,
    /// When it last answered.
    pub seen_at: Option<i64>,
    /// References of the images it has.
    pub images: Vec<String>,
}

/// What the admin's first page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// What is wrong now, worst first; empty when all is well.
    pub problems: Vec<Problem>,
    /// All of them.
    pub nodes: Vec<NodeView>,
    /// Accounts, disabled ones too.
    pub users: u32,
    /// Everybody's, in every state.
    pub vms: u32,
    /// Those that run.
    pub vms_running: u32,
    /// Those on nodes in trouble, of which nobody knows what they do.
    pub vms_unknown: u32,
    /// Those that have failed and wait for their owners.
    pub vms_failed: u32,
    /// Live shells, as the nodes told last.
    pub shells: u32,
    /// Those that have not expired.
    pub login_sessions: u32,
    /// How the counts were over the last hour, oldest first; fewer where the server has just begun.
    pub history: Vec<CountSample>,
    /// The server's clock.
    pub as_of: i64,
}

/// Something that is wrong now, with where to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Somebody should see to it now.
    pub severe: bool,
    /// A sentence.
    pub message: String,
    /// The page where to see to it.
    pub link: String,
}

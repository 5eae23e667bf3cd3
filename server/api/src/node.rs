//! Nodes; for admins.

use serde::{Deserialize, Serialize};

/// How a node is doing, as the server sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NodeHealth {
    /// It answers, and its engine works.
    Ready,
    /// Missed 2 polls.
    Suspect,
    /// Missed 5 polls, or never answered.
    Unreachable,
    /// It answers, but its engine is away or cannot start things.
    Degraded,
}

/// What the operator wants of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NodePolicy {
    /// Gets new VMs.
    Schedulable,
    /// Gets no new VMs.
    Cordoned,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Node {
    /// As it was started with.
    pub name: String,
    /// `http://127.0.0.1:PORT` or `https://HOST:PORT`.
    pub address: String,
    /// As the polls found it.
    pub health: NodeHealth,
    /// Why it is unreachable or degraded.
    pub health_reason: Option<String>,
    /// Why VMs reach the node's host and its private networks although they should not, and what to do; null where they
    /// do not, or are meant to.
    pub reach_open: Option<String>,
    /// Whether it gets new VMs.
    pub policy: NodePolicy,
    /// Started and watched by this server.
    pub local: bool,
    /// Of the node program.
    pub version: Option<String>,
    /// Kind and version: `docker 20.10.24`.
    pub engine: Option<String>,
    /// VMs that are placed here.
    pub vms: u32,
    /// Of these, those that run.
    pub vms_running: u32,
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
    /// References of the images that are present.
    pub images: Vec<String>,
}

/// Body of `POST /api/v1/admin/nodes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NodeAdd {
    /// As the node was started with.
    pub name: String,
    /// `http://127.0.0.1:PORT` or `https://HOST:PORT`.
    pub address: String,
    /// The node's credential.
    pub credential: String,
    /// SHA-256 of its certificate, hex; needed with https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// Body of `PUT /api/v1/admin/nodes/{name}/cordon`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NodeCordon {
    /// True: no new VMs.
    pub cordoned: bool,
}

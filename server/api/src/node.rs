//! Nodes; for admins.

use serde::{Deserialize, Serialize};

/// How a node is doing, as the server sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NodeHealth {
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
    Schedulable,
    /// Gets no new VMs.
    Cordoned,
    /// Gets no new VMs, and is being emptied.
    Draining,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Node {
    pub name: String,
    pub address: String,
    pub health: NodeHealth,
    /// Why it is unreachable or degraded.
    pub health_reason: Option<String>,
    pub policy: NodePolicy,
    /// Started and watched by this server.
    pub local: bool,
    pub version: Option<String>,
    pub engine: Option<String>,
    pub vms: u32,
    pub vms_running: u32,
    /// What may be promised, and is.
    pub cpu_millis: u32,
    pub cpu_millis_allocated: u32,
    pub memory_mib: u32,
    pub memory_mib_allocated: u32,
    pub memory_mib_used: u32,
    pub disk_free_percent: u8,
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
    pub cordoned: bool,
}

//! What happens to VMs, told as it happens. A hint to look again, never the only word.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One thing that happened. The node tells what its engine told it; what it did itself comes this way too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeEvent {
    /// Grows by one; resume with `Last-Event-ID`. Starts anew with the node process.
    pub seq: u64,
    /// When the node heard of it: microseconds since the Unix epoch.
    pub at: i64,
    /// The VM it happened to.
    pub vm_id: Uuid,
    /// What happened.
    pub kind: NodeEventKind,
}

/// What can happen to a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeEventKind {
    /// Its container was made.
    VmCreated,
    /// It began to run.
    VmStarted,
    /// It ended: shut down, crashed, or with its engine. The report tells which.
    VmExited,
    /// Its container is gone, whoever removed it.
    VmDeleted,
    /// Its memory limit has killed something in it.
    VmOom,
    /// A shell was opened in it.
    ShellOpened,
    /// A shell in it has ended, or was closed by who may.
    ShellClosed,
    /// A shell in it has ended otherwise, such as one that nobody used: its report says why, for 10 minutes.
    ShellLost,
}

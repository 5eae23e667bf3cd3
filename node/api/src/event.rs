//! What happens to VMs, told as it happens. A hint to look again, never the only word.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeEvent {
    /// Grows by one; resume with `Last-Event-ID`. Starts anew with the node process.
    pub seq: u64,
    pub at: i64,
    pub vm_id: Uuid,
    pub kind: NodeEventKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeEventKind {
    VmCreated,
    VmStarted,
    VmExited,
    VmDeleted,
    VmOom,
    ShellOpened,
    ShellClosed,
}

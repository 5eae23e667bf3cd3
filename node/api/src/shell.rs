//! Shells: PTYs in VMs that live on the node until they exit or are closed.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Body of `POST /v1/vms/{id}/shells`. The caller makes the id, so that a repeat is harmless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellCreate {
    pub id: Uuid,
    /// First size, clamped to 1..=500.
    pub cols: u16,
    pub rows: u16,
}

/// A shell as the node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellReport {
    pub id: Uuid,
    pub vm_id: Uuid,
    pub created_at: i64,
    pub cols: u16,
    pub rows: u16,
    pub viewers: u16,
    /// Set once the shell has ended.
    pub exit_code: Option<i32>,
    /// Output bytes so far.
    pub offset: u64,
    /// When a viewer last typed.
    pub active_at: i64,
}

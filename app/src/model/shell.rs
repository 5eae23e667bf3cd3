//! Shells as pages show them.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellView {
    pub id: String,
    pub vm: String,
    pub created_at: i64,
    /// When somebody last typed in it.
    pub active_at: i64,
    pub viewers: u16,
    pub exit_code: Option<i32>,
}

/// What the shell page needs to connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellPage {
    pub shell: ShellView,
    /// Path of the WebSocket: `/shells/{id}/attach`.
    pub attach: String,
    /// The VM's other live shells.
    pub others: Vec<ShellView>,
}

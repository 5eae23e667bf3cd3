//! Shells as pages show them.

use serde::{Deserialize, Serialize};

/// A shell, as its node told last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellView {
    /// To attach to it by.
    pub id: String,
    /// The VM's name.
    pub vm: String,
    /// When it was opened.
    pub created_at: i64,
    /// When somebody last typed in it.
    pub active_at: i64,
    /// How many look at it now.
    pub viewers: u16,
    /// Set once it has ended; 128 + n for a signal.
    pub exit_code: Option<i32>,
}

/// What the shell page needs to connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellPage {
    /// The one to connect to.
    pub shell: ShellView,
    /// Path of the WebSocket: `/shells/{id}/attach`.
    pub attach: String,
    /// Nothing can be typed: the viewer, an admin, was invited to watch this shell.
    pub watches: bool,
    /// The VM's other live shells.
    pub others: Vec<ShellView>,
}

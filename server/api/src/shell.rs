//! Shells: terminals in a VM that live on its node until they exit or are closed.

use serde::{Deserialize, Serialize};

/// A live shell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Shell {
    /// To attach to it, or close it, by.
    pub id: String,
    /// The VM's name.
    pub vm: String,
    /// When it was opened.
    pub created_at: i64,
    /// When somebody last typed in it.
    pub active_at: i64,
    /// How many are attached.
    pub viewers: u16,
    /// Path of the WebSocket to attach to it (docs/shell-protocol.md).
    pub attach: String,
}

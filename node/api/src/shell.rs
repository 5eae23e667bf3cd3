//! Shells: PTYs in VMs that live on the node until they exit or are closed.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Shells that may live in one VM; a node refuses another one with `too_many`.
pub const SHELLS_PER_VM: usize = 32;

/// Body of `POST /v1/vms/{id}/shells`. The caller makes the id, so that a repeat is harmless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellCreate {
    /// UUIDv7. One that is there already is answered as it is.
    pub id: Uuid,
    /// First size, clamped to 1..=500.
    pub cols: u16,
    /// As `cols`.
    pub rows: u16,
    /// The PTY begins with the size of its first viewer; without one after a second, with this one.
    #[serde(default)]
    pub at_first_attach: bool,
    /// What root's login shell is to run (`-c`) in place of a login; the shell ends with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Added to the environment (`TERM` of the viewer's terminal, say), or in place of what is set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<(String, String)>,
}

impl ShellCreate {
    /// A login shell of that size.
    pub fn new(id: Uuid, cols: u16, rows: u16) -> Self {
        Self {
            id,
            cols,
            rows,
            at_first_attach: false,
            command: None,
            env: Vec::new(),
        }
    }
}

/// A shell as the node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellReport {
    /// As it was made.
    pub id: Uuid,
    /// The VM it is in.
    pub vm_id: Uuid,
    /// Microseconds since the Unix epoch, as every `_at`.
    pub created_at: i64,
    /// The size it has now, in characters.
    pub cols: u16,
    /// As `cols`.
    pub rows: u16,
    /// How many are attached now.
    pub viewers: u16,
    /// Set once its program has ended.
    pub exit_code: Option<i32>,
    /// Why it is gone, in words, where neither its program nor its VM has ended it: nobody used it for long, say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
    /// Output bytes so far.
    pub offset: u64,
    /// When a viewer last typed.
    pub active_at: i64,
}

impl ShellReport {
    /// False once it has ended, however.
    pub fn lives(&self) -> bool {
        self.exit_code.is_none() && self.lost.is_none()
    }
}

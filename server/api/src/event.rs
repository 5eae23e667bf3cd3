//! Events: who did what to which thing, when, with what result.

use serde::{Deserialize, Serialize};

/// An event, newest first in lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// Grows with time. Text, because it is larger than what JavaScript counts exactly.
    pub id: String,
    /// When it was written, with the change itself.
    pub at: i64,
    /// A user's name, or `minicloud` for what the cloud did itself.
    pub actor: String,
    /// `vm_create`, `vm_exited`, `shell_open`, `login`, …
    pub kind: String,
    /// Names the thing: a VM, a user, a node, an image.
    pub subject: String,
    /// In words: `alice shut web1 down`.
    pub sentence: String,
    /// False for what went wrong.
    pub ok: bool,
}

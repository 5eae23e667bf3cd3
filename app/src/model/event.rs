//! Who did what to which thing, when, with what result.

use serde::{Deserialize, Serialize};

/// One event, told to who may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventView {
    /// Grows with time; pages go on from it.
    pub id: i64,
    /// When it was written, with the change itself.
    pub at: i64,
    /// A user's name, or `minicloud` for what the cloud did itself.
    pub actor: String,
    /// `vm_create`, `vm_exited`, `shell_open`, `login`, …
    pub kind: String,
    /// Names the thing: a VM's name, a user's, a node's.
    pub subject: String,
    /// Link to it, where it still exists.
    pub link: Option<String>,
    /// The plain sentence: "alice shut web1 down".
    pub sentence: String,
    /// False for what went wrong.
    pub ok: bool,
}

/// A page of events, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventPage {
    /// At most 50.
    pub events: Vec<EventView>,
    /// Pass as `before` for the next page; None at the end.
    pub next: Option<i64>,
    /// The server's clock.
    pub as_of: i64,
}

/// Which events to show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFilter {
    /// Exactly this name; None lets all pass, as everywhere here.
    pub actor: Option<String>,
    /// Exactly this name.
    pub subject: Option<String>,
    /// Exactly the thing with this id, whatever else had its name.
    pub subject_id: Option<String>,
    /// Exactly this kind.
    pub kind: Option<String>,
    /// Only events with a smaller id.
    pub before: Option<i64>,
}

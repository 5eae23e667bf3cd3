//! What the live WebSockets send: JSON text, one value a message.
//!
//! `/live` sends [`Live::Vms`] at once and after every change of one's VMs (at most every 100 ms).
//! `/live/admin` sends [`Live::Overview`] likewise, at most once a second.
//! `/live/logs?source=&level=&text=` sends [`Live::Logs`] batches, first the newest 500.
//! WebSockets, and not server-sent events, because browsers allow six of the latter a host over
//! HTTP/1.1 and people keep more tabs than that.

use serde::{Deserialize, Serialize};

use super::{LogView, Overview, VmList};

/// One message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum Live {
    /// All VMs of who asks.
    Vms(VmList),
    /// The admin's first page.
    Overview(Overview),
    /// Records that match, oldest first.
    Logs(Vec<LogView>),
}

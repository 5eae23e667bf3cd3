//! What the live WebSockets send: JSON text, one value a message.
//!
//! `/live` sends [`Live::Vms`] at once and after every change of one's VMs (at most every 100 ms).
//! `/live/admin` sends [`Live::Overview`] likewise, at most once a second.
//! `/live/logs?source=&level=&text=` sends [`Live::Logs`] batches, first the newest 500.
//! Each of them sends something every [`LIVE_EVERY`] at the least, and at once after any message of the browser.
//! WebSockets, and not server-sent events, because browsers allow six of the latter a host over
//! HTTP/1.1 and people keep more tabs than that.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{LogView, Overview, VmList};

/// The longest that a live socket is quiet. A browser tells a page of no ping, and of no line that has gone dead:
/// what is quiet for much longer is taken for lost.
pub const LIVE_EVERY: Duration = Duration::from_secs(5);
/// How a live socket is closed whose access was taken back: no new connection mends that.
pub const LIVE_REVOKED: u16 = 4003;
/// How one is closed that is one too many of its user's.
pub const LIVE_TOO_MANY: u16 = 4029;

/// One message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum Live {
    /// All VMs of who asks.
    Vms(VmList),
    /// The admin's first page.
    Overview(Overview),
    /// Records that match, oldest first; none is a sign of life.
    Logs(Vec<LogView>),
}

//! A node's log records.

use serde::{Deserialize, Serialize};

/// One record of the node process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeLog {
    /// Grows by one; resume with `Last-Event-ID`. Starts anew with the node process.
    pub seq: u64,
    /// When it was logged: microseconds since the Unix epoch.
    pub at: i64,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// One line, control characters escaped, at most 4 KiB.
    pub message: String,
    /// The `x-request-id` of the call during which it was logged, where there was one.
    pub request_id: Option<String>,
}

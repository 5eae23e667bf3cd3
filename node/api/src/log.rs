//! A node's log records.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeLog {
    /// Grows by one; resume with `Last-Event-ID`. Starts anew with the node process.
    pub seq: u64,
    pub at: i64,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// One line, control characters escaped, at most 4 KiB.
    pub message: String,
    pub request_id: Option<String>,
}

//! Log records, as the admin's page shows them.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogView {
    /// Grows by one over all sources of this server process.
    pub seq: u64,
    pub at: i64,
    /// `server`, `balancer`, or a node's name.
    pub source: String,
    pub level: LogLevel,
    pub message: String,
    pub request_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Which records to show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFilter {
    pub source: Option<String>,
    /// This level and worse.
    pub level: Option<LogLevel>,
    /// Text that must occur in the message, without regard to case.
    pub text: Option<String>,
}

/// The newest records that match, oldest first, and the sources there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    pub records: Vec<LogView>,
    pub sources: Vec<String>,
}

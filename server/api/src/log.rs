//! Log records; for admins.

use serde::{Deserialize, Serialize};

/// How much a record matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// One record: the `data` of one server-sent event of `GET /api/v1/admin/logs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogRecord {
    /// Grows by one over all sources of this server process.
    pub seq: u64,
    pub at: i64,
    /// `server`, `balancer`, or a node's name.
    pub source: String,
    pub level: LogLevel,
    pub message: String,
    pub request_id: Option<String>,
}

//! Log records; for admins.

use serde::{Deserialize, Serialize};

/// How much a record matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// For who looks for a fault.
    Debug,
    /// What happens.
    Info,
    /// What should not happen, and was coped with.
    Warn,
    /// What needs somebody.
    Error,
}

/// One record: the `data` of one server-sent event of `GET /api/v1/admin/logs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogRecord {
    /// Grows by one over all sources of this server process.
    pub seq: u64,
    /// When it was logged, by the clock of its source.
    pub at: i64,
    /// `server`, `balancer`, or a node's name.
    pub source: String,
    /// How much it matters.
    pub level: LogLevel,
    /// One line, control characters escaped.
    pub message: String,
    /// The request during which it was logged, where there was one.
    pub request_id: Option<String>,
}

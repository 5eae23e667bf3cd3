//! How the JSON API says no (RFC 9457 problem details).

use serde::{Deserialize, Serialize};

/// Body of a failed answer, sent as `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable, for programs: `vm_name_taken`, `quota_exceeded`, …
    pub code: String,
    /// A sentence for people: what happened, to what, what to do.
    pub detail: String,
    pub status: u16,
    /// The input that was wrong, when it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Stands in the server's log beside the cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

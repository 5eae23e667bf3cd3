//! Users, as an admin sees them.

use serde::{Deserialize, Serialize};

use super::QuotaUsage;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Member,
    Admin,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserView {
    pub name: String,
    pub role: Role,
    pub disabled: bool,
    pub must_change_password: bool,
    pub quota: QuotaUsage,
    pub created_at: i64,
    /// Last seen, if ever.
    pub active_at: Option<i64>,
    /// The admin who looks at the list.
    pub is_viewer: bool,
}

/// What an admin sets for a user; all four at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaForm {
    pub vms: u32,
    pub cpu_millis: u32,
    pub memory_mib: u32,
    pub disk_gib: u32,
}

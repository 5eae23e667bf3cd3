//! The caller's own account.

use serde::{Deserialize, Serialize};

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Member,
    Admin,
}

/// Who the credentials belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Me {
    pub name: String,
    pub role: Role,
    pub quota: Quota,
}

/// What a user may have (`_max`), and has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quota {
    pub vms: u32,
    pub vms_max: u32,
    pub cpu_millis: u32,
    pub cpu_millis_max: u32,
    pub memory_mib: u32,
    pub memory_mib_max: u32,
    pub disk_gib: u32,
    pub disk_gib_max: u32,
}

/// One place the user is signed in with a browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoginSession {
    pub id: String,
    pub created_at: i64,
    pub active_at: i64,
    pub address: String,
    /// In words: `Firefox on Linux`.
    pub device: String,
    /// The one this request came with.
    pub current: bool,
}

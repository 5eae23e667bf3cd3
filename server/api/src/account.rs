//! The caller's own account.

use serde::{Deserialize, Serialize};

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Have VMs of their own.
    Member,
    /// See to everybody's, and to nodes, users and images.
    Admin,
}

/// Who the credentials belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Me {
    /// The user's name.
    pub name: String,
    /// What they may.
    pub role: Role,
    /// What they may have, and have.
    pub quota: Quota,
}

/// What a user may have (`_max`), and has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quota {
    /// VMs there are; what is shut down or has failed counts too.
    pub vms: u32,
    /// VMs that may be.
    pub vms_max: u32,
    /// Thousandths of a CPU that are promised.
    pub cpu_millis: u32,
    /// Thousandths of a CPU that may be.
    pub cpu_millis_max: u32,
    /// Memory that is promised.
    pub memory_mib: u32,
    /// Memory that may be.
    pub memory_mib_max: u32,
    /// Disk that is promised.
    pub disk_gib: u32,
    /// Disk that may be.
    pub disk_gib_max: u32,
}

/// One place the user is signed in with a browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoginSession {
    /// To end it by.
    pub id: String,
    /// When they signed in.
    pub created_at: i64,
    /// When it was last used, to the minute.
    pub active_at: i64,
    /// The browser's, at the sign-in.
    pub address: String,
    /// In words: `Firefox on Linux`.
    pub device: String,
    /// The one this request came with.
    pub current: bool,
}

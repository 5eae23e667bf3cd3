//! Users, as an admin sees them.

use serde::{Deserialize, Serialize};

use super::QuotaUsage;

/// What a user may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Have VMs of their own.
    Member,
    /// See to everybody's, and to nodes, users and images.
    Admin,
}

/// An account, as admins see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserView {
    /// Unique; at most 32 characters.
    pub name: String,
    /// What they may.
    pub role: Role,
    /// They cannot sign in, and their VMs are stopped.
    pub disabled: bool,
    /// They have a one-time password.
    pub must_change_password: bool,
    /// What they may have, and have.
    pub quota: QuotaUsage,
    /// When the account was made.
    pub created_at: i64,
    /// Last seen, if ever.
    pub active_at: Option<i64>,
    /// The admin who looks at the list.
    pub is_viewer: bool,
    /// Changes with role, access and quota; a change can name the one it was decided on.
    pub version: String,
}

/// A new user, and the one-time password, shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserCreated {
    /// As the list has them.
    pub user: UserView,
    /// To be handed over; another one is chosen at the first sign-in.
    pub password: String,
}

/// What an admin sets for a user; all four at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaForm {
    /// At most 1,000.
    pub vms: u32,
    /// Thousandths of a CPU, at most 1,000 CPUs.
    pub cpu_millis: u32,
    /// At most 4 TiB.
    pub memory_mib: u32,
    /// At most 1 PiB.
    pub disk_gib: u32,
}

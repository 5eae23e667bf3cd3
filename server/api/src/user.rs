//! Users; for admins.

use serde::{Deserialize, Serialize};

use crate::account::{Quota, Role};

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// Unique; at most 32 characters.
    pub name: String,
    /// What they may.
    pub role: Role,
    /// They cannot sign in, and their VMs are stopped.
    pub disabled: bool,
    /// They have a one-time password.
    pub must_change_password: bool,
    /// What they may have, and have.
    pub quota: Quota,
    /// When the account was made.
    pub created_at: i64,
    /// Last seen, if ever.
    pub active_at: Option<i64>,
}

/// Body of `POST /api/v1/admin/users`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserCreate {
    /// Not that of another user.
    #[cfg_attr(
        feature = "openapi",
        schema(pattern = "^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$")
    )]
    pub name: String,
}

/// A new user, with a one-time password that is shown this once; it must be changed at the first sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserCreated {
    /// As the list has them.
    pub user: User,
    /// Works once.
    pub password: String,
}

/// Body of `PUT /api/v1/admin/users/{name}/disabled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserDisable {
    /// True: out, and their VMs are stopped.
    pub disabled: bool,
}

/// Body of `PUT /api/v1/admin/users/{name}/role`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserRole {
    /// From the next request on.
    pub role: Role,
}

/// Body of `PUT /api/v1/admin/users/{name}/quota`: all four at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserQuota {
    /// VMs.
    #[cfg_attr(feature = "openapi", schema(maximum = 1000))]
    pub vms: u32,
    /// Thousandths of a CPU.
    #[cfg_attr(feature = "openapi", schema(maximum = 1000000))]
    pub cpu_millis: u32,
    /// Memory.
    #[cfg_attr(feature = "openapi", schema(maximum = 4194304))]
    pub memory_mib: u32,
    /// Disk.
    #[cfg_attr(feature = "openapi", schema(maximum = 1048576))]
    pub disk_gib: u32,
}

/// A one-time password, shown this once; it must be changed at the next sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserPassword {
    /// Works once.
    pub password: String,
}

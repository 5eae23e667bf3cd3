//! Users; for admins.

use serde::{Deserialize, Serialize};

use crate::account::{Quota, Role};

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    pub name: String,
    pub role: Role,
    pub disabled: bool,
    pub must_change_password: bool,
    pub quota: Quota,
    pub created_at: i64,
    /// Last seen, if ever.
    pub active_at: Option<i64>,
}

/// Body of `PUT /api/v1/admin/users/{name}/disabled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserDisable {
    pub disabled: bool,
}

/// Body of `PUT /api/v1/admin/users/{name}/role`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserRole {
    pub role: Role,
}

/// Body of `PUT /api/v1/admin/users/{name}/quota`: all four at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserQuota {
    #[cfg_attr(feature = "openapi", schema(maximum = 1000))]
    pub vms: u32,
    #[cfg_attr(feature = "openapi", schema(maximum = 1000000))]
    pub cpu_millis: u32,
    #[cfg_attr(feature = "openapi", schema(maximum = 4194304))]
    pub memory_mib: u32,
    #[cfg_attr(feature = "openapi", schema(maximum = 1048576))]
    pub disk_gib: u32,
}

/// A one-time password, shown this once; it must be changed at the next sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserPassword {
    pub password: String,
}

//! The person at the browser, and what the installation lets people do.

use serde::{Deserialize, Serialize};

use super::Role;

/// Who is asking, as far as pages care.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    pub name: String,
    pub role: Role,
    /// Nothing but the change-password page can be reached until it is done.
    pub must_change_password: bool,
    pub quota: QuotaUsage,
}

/// Facts about the installation that pages show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    pub registration: Registration,
    /// admin/admin still works from this machine: the sign-in page says so there, and only there.
    pub first_start: bool,
    pub version: String,
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    Open,
    /// With the invite code of the configuration.
    Invite,
    Closed,
}

/// The theme a person chose; kept in the cookie `theme`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

/// What a user may have, and has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaUsage {
    pub vms: u32,
    pub vms_max: u32,
    pub cpu_millis: u32,
    pub cpu_millis_max: u32,
    pub memory_mib: u32,
    pub memory_mib_max: u32,
    pub disk_gib: u32,
    pub disk_gib_max: u32,
}

/// One place the user is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginSessionView {
    pub id: String,
    pub created_at: i64,
    pub active_at: i64,
    pub address: String,
    /// In words: "Firefox on Linux".
    pub device: String,
    pub current: bool,
}

/// An API token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenView {
    pub id: String,
    pub name: String,
    /// Words apart by spaces: `read`, `write`, `admin`.
    pub scopes: String,
    pub created_at: i64,
    /// None: it does not end by itself.
    pub expires_at: Option<i64>,
    pub used_at: Option<i64>,
}

/// How good a password is, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordStrength {
    /// zxcvbn's 0..=4; 3 is enough.
    pub score: u8,
    /// "Too easy to guess", "Good", …, and what would help.
    pub words: String,
    pub enough: bool,
}

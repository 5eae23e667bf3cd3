//! The person at the browser, and what the installation lets people do.

use serde::{Deserialize, Serialize};

use super::{Role, SshGateway};

/// Who is asking, as far as pages care.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// Their name; at most 32 characters.
    pub name: String,
    /// What they may.
    pub role: Role,
    /// Nothing but the change-password page can be reached until it is done.
    pub must_change_password: bool,
    /// What they may have, and have.
    pub quota: QuotaUsage,
    /// Where their VMs can be reached by SSH; None: it is switched off.
    pub ssh: Option<SshGateway>,
}

/// Facts about the installation that pages show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// As configured.
    pub registration: Registration,
    /// admin/admin still works from this machine: the sign-in page says so there, and only there.
    pub first_start: bool,
    /// The server program's.
    pub version: String,
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// Everybody.
    Open,
    /// With the invite code of the configuration.
    Invite,
    /// Nobody.
    Closed,
}

/// The theme a person chose; kept in the cookie `theme`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the browser is set.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

/// What a user may have, and has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaUsage {
    /// VMs there are, of the database, as all these: also what is shut down or has failed counts.
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

/// One place the user is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginSessionView {
    /// To end it by.
    pub id: String,
    /// When they signed in.
    pub created_at: i64,
    /// When it was used last; written once a minute at most.
    pub active_at: i64,
    /// The browser's, as the peer or a trusted proxy told it at the sign-in.
    pub address: String,
    /// In words: "Firefox on Linux".
    pub device: String,
    /// It is the one that asks.
    pub current: bool,
}

/// An API token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenView {
    /// To revoke it by.
    pub id: String,
    /// Where it is used, in its user's words.
    pub name: String,
    /// Words apart by spaces: `read`, `write`, `admin`.
    pub scopes: String,
    /// When it was made.
    pub created_at: i64,
    /// None: it does not end by itself.
    pub expires_at: Option<i64>,
    /// When it was used last, if ever; written once a minute at most.
    pub used_at: Option<i64>,
}

/// How good a password is, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordStrength {
    /// zxcvbn's 0..=4; 3 is enough.
    pub score: u8,
    /// "Too easy to guess", "Good", …, and what would help.
    pub words: String,
    /// It is taken.
    pub enough: bool,
}

//! Shells that are shared with another user: invitations, and the grants that come of them.

use serde::{Deserialize, Serialize};

/// What somebody else may do in a shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ShellMode {
    /// See what the shell shows, its last 1,000 lines included.
    Watch,
    /// Type in it, too: that is to be root in the VM.
    Type,
}

/// Body of `POST /api/v1/shells/{id}/invitations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ShellInvitationCreate {
    /// What who accepts it may do.
    pub mode: ShellMode,
}

/// A link to a shell that nobody has accepted yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShellInvitation {
    /// To withdraw it by.
    pub id: String,
    /// The shell it leads to.
    pub shell_id: String,
    /// The VM's name.
    pub vm: String,
    /// The name of whose VM it is.
    pub owner: String,
    /// What who accepts it may do.
    pub mode: ShellMode,
    /// When it was made.
    pub created_at: i64,
    /// When it can be accepted no more.
    pub expires_at: i64,
}

/// A new invitation. Its link is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShellInvitationCreated {
    /// As the list has it.
    pub invitation: ShellInvitation,
    /// For whom is invited: a page to accept it on. Good once.
    pub link: String,
}

/// A link, where it is looked at or accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ShellInvitationLink {
    /// As it was given; what stands behind its last slash is enough.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 512))]
    pub link: String,
}

/// Somebody may watch, or type in, a shell of another's VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShellGrant {
    /// To take it back, or leave, by.
    pub id: String,
    /// The shell it is for.
    pub shell_id: String,
    /// The VM's name.
    pub vm: String,
    /// The name of whose VM it is.
    pub owner: String,
    /// The name of who may.
    pub user: String,
    /// What they may do.
    pub mode: ShellMode,
    /// When they accepted.
    pub created_at: i64,
    /// They are in the shell now.
    pub present: bool,
    /// Path of the WebSocket to attach to the shell (docs/shell-protocol.md).
    pub attach: String,
}

/// With whom a shell is shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShellShare {
    /// Links that can be accepted yet, newest first.
    pub invitations: Vec<ShellInvitation>,
    /// Oldest first.
    pub grants: Vec<ShellGrant>,
}

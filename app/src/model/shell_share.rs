//! Shells that are shared with somebody else.

use serde::{Deserialize, Serialize};

/// What somebody else may do in a shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShellMode {
    /// Look on.
    Watch,
    /// Type in it, too.
    Type,
}

impl ShellMode {
    /// The word that forms send and the database keeps.
    pub fn word(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Type => "type",
        }
    }

    /// The mode of that word.
    pub fn read(word: &str) -> Option<Self> {
        [Self::Watch, Self::Type]
            .into_iter()
            .find(|mode| mode.word() == word)
    }
}

/// A link to a shell that nobody has accepted yet. Without its token, which is nowhere to be had again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellInvitationView {
    /// To withdraw it by.
    pub id: String,
    /// The shell it leads to.
    pub shell_id: String,
    /// The VM's name.
    pub vm: String,
    /// Whose VM it is: who invites.
    pub owner: String,
    /// What it would let somebody do.
    pub mode: ShellMode,
    /// When the link was made.
    pub created_at: i64,
    /// 24 h later: when it ends by itself.
    pub expires_at: i64,
}

/// A new invitation, and its link, shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellInvitationMade {
    /// As the list has it.
    pub invitation: ShellInvitationView,
    /// To be sent to somebody.
    pub link: String,
}

/// Somebody may watch, or type in, a shell of another's VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellGrantView {
    /// To take it back, or leave, by; its page is `/shared/{id}`.
    pub id: String,
    /// The shell it is for.
    pub shell_id: String,
    /// The VM's name.
    pub vm: String,
    /// Whose VM it is.
    pub owner: String,
    /// Who may.
    pub user: String,
    /// What they may do.
    pub mode: ShellMode,
    /// When they accepted.
    pub created_at: i64,
    /// They are in the shell now.
    pub present: bool,
}

/// With whom a shell is shared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellShare {
    /// Open ones, newest first.
    pub invitations: Vec<ShellInvitationView>,
    /// Oldest first.
    pub grants: Vec<ShellGrantView>,
}

/// What the page of a shared shell needs to connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedShell {
    /// The right to it.
    pub grant: ShellGrantView,
    /// Path of the WebSocket: `/shells/{id}/attach`.
    pub attach: String,
}

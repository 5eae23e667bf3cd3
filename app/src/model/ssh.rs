//! SSH keys, and how to connect.

use serde::{Deserialize, Serialize};

/// A key that its user signs in with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshKeyView {
    pub id: String,
    /// Where it is, in its user's words; may be empty.
    pub comment: String,
    /// `SHA256:…`
    pub fingerprint: String,
    pub created_at: i64,
    pub used_at: Option<i64>,
}

/// A user's keys and what to do with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshAccess {
    pub keys: Vec<SshKeyView>,
    /// None: SSH is switched off.
    pub host: Option<SshHostView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshHostView {
    /// Of the host key, to be compared at the first connection: `SHA256:…`.
    pub fingerprint: String,
    /// The command that leads to the lobby.
    pub lobby: String,
    /// A block for `~/.ssh/config`.
    pub config: String,
}

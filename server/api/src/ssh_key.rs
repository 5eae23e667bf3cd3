//! SSH keys: what people sign in with by SSH.

use serde::{Deserialize, Serialize};

/// A public key of the caller's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SshKey {
    /// To remove it by.
    pub id: String,
    /// As `ssh-keygen -l` shows it: `SHA256:…`.
    pub fingerprint: String,
    /// `ssh-ed25519 AAAA…`, without the comment.
    pub public_key: String,
    /// For people: where the key is. May be empty.
    pub comment: String,
    /// When it was added.
    pub created_at: i64,
    /// When it was last signed in with, to the minute.
    pub used_at: Option<i64>,
}

/// Body of `POST /api/v1/me/keys`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SshKeyAdd {
    /// One line, as in a `.pub` file: Ed25519, ECDSA, or RSA of 2048 to 4096 bits.
    pub public_key: String,
    /// Instead of the comment behind the key; at most 128 characters are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

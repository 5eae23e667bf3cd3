//! How to connect by SSH.

use serde::{Deserialize, Serialize};

/// The SSH gateway: `ssh VM@host -p port`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SshHost {
    /// The name or address that people use.
    pub host: String,
    pub port: u16,
    /// Of the host key, to be compared at the first connection: `SHA256:…`.
    pub fingerprint: String,
    /// For `known_hosts`: `ssh-ed25519 AAAA…`.
    pub host_key: String,
}

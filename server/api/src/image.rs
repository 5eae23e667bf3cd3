//! Images of the catalogue.

use serde::{Deserialize, Serialize};

/// Which SSH server an image carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SshServer {
    /// Small; what `minicloud/base` carries.
    Dropbear,
    /// OpenSSH's; what `minicloud/debian` carries.
    Sshd,
}

/// What a VM can be made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Image {
    /// What a new VM names it by.
    pub name: String,
    /// Reference for the engine: `alpine:3`.
    pub reference: String,
    /// One line about it.
    pub summary: String,
    /// The one that is taken where none is named.
    pub default: bool,
    /// On how many ready nodes it is present already.
    pub present_on: u32,
    /// null: it carries none, and the SSH of its VMs cannot be published.
    pub ssh_server: Option<SshServer>,
}

/// Body of `POST /api/v1/admin/images`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ImageAdd {
    /// Small letters, digits, and `-._/`; what VMs name it by.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9._/-]+$")
    )]
    pub name: String,
    /// Reference for the engine: `alpine:3`.
    #[cfg_attr(
        feature = "openapi",
        schema(
            min_length = 1,
            max_length = 200,
            pattern = "^[A-Za-z0-9][A-Za-z0-9._/:@-]*$"
        )
    )]
    pub reference: String,
    /// One line about it.
    #[cfg_attr(feature = "openapi", schema(max_length = 120))]
    #[serde(default)]
    pub summary: String,
    /// The SSH server that it carries, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_server: Option<SshServer>,
}

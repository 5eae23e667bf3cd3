//! A VM's own SSH server, published on a port of its node.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Which SSH server an image carries; each is started in a way of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SshServer {
    /// `dropbear`, with `dropbearkey` beside it.
    Dropbear,
    /// OpenSSH's `sshd`, with `ssh-keygen` beside it.
    Sshd,
}

/// Body of `PUT /v1/vms/{id}/ssh`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshServe {
    /// The one that the VM's image carries.
    pub server: SshServer,
    /// Public keys that may sign in as root, as lines of `authorized_keys` without options; 64 at most.
    pub keys: Vec<String>,
}

/// Ports of the node's host on which it publishes its VMs' SSH servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshPorts {
    /// 1024 or above.
    pub first: u16,
    /// It belongs to them.
    pub last: u16,
    /// The address of the host that they listen on.
    pub listen: IpAddr,
    /// The name to connect to that people are told, where one is configured.
    pub host: Option<String>,
}

impl SshPorts {
    /// Whether the port is one of them.
    pub fn contains(&self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

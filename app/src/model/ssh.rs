//! SSH keys, and how to connect.

use serde::{Deserialize, Serialize};

/// A key that its user signs in with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshKeyView {
    /// To remove it by.
    pub id: String,
    /// Where it is, in its user's words; may be empty.
    pub comment: String,
    /// `SHA256:…`
    pub fingerprint: String,
    /// When it was added.
    pub created_at: i64,
    /// When somebody signed in with it last, if ever; written once a minute at most.
    pub used_at: Option<i64>,
}

/// Which SSH server an image carries; each is started in a way of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SshServer {
    /// Small; what `minicloud/base` carries.
    Dropbear,
    /// OpenSSH's; what `minicloud/debian` carries.
    Sshd,
}

impl SshServer {
    /// Its name, as on the page and in the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Dropbear => "dropbear",
            Self::Sshd => "sshd",
        }
    }

    /// The one of that name.
    pub fn read(word: &str) -> Option<Self> {
        [Self::Dropbear, Self::Sshd]
            .into_iter()
            .find(|server| server.word() == word)
    }
}

/// Where a VM's own SSH server is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshPublished {
    /// Name or address of its node, for people to connect to.
    pub host: String,
    /// Stays the VM's as long as it is there.
    pub port: u16,
    /// The VM runs, its owner's keys are in place, and its server was started.
    pub ready: bool,
    /// Why nobody can sign in there, where that is known; a sentence.
    pub reason: Option<String>,
}

impl SshPublished {
    /// The command that leads there.
    pub fn command(&self) -> String {
        format!("ssh -p {} root@{}", self.port, self.host)
    }
}

/// A user's keys and what to do with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshAccess {
    /// Newest first.
    pub keys: Vec<SshKeyView>,
    /// None: SSH is switched off.
    pub host: Option<SshHostView>,
}

/// Where the SSH gateway is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshGateway {
    /// The name or address that people use.
    pub host: String,
    /// Where it listens.
    pub port: u16,
}

impl SshGateway {
    /// The command that leads into a VM of that account.
    pub fn command(&self, account: &str, vm: &str) -> String {
        // The account's own name leads to the lobby.
        let user = match vm == account {
            true => format!("{account}+{vm}"),
            false => vm.to_owned(),
        };
        match self.port {
            22 => format!("ssh {user}@{}", self.host),
            port => format!("ssh -p {port} {user}@{}", self.host),
        }
    }
}

/// How to connect to the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshHostView {
    /// Of the host key, to be compared at the first connection: `SHA256:…`.
    pub fingerprint: String,
    /// The command that leads to the lobby.
    pub lobby: String,
    /// A block for `~/.ssh/config`.
    pub config: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vm_of_its_accounts_name_is_named_with_it() {
        let mut gateway = SshGateway {
            host: "cloud.example".into(),
            port: 2222,
        };
        assert_eq!(
            gateway.command("ann", "web1"),
            "ssh -p 2222 web1@cloud.example"
        );
        gateway.port = 22;
        assert_eq!(gateway.command("ann", "ann"), "ssh ann+ann@cloud.example");
    }
}

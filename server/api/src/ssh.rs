//! How to connect by SSH.

use serde::{Deserialize, Serialize};

/// The SSH gateway: `ssh VM@host -p port`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SshHost {
    /// The name or address that people use.
    pub host: String,
    /// Where the gateway listens.
    pub port: u16,
    /// Of the host key, to be compared at the first connection: `SHA256:…`.
    pub fingerprint: String,
    /// For `known_hosts`: `ssh-ed25519 AAAA…`.
    pub host_key: String,
}

impl SshHost {
    /// What to type to come in under that name.
    pub fn command(&self, user: &str) -> String {
        match self.port {
            22 => format!("ssh {user}@{}", self.host),
            port => format!("ssh -p {port} {user}@{}", self.host),
        }
    }

    /// A block for `~/.ssh/config`: each VM is a host of its name, the account's name the lobby. The
    /// account is named, so that a key which serves several accounts is no question.
    pub fn config(&self, account: &str, vms: &[String]) -> String {
        let mut text = format!("Host {account}\n    User {account}\n");
        // The account's name is the lobby, whatever VMs are called.
        let vms: Vec<&String> = vms.iter().filter(|vm| *vm != account).collect();
        for vm in &vms {
            text.push_str(&format!("Host {vm}\n    User {account}+{vm}\n"));
        }
        let mut all = account.to_owned();
        for vm in vms {
            all.push(' ');
            all.push_str(vm);
        }
        let (host, port) = (&self.host, self.port);
        text.push_str(&format!(
            "Host {all}\n    HostName {host}\n    Port {port}\n"
        ));
        text
    }

    /// A line for `known_hosts`.
    pub fn known_host(&self) -> String {
        let (host, port, key) = (&self.host, self.port, &self.host_key);
        match port {
            22 => format!("{host} {key}\n"),
            port => format!("[{host}]:{port} {key}\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(port: u16) -> SshHost {
        SshHost {
            host: "cloud.example".into(),
            port,
            fingerprint: "SHA256:x".into(),
            host_key: "ssh-ed25519 AAAA".into(),
        }
    }

    #[test]
    fn commands_name_a_port_only_where_it_is_not_the_usual_one() {
        assert_eq!(host(2222).command("web1"), "ssh -p 2222 web1@cloud.example");
        assert_eq!(host(22).command("web1"), "ssh web1@cloud.example");
        let known = "[cloud.example]:2222 ssh-ed25519 AAAA\n";
        assert_eq!(host(2222).known_host(), known);
    }

    #[test]
    fn a_config_block_has_a_host_for_each_vm_and_one_for_the_lobby() {
        let block = host(2222).config("alice", &["web1".into(), "db".into()]);
        let wanted = "Host alice
    User alice
Host web1
    User alice+web1
Host db
    User alice+db
Host alice web1 db
    HostName cloud.example
    Port 2222
";
        assert_eq!(block, wanted);
    }
}

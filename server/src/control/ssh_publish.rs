//! A VM's own SSH server on a port of its node: who may have that, where it is, and what its VM is sent.

use app::model::{SshPublished, SshServer, VmState};
use node_api::ssh::{self, SshPorts, SshServe};

use super::{Control, ControlError};
use crate::{
    actor::Actor,
    config::Config,
    db::{
        Db, DbError,
        image::ImageRow,
        ssh_key::{SshKeyRow, ssh_key_list},
        vm::VmRow,
    },
};

const NO_KEY: &str = "There is no SSH key on your account, and passwords are not taken.";

impl Control {
    /// How the SSH server of a new VM of that image is started; refused where nobody could sign in.
    pub(super) async fn ssh_server(
        &self,
        actor: &Actor,
        image: &ImageRow,
    ) -> Result<SshServer, ControlError> {
        let Some(server) = image.ssh_server else {
            let words = without_server(&image.name, &self.image_rows().await?);
            return Err(ControlError::invalid(
                "ssh_publish",
                "image_without_ssh",
                words,
            ));
        };
        if ssh_key_list(&self.0.db, &actor.user_id).await?.is_empty() {
            let words = format!("{NO_KEY} Add one first.");
            return Err(ControlError::invalid(
                "ssh_publish",
                "ssh_key_missing",
                words,
            ));
        }
        Ok(server)
    }

    /// Why the New VM form cannot offer it now, whatever the image.
    pub(super) async fn ssh_unavailable(
        &self,
        actor: &Actor,
    ) -> Result<Option<String>, ControlError> {
        if ssh_key_list(&self.0.db, &actor.user_id).await?.is_empty() {
            return Ok(Some(format!("{NO_KEY} Add one first.")));
        }
        let nodes = self.0.registry.list();
        let publishes = |entry: &std::sync::Arc<crate::balancer::NodeEntry>| {
            entry.with_state(|state| {
                state
                    .status
                    .as_ref()
                    .is_some_and(|it| it.ssh_ports.is_some())
            })
        };
        let none = !nodes.is_empty() && !nodes.iter().any(publishes);
        Ok(none.then(|| "No node publishes SSH ports. Ask an admin.".to_owned()))
    }

    /// Where a VM's SSH server is published, as it is shown.
    pub(super) fn ssh_published(&self, row: &VmRow, state: VmState) -> Option<SshPublished> {
        let port = row.ssh_port?;
        let entry = self.0.registry.get(row.node_id.as_deref()?)?;
        let ports = entry.with_state(|state| state.status.as_ref()?.ssh_ports.clone());
        let runs = state == VmState::Running && row.started_at.is_some();
        let reason = row
            .ssh_reason
            .clone()
            .filter(|_| runs && row.is_ssh_settled());
        Some(SshPublished {
            host: host(
                ports.as_ref(),
                entry.client.address(),
                entry.local,
                &self.0.config,
            ),
            port,
            ready: runs && row.is_ssh_settled() && reason.is_none(),
            reason,
        })
    }
}

/// What a VM is sent to have its SSH set up: the keys of its owner as they are now. None where it has no server.
pub(super) async fn serve(db: &Db, row: &VmRow) -> Result<Option<SshServe>, DbError> {
    let Some(server) = row.ssh_server else {
        return Ok(None);
    };
    let keys = ssh_key_list(db, &row.owner_id).await?;
    Ok(Some(SshServe {
        server: match server {
            SshServer::Dropbear => ssh::SshServer::Dropbear,
            SshServer::Sshd => ssh::SshServer::Sshd,
        },
        keys: keys.iter().map(line).collect(),
    }))
}

/// The row of a VM whose SSH was set up for its present start.
pub(super) fn served(row: &VmRow, serve: &SshServe) -> VmRow {
    let reason = serve
        .keys
        .is_empty()
        .then(|| format!("{NO_KEY} Add one, and restart the VM."));
    VmRow {
        ssh_ready_at: row.started_at,
        ssh_reason: reason,
        ..row.clone()
    }
}

/// As in `authorized_keys`.
fn line(key: &SshKeyRow) -> String {
    let line = format!("{} {}", key.public_key, key.comment);
    line.trim_end().to_owned()
}

/// What people connect to: what the node was told to say; else the address that its ports listen on; else,
/// where that is every address, the one that people reach this server, or that node, by.
fn host(ports: Option<&SshPorts>, address: &str, local: bool, config: &Config) -> String {
    if let Some(host) = ports.and_then(|ports| ports.host.clone()) {
        return host;
    }
    match ports.map(|ports| ports.listen) {
        Some(listen) if !listen.is_unspecified() => listen.to_string(),
        _ if local => config
            .public_urls
            .first()
            .map_or("127.0.0.1", |url| of_url(url))
            .to_owned(),
        _ => of_url(address).to_owned(),
    }
}

/// `cloud.example` of `https://cloud.example:5555/`; an IPv6 address without its brackets.
fn of_url(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((address, _)) => address,
        None => authority.split(':').next().unwrap_or(authority),
    }
}

fn without_server(image: &str, images: &[ImageRow]) -> String {
    let with = images.iter().filter(|image| image.ssh_server.is_some());
    let names: Vec<&str> = with.map(|image| image.name.as_str()).collect();
    let what = match names.is_empty() {
        true => "No image here does.".to_owned(),
        false => format!("Choose one that does: {}.", names.join(", ")),
    };
    format!("The image {image} carries no SSH server that could be published. {what}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::testing::row;

    #[test]
    fn people_are_told_an_address_that_they_can_reach() {
        let config = |urls: &[&str]| Config {
            public_urls: urls.iter().map(|url| (*url).to_owned()).collect(),
            ..Config::default()
        };
        let ports = |listen: &str, host: Option<&str>| SshPorts {
            first: 22_000,
            last: 22_999,
            listen: listen.parse().unwrap(),
            host: host.map(str::to_owned),
        };
        let open = config(&["https://cloud.example:5555/", "http://10.0.0.5"]);
        let remote = "https://10.0.0.7:5000";
        for (ports, local, config, told) in [
            (
                ports("0.0.0.0", Some("ssh.example")),
                true,
                &open,
                "ssh.example",
            ),
            (ports("127.0.0.1", None), true, &open, "127.0.0.1"),
            (ports("10.0.0.9", None), false, &open, "10.0.0.9"),
            (ports("0.0.0.0", None), true, &open, "cloud.example"),
            (ports("0.0.0.0", None), true, &config(&[]), "127.0.0.1"),
            (ports("::", None), false, &open, "10.0.0.7"),
        ] {
            assert_eq!(host(Some(&ports), remote, local, config), told);
        }
        assert_eq!(
            host(None, "https://[fd00::7]:5000", false, &open),
            "fd00::7"
        );
    }

    #[test]
    fn an_image_without_a_server_is_refused_with_those_that_have_one() {
        let images = [
            ImageRow::new("alpine", "alpine:3", "", None),
            ImageRow::new("base", "minicloud/base", "", Some(SshServer::Dropbear)),
            ImageRow::new("debian", "minicloud/debian", "", Some(SshServer::Sshd)),
        ];
        let words = without_server("alpine", &images);
        assert!(
            words.ends_with("Choose one that does: base, debian."),
            "{words}"
        );
        assert!(without_server("alpine", &images[..1]).contains("No image"));
    }

    #[test]
    fn a_vm_served_with_no_key_says_so() {
        let serve = |keys: &[&str]| SshServe {
            server: ssh::SshServer::Dropbear,
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        };
        let after = served(&row(), &serve(&["ssh-ed25519 AAAA"]));
        assert_eq!(
            (after.ssh_ready_at, after.ssh_reason),
            (row().started_at, None)
        );
        assert!(served(&row(), &serve(&[])).ssh_reason.is_some());
    }
}

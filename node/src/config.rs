//! What a node is told at its start.

use std::{fmt, path::Path};

use anyhow::{Context, bail};
use node_api::ssh::SshPorts;
use subtle::ConstantTimeEq;

use crate::{hold::HolderConfig, shell::ShellLimits};

/// Settings of a node, apart from its driver's.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// The node's name; its containers are labelled with it.
    pub name: String,
    /// What every request to the node must carry.
    pub credential: Credential,
    /// Where VMs' SSH servers are published; None: nowhere.
    pub ssh_ports: Option<SshPorts>,
    /// How much shells may use, each and all together.
    pub shells: ShellLimits,
    /// What keeps shells while the node is away; without one they end with it.
    pub holder: Option<HolderConfig>,
}

impl NodeConfig {
    /// The usual settings, without a holder.
    pub fn new(name: &str, credential: Credential) -> Self {
        Self {
            name: name.to_owned(),
            credential,
            ssh_ports: None,
            shells: ShellLimits::default(),
            holder: None,
        }
    }
}

/// The secret that every request carries. Never printed.
#[derive(Clone)]
pub struct Credential(String);

/// Fewest characters of a credential: 128 bits as hex.
const CREDENTIAL_MIN: usize = 32;

impl Credential {
    /// Takes a secret of 32 to 512 printable ASCII characters.
    pub fn new(secret: &str) -> anyhow::Result<Self> {
        if !(CREDENTIAL_MIN..=512).contains(&secret.len()) {
            bail!("a node credential has {CREDENTIAL_MIN} to 512 characters");
        }
        if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            bail!("a node credential is printable ASCII without spaces");
        }
        Ok(Self(secret.to_owned()))
    }

    /// Reads it from a file that nobody but its owner may read.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let shown = path.display();
        let mode = std::fs::metadata(path)
            .with_context(|| format!("cannot read the credential file {shown}"))?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            bail!(
                "the credential file {shown} can be read by others (mode {:03o}); run: chmod 600 {shown}",
                mode & 0o777
            );
        }
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the credential file {shown}"))?;
        Self::new(text.trim()).with_context(|| format!("in the credential file {shown}"))
    }

    /// Compares in a time that does not depend on where they differ.
    pub fn matches(&self, presented: &str) -> bool {
        self.0.as_bytes().ct_eq(presented.as_bytes()).into()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

/// A node's name: as a VM's, `^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$`.
pub fn check_node_name(name: &str) -> Result<String, String> {
    if is_name(name) {
        return Ok(name.to_owned());
    }
    Err("a node's name has 1 to 32 small letters, digits and hyphens, begins with a letter and does not end with a hyphen".into())
}

/// The rule for names of VMs and nodes.
pub(crate) fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    (1..=32).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes[bytes.len() - 1] != b'-'
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_credential_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("credential");
        std::fs::write(&path, format!("{SECRET}\n")).expect("written");
        for (mode, good) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
            assert_eq!(Credential::read(&path).is_ok(), good, "mode {mode:o}");
        }
    }

    #[test]
    fn only_the_whole_credential_matches_and_it_is_never_printed() {
        let credential = Credential::new(SECRET).expect("good");
        assert!(credential.matches(SECRET));
        assert!(!credential.matches(&SECRET[1..]));
        assert!(!credential.matches(""));
        assert!(!format!("{credential:?}").contains("0123"));
        assert!(Credential::new("short").is_err());
    }

    #[test]
    fn names_follow_the_rule() {
        for good in ["a", "web1", "node-1", &"a".repeat(32)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "1a", "-a", "a-", "A", "a_b", "a.b", &"a".repeat(33)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}

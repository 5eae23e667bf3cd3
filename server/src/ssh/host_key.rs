//! The key by which clients know this host again: made at the first start, then kept.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use russh::keys::{
    PrivateKey,
    ssh_key::{self, LineEnding, private::Ed25519Keypair},
};

use crate::public_key;

const FILE: &str = "ssh_host_ed25519_key";

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum HostKeyError {
    #[error("{} cannot be read or written", .path.display())]
    File { path: PathBuf, source: io::Error },
    /// Also a key with a passphrase, which nobody could type at the start.
    #[error("{} is no private key without a passphrase", .path.display())]
    Unreadable {
        path: PathBuf,
        source: ssh_key::Error,
    },
    #[error("a host key could not be made")]
    Make(#[source] ssh_key::Error),
    #[error("the system gives no random numbers")]
    Random(#[source] getrandom::Error),
}

/// The host key. Shows nothing of itself.
pub struct HostKey {
    pub(super) private: PrivateKey,
    /// `ssh-ed25519 AAAA…`
    pub public: String,
    /// `SHA256:…`
    pub fingerprint: String,
}

impl HostKey {
    /// Reads the key in the data folder, or makes one.
    pub fn open(folder: &Path) -> Result<Self, HostKeyError> {
        let path = folder.join(FILE);
        let private = match fs::read(&path) {
            Ok(text) => read(&path, &text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(&path)?,
            Err(source) => return Err(HostKeyError::File { path, source }),
        };
        let public = private.public_key();
        Ok(Self {
            public: public.to_openssh().map_err(HostKeyError::Make)?,
            fingerprint: public_key::fingerprint(public),
            private,
        })
    }
}

fn read(path: &Path, text: &[u8]) -> Result<PrivateKey, HostKeyError> {
    let unreadable = |source| HostKeyError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let key = PrivateKey::from_openssh(text).map_err(unreadable)?;
    if key.is_encrypted() {
        return Err(unreadable(ssh_key::Error::Encrypted));
    }
    // A copy from a backup may have come out readable for others.
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .map_err(|source| file(path, source))?;
    Ok(key)
}

/// Written beside its place and moved there whole: half a key would change the host's face for good.
fn make(path: &Path) -> Result<PrivateKey, HostKeyError> {
    let mut seed = [0_u8; 32];
    getrandom::fill(&mut seed).map_err(HostKeyError::Random)?;
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&seed));
    let text = key.to_openssh(LineEnding::LF).map_err(HostKeyError::Make)?;
    let beside = path.with_extension("new");
    let written = || -> io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    written().map_err(|source| file(path, source))?;
    tracing::info!("an SSH host key was made: {}", path.display());
    Ok(key)
}

fn file(path: &Path, source: io::Error) -> HostKeyError {
    HostKeyError::File {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_the_owner_alone_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let first = HostKey::open(folder.path()).unwrap();
        let path = folder.path().join(FILE);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert!(first.public.starts_with("ssh-ed25519 AAAA"));
        assert!(first.fingerprint.starts_with("SHA256:"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let second = HostKey::open(folder.path()).unwrap();
        assert_eq!(second.fingerprint, first.fingerprint);
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn what_is_no_key_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "nonsense").unwrap();
        let refused = HostKey::open(folder.path());
        assert!(matches!(refused, Err(HostKeyError::Unreadable { .. })));
        let kept = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert_eq!(kept, "nonsense");
    }
}

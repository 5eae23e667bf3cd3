//! Credentials of nodes on other hosts: files in the data folder, readable by the server alone.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::ControlError;
use crate::secret::Secret;

/// The folder of a node. Names follow the rule for names, so none can leave the data folder.
fn folder(data_dir: &Path, node: &str) -> PathBuf {
    data_dir.join("nodes").join(node)
}

/// The node's credential, if it has one here.
pub fn credential_read(data_dir: &Path, node: &str) -> Result<Option<Secret>, ControlError> {
    let path = folder(data_dir, node).join("credential");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(Secret::new(text.trim()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(fault(&path, source)),
    }
}

/// Keeps the node's credential (0600), in place of an earlier one.
pub fn credential_write(
    data_dir: &Path,
    node: &str,
    credential: &Secret,
) -> Result<(), ControlError> {
    let folder = folder(data_dir, node);
    let path = folder.join("credential");
    let new = folder.join("credential.new");
    let write = || {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)?;
        // One left behind may have another mode.
        let _ = fs::remove_file(&new);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(credential.expose().as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)
    };
    write().map_err(|source| fault(&path, source))
}

/// Forgets the node's credential.
pub fn credential_remove(data_dir: &Path, node: &str) -> Result<(), ControlError> {
    let path = folder(data_dir, node).join("credential");
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(fault(&path, error)),
        _ => Ok(()),
    }
}

fn fault(path: &Path, source: io::Error) -> ControlError {
    ControlError::File {
        path: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_credential_is_kept_for_the_server_alone_and_can_be_replaced_and_forgotten() {
        let data = tempfile::tempdir().unwrap();
        let read = || credential_read(data.path(), "node-3").unwrap();
        assert!(read().is_none());
        for text in ["first", "second"] {
            credential_write(data.path(), "node-3", &Secret::new(text)).unwrap();
            assert!(read().unwrap().is(text));
        }
        let mode = fs::metadata(data.path().join("nodes/node-3/credential"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        credential_remove(data.path(), "node-3").unwrap();
        assert!(read().is_none());
        credential_remove(data.path(), "node-3").unwrap();
    }
}

//! The helper as the node has it.

use std::{fmt::Write as _, path::PathBuf};

use bytes::Bytes;
use node_api::{error::NodeErrorCode, exec::FILES};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex, OnceCell};

use crate::driver::{DriverError, docker::per_vm::PerVm};

/// The program, read when it is first needed, and who is bringing it where.
pub(in super::super) struct Helper {
    file: PathBuf,
    packed: OnceCell<Packed>,
    /// How often it was brought into a VM; held by who is bringing it. Apart from the lock of the VM's
    /// changes: a VM that keeps this one can still be stopped and deleted.
    pub(super) bringing: PerVm<Mutex<u64>>,
}

/// Ready for any VM.
pub(super) struct Packed {
    /// Where it stands in a VM: its content's hash is part of the name, so that one that runs is never
    /// replaced by another.
    pub path: String,
    /// The program itself.
    pub content: Bytes,
}

impl Helper {
    /// `file` is the program as it was built; it may come later.
    pub(in super::super) fn new(file: PathBuf) -> Self {
        Self {
            file,
            packed: OnceCell::new(),
            bringing: PerVm::default(),
        }
    }

    /// Reads it, once; a file that is missing may come.
    pub(super) async fn packed(&self) -> Result<&Packed, DriverError> {
        let read = || async {
            match tokio::fs::read(&self.file).await {
                Ok(content) => Ok(pack(content)),
                Err(error) => Err(self.missing(&error)),
            }
        };
        self.packed.get_or_try_init(read).await
    }

    fn missing(&self, error: &std::io::Error) -> DriverError {
        let file = self.file.display();
        let message = format!(
            "files cannot be copied: this node cannot read its helper {file} ({error}). Build it with `cargo xtask files`, or put minicloud-files beside minicloud-node"
        );
        DriverError::new(NodeErrorCode::Internal, message)
    }
}

/// The folder in VMs that is the helper's.
pub(super) fn folder() -> &'static str {
    FILES.rsplit_once('/').map_or(FILES, |(folder, _)| folder)
}

fn pack(content: Vec<u8>) -> Packed {
    let hash = Sha256::digest(&content);
    let path = hash
        .iter()
        .take(4)
        .fold(format!("{FILES}-"), |mut path, byte| {
            // A String takes everything.
            let _ = write!(path, "{byte:02x}");
            path
        });
    Packed {
        path,
        content: content.into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

    use super::*;

    #[tokio::test]
    async fn a_helper_that_is_missing_is_named_and_one_that_comes_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let helper = Helper::new(folder.path().join("minicloud-files"));
        let missing = helper.packed().await.err().unwrap();
        assert_eq!(missing.code, NodeErrorCode::Internal);
        let file = helper.file.display().to_string();
        assert!(
            missing.message.contains(&file) && missing.message.contains("cargo xtask files"),
            "{missing}"
        );
        std::fs::write(&helper.file, b"abc").unwrap();
        let packed = helper.packed().await.ok().unwrap();
        // The first digits of SHA-256 of "abc".
        assert_eq!(
            (packed.path.as_str(), packed.content.as_ref()),
            ("/.minicloud/files-ba7816bf", &b"abc"[..])
        );
    }
}

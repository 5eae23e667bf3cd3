//! Locks that the nodes of one engine share: files that are locked with flock.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::PathBuf,
    time::Duration,
};

use node_api::error::NodeErrorCode;
use rustix::fs::{FlockOperation, flock};

use crate::driver::DriverError;

/// Longest wait; who holds a lock is bound by the engine's deadlines.
const PATIENCE: Duration = Duration::from_secs(30);
const RETRY: Duration = Duration::from_millis(5);

/// The folder that they are in.
pub(super) struct Locks(PathBuf);

/// Held until dropped; the kernel drops it with the process.
pub(super) struct Lock {
    _file: File,
    path: PathBuf,
}

/// Who else may hold the lock meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Others who use the network.
    Shared,
    /// Nobody: the network is made or removed.
    Exclusive,
}

impl Locks {
    /// Makes the folder, for its owner alone, where it is missing; `Internal` where that fails.
    pub(super) fn new(folder: PathBuf) -> Result<Self, DriverError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(|error| {
                let message = format!(
                    "cannot make the lock folder {}: {error}; choose another with --lock-dir, the same for all nodes of this engine",
                    folder.display()
                );
                DriverError::new(NodeErrorCode::Internal, message)
            })?;
        Ok(Self(folder))
    }

    /// Waits for the lock of a network.
    pub(super) async fn lock(&self, network: &str, mode: Mode) -> Result<Lock, DriverError> {
        let path = self.0.join(format!("{network}.lock"));
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(file) = try_lock(&path, mode)? {
                    return Ok::<_, io::Error>(file);
                }
                tokio::time::sleep(RETRY).await;
            }
        });
        match waited.await {
            Ok(Ok(file)) => Ok(Lock { _file: file, path }),
            Ok(Err(error)) => Err(DriverError::new(
                NodeErrorCode::Internal,
                format!("cannot use the lock {}: {error}", path.display()),
            )),
            Err(_) => Err(DriverError::new(
                NodeErrorCode::Timeout,
                format!(
                    "the network {network} was busy for {} s",
                    PATIENCE.as_secs()
                ),
            )),
        }
    }
}

impl Lock {
    /// Takes the file away with the network it was for; whoever waits for it sees that and makes
    /// a new one. Only for an exclusive holder.
    pub(super) fn discard(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!("the lock file {} stays: {error}", self.path.display());
        }
    }
}

/// None while others hold it, or when the file was taken away meanwhile.
fn try_lock(path: &PathBuf, mode: Mode) -> io::Result<Option<File>> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)?;
    let operation = match mode {
        Mode::Shared => FlockOperation::NonBlockingLockShared,
        Mode::Exclusive => FlockOperation::NonBlockingLockExclusive,
    };
    match flock(&file, operation) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) if (there.dev(), there.ino()) == (ours.dev(), ours.ino()) => Ok(Some(file)),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_exclusive_lock_waits_for_the_shared_ones() {
        let folder = tempfile::tempdir().expect("a folder");
        let locks = Locks::new(folder.path().join("locks")).expect("made");
        let one = locks.lock("mc1", Mode::Shared).await.expect("free");
        let two = locks.lock("mc1", Mode::Shared).await.expect("shared");
        let path = folder.path().join("locks/mc1.lock");
        assert!(try_lock(&path, Mode::Exclusive).expect("tried").is_none());
        drop((one, two));
        let three = locks.lock("mc1", Mode::Exclusive).await.expect("free");
        assert!(try_lock(&path, Mode::Shared).expect("tried").is_none());
        three.discard();
        assert!(!path.exists());
        locks
            .lock("mc1", Mode::Exclusive)
            .await
            .expect("a new file");
    }
}

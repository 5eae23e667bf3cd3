//! The data folder and who uses it.

use std::{
    fs,
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, bail};
use axum::{body::Body, extract::ConnectInfo, http::Request};
use rustix::{
    fs::{FlockOperation, flock},
    process::{Pid, Signal, kill_process, test_kill_process},
};
use tower::ServiceExt as _;

use crate::{config::Config, node_local::make_private_folder, router, state::AppState};

/// How long `stop` waits for the server's end.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// The lock on the data folder; let go when dropped, also by a crash.
pub struct DataLock(#[expect(dead_code, reason = "held for its lock")] fs::File);

/// Makes the data folder and takes it; the lock file names the process.
pub fn lock(config: &Config) -> anyhow::Result<DataLock> {
    let folder = &config.data_dir;
    make_private_folder(folder).map_err(|error| not_writable(folder, &error))?;
    let path = folder.join("server.pid");
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| not_writable(folder, &error))?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut pid = String::new();
        file.read_to_string(&mut pid)?;
        bail!(
            "another MiniCloud server (process {}) uses the data folder {} already. \
             End it with minicloud-server --data-dir {} stop, or choose another folder with --data-dir",
            pid.trim(),
            folder.display(),
            folder.display()
        );
    }
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())?;
    Ok(DataLock(file))
}

fn not_writable(folder: &Path, error: &io::Error) -> anyhow::Error {
    anyhow!(
        "the data folder {} cannot be written: {error}. \
         Make it this user's, or choose another with --data-dir",
        folder.display()
    )
}

/// Stops the server that holds the data folder, and its nodes.
pub async fn stop(config: &Config) -> anyhow::Result<()> {
    let path = config.data_dir.join("server.pid");
    let text = fs::read_to_string(&path).unwrap_or_default();
    let pid = text.trim().parse().ok().and_then(Pid::from_raw);
    let free = fs::File::open(&path)
        .is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok());
    let Some(pid) = pid.filter(|_| !free) else {
        bail!(
            "no MiniCloud server uses the data folder {}: there is nothing to stop. \
             A server that uses another one is stopped by minicloud-server --data-dir FOLDER stop",
            config.data_dir.display()
        )
    };
    kill_process(pid, Signal::INT).context("the server cannot be asked to stop")?;
    let begun = Instant::now();
    while test_kill_process(pid).is_ok() {
        if begun.elapsed() > STOP_TIMEOUT {
            bail!(
                "the server (process {}) has not ended yet; try again, or look at its log",
                pid.as_raw_nonzero()
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("MiniCloud has stopped. VMs go on.");
    Ok(())
}

/// Asks the own router for a page, as a browser on this machine would.
pub async fn page_answers(state: &AppState, path: &str) -> anyhow::Result<()> {
    let address = state.config.address();
    let host = address
        .split_once("://")
        .map_or(address.as_str(), |(_, host)| host);
    let mut request = Request::get(path)
        .header("host", host)
        .body(Body::empty())?;
    request
        .extensions_mut()
        .insert(ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 0))));
    let answer = router::router(state.clone()).oneshot(request).await?;
    if !answer.status().is_success() {
        bail!("the page {path} answers {}", answer.status());
    }
    Ok(())
}

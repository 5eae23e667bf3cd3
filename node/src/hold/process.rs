//! The holder as a process: found by its socket, one a folder, started away from the node's session.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::Parser;
use tokio::{
    net::UnixListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use super::server::{self, Limits};
use crate::{
    driver::docker::{DockerConfig, DockerDriver},
    feed::Feed,
    log, open_files,
};

/// A log file that is longer is begun anew. Bytes.
const LOG_BYTES: u64 = 1024 * 1024;
/// How long a holder that ends may take to be gone.
const LOCK_PATIENCE: Duration = Duration::from_secs(3);
const LOCK_LOOK: Duration = Duration::from_millis(20);

/// What the node starts `minicloud-node hold` with; people have no use for it.
#[derive(Clone, Debug, Parser)]
#[command(name = "minicloud-node hold", hide = true)]
pub struct HoldArgs {
    /// Folder of its socket
    #[arg(long)]
    pub folder: PathBuf,
    /// What the node's containers are labelled with
    #[arg(long)]
    pub label: String,
    /// Where the Docker engine listens
    #[arg(long)]
    pub docker_host: String,
    /// Folder for locks that all nodes of the engine share
    #[arg(long)]
    pub lock_dir: PathBuf,
    /// Output kept of each shell, bytes
    #[arg(long)]
    pub ring_bytes: usize,
    /// Output and drawings kept of all shells together, bytes
    #[arg(long)]
    pub rings_total_bytes: usize,
}

impl HoldArgs {
    /// As words of a command line.
    fn words(&self) -> Vec<String> {
        let path = |path: &Path| path.display().to_string();
        let pairs = [
            ("--folder", path(&self.folder)),
            ("--label", self.label.clone()),
            ("--docker-host", self.docker_host.clone()),
            ("--lock-dir", path(&self.lock_dir)),
            ("--ring-bytes", self.ring_bytes.to_string()),
            ("--rings-total-bytes", self.rings_total_bytes.to_string()),
        ];
        let words = pairs
            .into_iter()
            .flat_map(|(name, value)| [name.to_owned(), value]);
        std::iter::once("hold".to_owned()).chain(words).collect()
    }
}

/// Where the holder of this folder listens.
pub(super) fn socket(folder: &Path) -> PathBuf {
    folder.join("holder.sock")
}

/// The whole life of the process. Where another one holds this folder's shells it ends at once.
pub fn run(args: HoldArgs) -> anyhow::Result<()> {
    // Whoever started the node may end with its terminal or be told to end; that is not for us. (One that
    // is its session's first already need not become it.)
    let _ = rustix::process::setsid();
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    log::install(Arc::new(Feed::new(1)))?;
    open_files::raise();
    let Some(lock) = locked(&args.folder)? else {
        tracing::info!("another holder is there already");
        return Ok(());
    };
    // One thread: what it does is copying, and a key then wakes nobody else.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(hold(&args));
    drop(lock);
    served
}

/// The folder's lock, with our process number in it; None where another holder has it. One that is just
/// ending is waited for.
fn locked(folder: &Path) -> anyhow::Result<Option<File>> {
    let path = folder.join("holder.lock");
    let mut options = OpenOptions::new();
    let opened = options.create(true).write(true).truncate(false).open(&path);
    let mut lock = opened.with_context(|| format!("cannot write {}", path.display()))?;
    let began = Instant::now();
    while lock.try_lock().is_err() {
        if began.elapsed() > LOCK_PATIENCE {
            return Ok(None);
        }
        std::thread::sleep(LOCK_LOOK);
    }
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())?;
    Ok(Some(lock))
}

async fn hold(args: &HoldArgs) -> anyhow::Result<()> {
    let socket = socket(&args.folder);
    match fs::remove_file(&socket) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).context("cannot remove the former holder's socket"),
    }
    let listener = UnixListener::bind(&socket)
        .with_context(|| format!("cannot listen on {}", socket.display()))?;
    let config = DockerConfig {
        host: args.docker_host.clone(),
        lock_dir: args.lock_dir.clone(),
        ..DockerConfig::new(&args.label)
    };
    let driver = DockerDriver::without_tasks(config).context("cannot use the Docker engine")?;
    let limits = Limits {
        ring_bytes: args.ring_bytes,
        rings_total_bytes: args.rings_total_bytes,
        ..Limits::default()
    };
    tracing::info!("shells of {} are held", args.label);
    let mut term = signal(SignalKind::terminate())?;
    let told = async move {
        term.recv().await;
    };
    server::serve(listener, Arc::new(driver), limits, told).await;
    // Before the lock is given up: the next one makes its own.
    let _ = fs::remove_file(&socket);
    tracing::info!("the holder has ended");
    Ok(())
}

/// Starts one for the folder. What is given back is cancelled should it fail.
pub(super) fn start(args: &HoldArgs) -> io::Result<CancellationToken> {
    let path = args.folder.join("holder.log");
    let mut options = OpenOptions::new();
    let log = options.create(true).append(true).mode(0o600).open(path)?;
    if log.metadata()?.len() > LOG_BYTES {
        log.set_len(0)?;
    }
    let mut child = tokio::process::Command::new(own_program())
        .args(args.words())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(false)
        .spawn()?;
    let failed = CancellationToken::new();
    let told = failed.clone();
    // It is ours to bury, should it end before us. One that finds another there ends well.
    tokio::spawn(async move {
        if child.wait().await.is_ok_and(|status| !status.success()) {
            told.cancel();
        }
    });
    Ok(failed)
}

/// This very program, also where its file was replaced meanwhile.
fn own_program() -> PathBuf {
    let own = std::env::current_exe().ok().filter(|own| own.exists());
    own.unwrap_or_else(|| "/proc/self/exe".into())
}

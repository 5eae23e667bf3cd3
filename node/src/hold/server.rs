//! What the holder does: takes connections of its node, opens and keeps shells, and ends when it is no
//! longer needed.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::BytesMut;
use node_api::error::NodeErrorCode;
use tokio::{
    io::AsyncWriteExt,
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Mutex as Turn, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    drawings::Drawings,
    line,
    shell::HeldShell,
    wire::{Ask, Encode, Fault, Frames, FromHolder, Open, ToHolder, VERSION},
};
use crate::{
    driver::{Driver, DriverError, TtySpec},
    shell::lock,
};

/// For a connection to say what it is.
const HELLO_DEADLINE: Duration = Duration::from_secs(5);
/// For connections of a node that has ended to be read to their end.
const LINES_END: Duration = Duration::from_secs(2);
/// For all shells to end when the holder does.
const END_DEADLINE: Duration = Duration::from_secs(15);
/// How often it is looked whether it is over, at most.
const LOOK: Duration = Duration::from_secs(5);

/// How much a holder may keep, and for how long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Output kept of each shell. Bytes.
    pub ring_bytes: usize,
    /// Output and drawings kept of all shells together; drawings take half of it at most. Bytes.
    pub rings_total_bytes: usize,
    /// Input of a shell that waits for its program. The node keeps to less: past it, its connection ends.
    pub input_bytes: usize,
    /// A node that reads nothing of a shell's output for so long is not waited for.
    pub reader_patience: Duration,
    /// Without a shell it ends after this long.
    pub idle: Duration,
    /// Without a node it ends its shells after this long.
    pub away: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let shells = crate::shell::ShellLimits::default();
        Self {
            ring_bytes: shells.ring_bytes,
            rings_total_bytes: shells.rings_total_bytes,
            // A node that has just died may have sent its part.
            input_bytes: 2 * shells.unwritten_total_bytes,
            reader_patience: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            away: Duration::from_secs(10 * 60),
        }
    }
}

struct Holder {
    driver: Arc<dyn Driver>,
    limits: Limits,
    shells: Mutex<HashMap<Uuid, Arc<HeldShell>>>,
    drawings: Arc<Drawings>,
    /// Nodes that are connected, and since when none is; openings under way, and since when there is no
    /// shell.
    present: Mutex<Present>,
    /// Connections of shells.
    lines: watch::Sender<usize>,
    over: CancellationToken,
}

struct Present {
    connections: usize,
    openings: usize,
    alone_since: Instant,
    empty_since: Instant,
}

/// Serves until it is over: no shell for a while, no node for long, or `told` to end. Its shells end then.
pub async fn serve(
    listener: UnixListener,
    driver: Arc<dyn Driver>,
    limits: Limits,
    told: impl Future<Output = ()>,
) {
    let now = Instant::now();
    let holder = Arc::new(Holder {
        driver,
        drawings: Arc::new(Drawings::new(limits.rings_total_bytes / 2)),
        limits,
        shells: Mutex::default(),
        present: Mutex::new(Present {
            connections: 0,
            openings: 0,
            alone_since: now,
            empty_since: now,
        }),
        lines: watch::Sender::new(0),
        over: CancellationToken::new(),
    });
    let taking = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(holder.clone().connection(stream));
                }
                Err(error) => {
                    // Out of file descriptors, say: waits, or the loop would spin.
                    tracing::error!("cannot accept a connection: {error}");
                    sleep(Duration::from_millis(200)).await;
                }
            }
        }
    };
    tokio::select! {
        () = taking => {}
        () = holder.watch() => {}
        () = holder.over.cancelled() => {}
        () = told => {}
    }
    drop(listener);
    // Its node hears first that it is over, and need not wonder why shells end.
    holder.over.cancel();
    holder.end_all().await;
}

impl Holder {
    /// Until it is no longer needed.
    async fn watch(&self) {
        let pause = (self.limits.idle.min(self.limits.away) / 4).min(LOOK);
        loop {
            sleep(pause.max(Duration::from_millis(10))).await;
            let lives = lock(&self.shells).values().any(|shell| shell.lives());
            let mut present = lock(&self.present);
            if lives || present.openings > 0 {
                present.empty_since = Instant::now();
            }
            if present.empty_since.elapsed() >= self.limits.idle {
                return tracing::info!("no shell is held any more");
            }
            if present.connections == 0 && present.alone_since.elapsed() >= self.limits.away {
                let minutes = self.limits.away.as_secs() / 60;
                return tracing::warn!("the node has been away for {minutes} min: its shells end");
            }
        }
    }

    async fn end_all(&self) {
        let shells: Vec<_> = lock(&self.shells).values().cloned().collect();
        let ends = shells
            .iter()
            .filter(|shell| shell.lives())
            .map(async |shell| {
                if let Err(error) = shell.kill().await {
                    tracing::warn!(shell = %shell.id, "a shell outlives its holder: {error}");
                }
                shell.dropped.cancel();
            });
        if timeout(END_DEADLINE, futures_util::future::join_all(ends))
            .await
            .is_err()
        {
            tracing::warn!("not all shells have ended in time");
        }
    }

    async fn connection(self: Arc<Self>, stream: UnixStream) {
        if let Err(why) = check_peer(&stream) {
            return tracing::warn!("a connection was refused: {why}");
        }
        let (read, write) = stream.into_split();
        let (mut frames, write) = (Frames::new(read), Arc::new(Turn::new(write)));
        let _here = Here::new(&self);
        tokio::select! {
            served = self.greet_and_serve(&mut frames, &write) => if let Err(error) = served {
                tracing::debug!("a node's connection ended: {error}");
            },
            () = self.over.cancelled() => {}
        }
    }

    async fn greet_and_serve(
        self: &Arc<Self>,
        frames: &mut Frames<OwnedReadHalf>,
        write: &Arc<Turn<OwnedWriteHalf>>,
    ) -> io::Result<()> {
        let hello = timeout(HELLO_DEADLINE, frames.next::<ToHolder>()).await;
        let Ok(Ok(Some(ToHolder::Hello(_)))) = hello else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        // What the node makes of the version is for the node to say.
        say(write, &FromHolder::Hello(VERSION)).await?;
        while let Some(frame) = frames.next::<ToHolder>().await? {
            match frame {
                ToHolder::List => self.list(write).await?,
                ToHolder::Retire(why) => {
                    tracing::warn!("told to end: {why}");
                    self.over.cancel();
                }
                ToHolder::Ask(number, ask) => {
                    tokio::spawn(self.clone().answer(number, ask, write.clone()));
                }
                ToHolder::Attach { shell, from } => {
                    let Some(shell) = self.find(shell) else {
                        return Ok(());
                    };
                    self.lines.send_modify(|lines| *lines += 1);
                    line::serve(&shell, from, frames, write).await;
                    self.lines.send_modify(|lines| *lines -= 1);
                    return Ok(());
                }
                other => tracing::debug!("not expected here: {other:?}"),
            }
        }
        Ok(())
    }

    /// A node that begins asks. What the one before it has sent is taken first, to its end.
    async fn list(&self, write: &Turn<OwnedWriteHalf>) -> io::Result<()> {
        let mut lines = self.lines.subscribe();
        if timeout(LINES_END, lines.wait_for(|lines| *lines == 0))
            .await
            .is_err()
        {
            tracing::warn!("another node reads shells still");
        }
        let held: Vec<_> = lock(&self.shells)
            .values()
            .map(|shell| shell.held())
            .collect();
        for held in held {
            say(write, &FromHolder::Held(Box::new(held))).await?;
        }
        say(write, &FromHolder::Listed).await
    }

    async fn answer(self: Arc<Self>, number: u64, ask: Ask, write: Arc<Turn<OwnedWriteHalf>>) {
        let opened = match &ask {
            Ask::Open(open) => Some(open.shell),
            _ => None,
        };
        let answer = self.done(ask).await.map_err(Fault::from);
        let made = answer.is_ok();
        let told = say(&write, &FromHolder::Answer(number, answer)).await;
        // The node has died meanwhile, and whoever asked it was told so: the shell is nobody's.
        if let (Some(shell), true, Err(_)) = (opened, made, told) {
            self.forget(shell).await;
        }
    }

    async fn done(self: &Arc<Self>, ask: Ask) -> Result<Option<i32>, DriverError> {
        match ask {
            Ask::Open(open) => self.open(open).await.map(|()| None),
            Ask::Resize { shell, cols, rows } => {
                let shell = self.found(shell)?;
                shell.set_size(cols, rows);
                shell.control.resize(cols, rows).await.map(|()| None)
            }
            Ask::Kill { shell } => self.found(shell)?.kill().await.map(|()| None),
            Ask::ExitCode { shell } => self.found(shell)?.control.exit_code().await,
            Ask::Forget { shell } => {
                self.forget(shell).await;
                Ok(None)
            }
        }
    }

    async fn open(self: &Arc<Self>, open: Open) -> Result<(), DriverError> {
        let _opening = Opening::new(self);
        let spec = TtySpec {
            cols: open.cols,
            rows: open.rows,
            command: open.command.clone(),
            env: open.env.clone(),
            mark: open.mark.clone(),
        };
        let tty = self.driver.vm_tty(open.vm_id, &spec).await?;
        let drawings = self.drawings.clone();
        let shell = Arc::new(HeldShell::new(&open, tty.control, &self.limits, drawings));
        lock(&self.shells).insert(open.shell, shell.clone());
        let holder = self.clone();
        tokio::spawn(async move {
            let ring_bytes = || holder.ring_bytes();
            shell.run(tty.output, tty.input, ring_bytes).await;
        });
        Ok(())
    }

    /// What one shell's ring may hold now.
    fn ring_bytes(&self) -> usize {
        let shells = lock(&self.shells).len().max(1);
        let all = self.limits.rings_total_bytes;
        let share = all.saturating_sub(self.drawings.bytes()) / shells;
        self.limits.ring_bytes.min(share).max(1)
    }

    async fn forget(&self, id: Uuid) {
        let Some(shell) = self.find(id) else { return };
        if shell.lives()
            && let Err(error) = shell.kill().await
        {
            tracing::warn!(shell = %id, "a shell that nobody needs was not ended: {error}");
        }
        shell.dropped.cancel();
        lock(&self.shells).remove(&id);
    }

    fn find(&self, id: Uuid) -> Option<Arc<HeldShell>> {
        lock(&self.shells).get(&id).cloned()
    }

    fn found(&self, id: Uuid) -> Result<Arc<HeldShell>, DriverError> {
        self.find(id).ok_or_else(|| {
            let message = format!("the holder has no shell {id}");
            DriverError::new(NodeErrorCode::NotFound, message)
        })
    }
}

async fn say(write: &Turn<OwnedWriteHalf>, frame: &FromHolder) -> io::Result<()> {
    let mut out = BytesMut::new();
    frame.encode(&mut out);
    write.lock().await.write_all(&out).await
}

/// Only who runs as the same user, or as root, may speak to a holder, or be one.
pub(super) fn check_peer(stream: &UnixStream) -> Result<(), String> {
    let own = rustix::process::geteuid().as_raw();
    match stream.peer_cred() {
        Ok(peer) if peer.uid() == own || peer.uid() == 0 => Ok(()),
        Ok(peer) => Err(format!("the other side runs as user {}", peer.uid())),
        Err(error) => Err(error.to_string()),
    }
}

/// A node that is connected.
struct Here(Arc<Holder>);

impl Here {
    fn new(holder: &Arc<Holder>) -> Self {
        lock(&holder.present).connections += 1;
        Self(holder.clone())
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let mut present = lock(&self.0.present);
        present.connections -= 1;
        present.alone_since = Instant::now();
    }
}

/// A shell that is being made.
struct Opening(Arc<Holder>);

impl Opening {
    fn new(holder: &Arc<Holder>) -> Self {
        lock(&holder.present).openings += 1;
        Self(holder.clone())
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        lock(&self.0.present).openings -= 1;
    }
}

//! A terminal in a VM: a shell of the kind that pages show, with the client as its viewer
//! (docs/shell-protocol.md). So it stands in the list of shells, and a browser can join it.

mod pump;

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

use super::{
    channel::{Inbox, Size},
    input::Input,
    outbox::{Gone, Outbox},
    session::{FAILED, Guest, Pty},
};
use crate::control::{ShellPlace, ShellWish};

/// How long a lost node is sought again.
const SEEK: Duration = Duration::from_secs(30);
/// Between attempts: from the first to the last.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(4));
const LOST: &str = "the connection to the VM's node was lost. The shell goes on if the node does: look for it on \
    the VM's page, or connect again for a new one";
/// For a shell to be closed once its client has gone.
const CLOSE: Duration = Duration::from_secs(20);

/// How a connection to the node ended.
enum End {
    /// The shell has ended with this code.
    Exited(i32),
    /// The shell has gone, or is not the client's any more, for this reason.
    Over(String),
    /// The shell goes on, and the client cannot be its viewer, for this reason.
    Refused(String),
    Lost,
}

/// What outlives a connection to the node, and what its two directions tell each other.
struct Shared {
    input: Mutex<Input>,
    /// Output that the client has.
    shown: AtomicU64,
    size: Mutex<Size>,
    viewers: AtomicU16,
    /// The node has said where the input goes on.
    greeted: AtomicBool,
    /// The node's newest ping, to be answered.
    ping: Mutex<Option<u64>>,
    news: Notify,
}

impl Shared {
    fn new(size: Size) -> Self {
        Self {
            input: Mutex::default(),
            shown: AtomicU64::new(0),
            size: Mutex::new(size),
            viewers: AtomicU16::new(1),
            greeted: AtomicBool::new(false),
            ping: Mutex::default(),
            news: Notify::new(),
        }
    }

    fn input(&self) -> MutexGuard<'_, Input> {
        self.input.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn size(&self) -> MutexGuard<'_, Size> {
        self.size.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ping(&self) -> MutexGuard<'_, Option<u64>> {
        self.ping.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens a shell in a VM that runs, for a login or for one command, and shows it to the client until
/// one of them ends.
pub async fn serve(
    guest: &Guest,
    vm: &str,
    pty: Pty,
    mut env: Vec<(String, String)>,
    command: Option<String>,
    inbox: &mut Inbox,
    out: &Outbox,
) -> Result<i32, Gone> {
    if !pty.term.is_empty() {
        env.push(("TERM".into(), pty.term));
    }
    let size = inbox.size();
    let wish = ShellWish {
        cols: size.cols,
        rows: size.rows,
        at_first_attach: false,
        command,
        env,
    };
    let made = guest
        .plane
        .state
        .control
        .shell_create(&guest.actor, vm, wish)
        .await;
    let place = match guest.plane.control_answer(made) {
        Ok(place) => place,
        Err(error) => {
            out.say(&error.message).await?;
            return Ok(FAILED);
        }
    };
    let shared = Shared::new(size);
    let shown = show(guest, &place, &shared, inbox, out);
    let shown = guest.closed.run_until_cancelled(shown).await;
    let ended = shown.unwrap_or(Err(Gone));
    if ended.is_err() {
        hang_up(guest, &place, &shared).await;
    }
    ended
}

/// The client has gone: so does what it ran, unless somebody else looks at it, or this server only
/// restarts.
async fn hang_up(guest: &Guest, place: &ShellPlace, shared: &Shared) {
    let state = &guest.plane.state;
    if shared.viewers.load(Ordering::Relaxed) > 1 || state.stop.is_cancelled() {
        return;
    }
    let closing = state.control.shell_close(&guest.actor, &place.shell_id);
    match timeout(CLOSE, closing).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%error, shell_id = %place.shell_id, "a shell stays open, though its SSH client has gone");
        }
        Err(_) => {
            tracing::warn!(shell_id = %place.shell_id, "a shell could not be closed in time");
        }
    }
}

/// Attaches, and attaches again when the node was lost for a moment.
async fn show(
    guest: &Guest,
    place: &ShellPlace,
    shared: &Shared,
    inbox: &mut Inbox,
    out: &Outbox,
) -> Result<i32, Gone> {
    let client = format!("{:016x}", Uuid::now_v7().as_u64_pair().1);
    let mut seek_until = Instant::now() + SEEK;
    let mut pause = PAUSE.0;
    loop {
        let from = shared.shown.load(Ordering::Relaxed);
        let Size { cols, rows } = *shared.size();
        let query = format!("client={client}&from={from}&cols={cols}&rows={rows}");
        let attached = guest.plane.state.control.shell_attach(place, &query).await;
        let end = match attached {
            Ok(socket) => {
                let end = pump::pump(socket, shared, inbox, out).await?;
                seek_until = Instant::now() + SEEK;
                pause = PAUSE.0;
                end
            }
            Err(error) => {
                tracing::debug!(%error, shell_id = %place.shell_id, "a shell's node does not answer");
                End::Lost
            }
        };
        let (words, goes_on) = match end {
            End::Exited(code) => return Ok(code),
            End::Over(words) => (words, false),
            End::Refused(words) => (words, true),
            End::Lost if Instant::now() < seek_until => {
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE.1);
                continue;
            }
            End::Lost => (LOST.to_owned(), false),
        };
        out.print("\n").await?;
        out.say(&words).await?;
        if goes_on {
            hang_up(guest, place, shared).await;
        }
        return Ok(FAILED);
    }
}

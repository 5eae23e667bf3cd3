//! A held shell: its PTY is always drained into a ring and written from a queue, whether a node is here or
//! not.

mod reader;

use std::{
    collections::HashMap,
    convert::Infallible,
    future::pending,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use node_api::error::NodeErrorCode;
use tokio::{
    io::AsyncWriteExt,
    sync::Notify,
    time::{sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::reader::Reader;
use super::{
    drawings::Drawings,
    server::Limits,
    wire::{DRAWING_BYTES, Drawing, Ended, Held, Open, Progress},
};
use crate::{
    clock::now_us,
    driver::{DriverError, TtyControl, TtyInput, TtyOutput},
    shell::{ClientId, Pace, Queue, Ring, lock},
};

/// Output goes to the ring in pieces of this many bytes at most.
const PIECE_BYTES: usize = 32 * 1024;
/// How long the engine may take to tell an exit code before the end is told without it.
const CODE_PATIENCE: Duration = Duration::from_secs(2);
/// How long one call about a PTY may take.
const CONTROL_DEADLINE: Duration = Duration::from_secs(10);

/// Kept until the node forgets it, also after its end: its output and its exit code are still to be told.
pub(super) struct HeldShell {
    pub id: Uuid,
    vm_id: Uuid,
    created_at: i64,
    limits: Limits,
    drawings: Arc<Drawings>,
    /// Its newest output.
    pub ring: Mutex<Ring>,
    state: Mutex<State>,
    /// There is something new for the node.
    pub news: Notify,
    typed: Notify,
    /// The node has read on, or is gone.
    read_on: Notify,
    /// The engine's hold on it.
    pub control: Box<dyn TtyControl>,
    /// Cancelled when nobody needs the shell any more.
    pub dropped: CancellationToken,
}

struct State {
    size: (u16, u16),
    active_at: i64,
    owner: Option<u64>,
    clients: HashMap<u64, Taken>,
    uses: u64,
    waiting: Queue,
    /// What the PTY has of whose input, and the node does not know yet.
    written: Vec<(u64, u64)>,
    /// There is a drawing, or was one.
    drawn: bool,
    reader: Option<Reader>,
    readers: u64,
    ended: Option<Ended>,
}

#[derive(Clone, Copy, Default)]
struct Taken {
    taken: u64,
    written: u64,
    used: u64,
}

impl HeldShell {
    /// Nothing runs yet: that is [`Self::run`]'s.
    pub fn new(
        open: &Open,
        control: Box<dyn TtyControl>,
        limits: &Limits,
        drawings: Arc<Drawings>,
    ) -> Self {
        Self {
            id: open.shell,
            vm_id: open.vm_id,
            created_at: open.created_at,
            limits: limits.clone(),
            drawings,
            ring: Mutex::default(),
            state: Mutex::new(State {
                size: (open.cols, open.rows),
                active_at: open.created_at,
                owner: None,
                clients: HashMap::new(),
                uses: 0,
                waiting: Queue::default(),
                written: Vec::new(),
                drawn: false,
                reader: None,
                readers: 0,
                ended: None,
            }),
            news: Notify::new(),
            typed: Notify::new(),
            read_on: Notify::new(),
            control,
            dropped: CancellationToken::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Drains and writes the PTY until it ends or nobody needs it; `ring_bytes` says what the ring may hold.
    pub async fn run(&self, output: TtyOutput, input: TtyInput, ring_bytes: impl Fn() -> usize) {
        let failed = tokio::select! {
            failed = self.drain(output, ring_bytes) => failed,
            never = self.write_input(input) => match never {},
            () = self.dropped.cancelled() => None,
        };
        let code = timeout(CODE_PATIENCE, self.learn_code()).await;
        let ended = Ended {
            code: code.ok(),
            failed,
        };
        self.state().ended = Some(ended);
        self.news.notify_one();
    }

    async fn drain(&self, mut output: TtyOutput, ring_bytes: impl Fn() -> usize) -> Option<String> {
        let mut pace = Pace::new(Instant::now());
        while let Some(next) = gathered(&mut output, &pace).await {
            let mut chunk = match next {
                Ok(chunk) => chunk,
                Err(error) => return Some(error.message),
            };
            pace.sent(chunk.len(), Instant::now());
            while !chunk.is_empty() {
                let limit = ring_bytes();
                let piece = chunk.split_to(chunk.len().min(PIECE_BYTES).min((limit / 2).max(1)));
                self.room(piece.len(), limit).await;
                lock(&self.ring).push(&piece, limit);
                self.news.notify_one();
                // Under a flood the output is always ready: others get their turn here.
                tokio::task::yield_now().await;
            }
        }
        None
    }

    async fn write_input(&self, mut pty: TtyInput) -> Infallible {
        loop {
            let next = self.state().waiting.pop();
            let Some(piece) = next else {
                self.typed.notified().await;
                continue;
            };
            // No deadline: a program may read its input when it likes. It ends with the shell.
            let written = async {
                pty.write_all(&piece.bytes).await?;
                pty.flush().await
            };
            if let Err(error) = written.await {
                tracing::debug!(shell = %self.id, "the PTY takes no more input: {error}");
                return pending().await;
            }
            self.written(piece.client.0, piece.end);
        }
    }

    fn written(&self, client: u64, end: u64) {
        let mut state = self.state();
        if let Some(taken) = state.clients.get_mut(&client) {
            taken.written = taken.written.max(end);
        }
        if state.reader.is_some() {
            state.written.push((client, end));
        }
        drop(state);
        self.news.notify_one();
    }

    async fn learn_code(&self) -> i32 {
        loop {
            if let Ok(Some(code)) = self.control.exit_code().await {
                return code;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Takes a viewer's input. The node says what comes when, and how much: nothing is compared here. False
    /// where so much waits that the node cannot be right.
    #[must_use]
    pub fn input(&self, client: u64, end: u64, bytes: &[u8]) -> bool {
        let mut state = self.state();
        if state.waiting.bytes() + bytes.len() > self.limits.input_bytes {
            return false;
        }
        state.uses += 1;
        let used = state.uses;
        let taken = state.clients.entry(client).or_default();
        if taken.taken == 0 {
            // Of one that this holder has not known before, what came earlier has been written.
            taken.written = end.saturating_sub(bytes.len() as u64);
        }
        (taken.taken, taken.used) = (end, used);
        state.active_at = now_us();
        state.waiting.push(ClientId(client), end, bytes);
        drop(state);
        self.typed.notify_one();
        true
    }

    /// Should it come back, it counts as a new one.
    pub fn forget_client(&self, client: u64) {
        self.state().clients.remove(&client);
    }

    /// Only kept, for the next node.
    pub fn set_owner(&self, owner: Option<u64>) {
        self.state().owner = owner;
    }

    /// Only kept, for the next node; the PTY is sized by who calls this.
    pub fn set_size(&self, cols: u16, rows: u16) {
        self.state().size = (cols, rows);
    }

    /// Keeps it, unless it is too large.
    pub fn set_drawing(&self, drawing: Drawing) {
        if drawing.bytes.len() <= DRAWING_BYTES {
            self.drawings.put(self.id, drawing);
            self.state().drawn = true;
        }
    }

    /// The newest drawing. Where it had to go, one of nothing at the shell's beginning: a node that was told
    /// of a drawing waits for one.
    fn drawing(&self, (cols, rows): (u16, u16)) -> Drawing {
        let nothing = || Drawing {
            offset: 0,
            cols,
            rows,
            bytes: Bytes::new(),
        };
        self.drawings.of(self.id).unwrap_or_else(nothing)
    }

    /// Once the PTY has ended and all its output is in the ring.
    pub fn ended(&self) -> Option<Ended> {
        self.state().ended.clone()
    }

    pub fn lives(&self) -> bool {
        self.state().ended.is_none()
    }

    /// For a node that takes it up.
    pub fn held(&self) -> Held {
        let (start, end) = {
            let ring = lock(&self.ring);
            (ring.start(), ring.end())
        };
        let state = self.state();
        let mut clients: Vec<_> = state.clients.iter().collect();
        clients.sort_by_key(|(_, taken)| taken.used);
        let clients = clients.into_iter().map(|(client, taken)| Progress {
            client: *client,
            taken: taken.taken,
            written: taken.written,
        });
        Held {
            shell: self.id,
            vm_id: self.vm_id,
            created_at: self.created_at,
            active_at: state.active_at,
            cols: state.size.0,
            rows: state.size.1,
            start,
            end,
            drawn: state.drawn,
            owner: state.owner,
            clients: clients.collect(),
        }
    }

    /// Ends every process of it.
    pub async fn kill(&self) -> Result<(), DriverError> {
        let killed = timeout(CONTROL_DEADLINE, self.control.kill()).await;
        killed.unwrap_or_else(|_| {
            let message = format!("shell {} could not be ended within 10 s", self.id);
            Err(DriverError::new(NodeErrorCode::Timeout, message))
        })
    }
}

/// What comes next. A flood comes from the engine in pieces of a terminal's 4 KiB: it is left to gather for a
/// moment, or waking for each, here and all the way on, costs more than the pieces do.
async fn gathered(output: &mut TtyOutput, pace: &Pace) -> Option<Result<Bytes, DriverError>> {
    if let Some(next) = output.next().now_or_never() {
        return next;
    }
    if let Some(due) = pace.hold_until(Instant::now()) {
        sleep_until(due.into()).await;
    }
    output.next().await
}

impl Drop for HeldShell {
    fn drop(&mut self) {
        self.drawings.forget(self.id);
    }
}

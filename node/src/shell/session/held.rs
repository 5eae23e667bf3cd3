//! What a shell does whose PTY is with the holder, so that the next node can take it up.

use std::{io, sync::Arc, time::Duration};

use tokio::time::{Instant, timeout};

use super::{End, Shell, lock};
use crate::{
    clock::now_us,
    hold::{
        HeldInput, Taken,
        wire::{DRAWING_BYTES, Drawing, Held, ToHolder},
    },
    shell::{
        input::{ClientId, Inputs},
        limits::{ShellLimits, Size},
        ring::Ring,
        screen::Screen,
        size::Seats,
        vt::Snapshot,
    },
};

/// The holder gets a drawing of the screen when so much was printed since the last one, or the size has
/// changed; not more often than this.
const DRAWING_EVERY_BYTES: u64 = 64 * 1024;
const DRAWING_PAUSE: Duration = Duration::from_secs(1);
/// How long a viewer may wait for the holder to have its input.
const SYNC_DEADLINE: Duration = Duration::from_secs(2);
/// A program that repaints at a change of size has this long to see the first of two.
const NUDGE: Duration = Duration::from_millis(100);

/// What a shell has behind it when it begins here.
pub struct Past {
    /// Microseconds since the Unix epoch.
    pub created_at: i64,
    /// When somebody typed last, likewise.
    pub active_at: i64,
    /// The newest output; the next byte goes behind it.
    pub ring: Ring,
    /// As far as it is known; what the ring has beyond it is drawn next.
    pub screen: Screen,
    /// How far each client's input has come.
    pub inputs: Inputs,
    /// Nobody sits, but the size may belong to somebody who is away.
    pub seats: Seats,
}

impl Past {
    /// Of a shell that begins now.
    pub fn none(size: Size, limits: &ShellLimits) -> Self {
        let now = now_us();
        Self {
            created_at: now,
            active_at: now,
            ring: Ring::default(),
            screen: Screen::new(size, limits),
            inputs: Inputs::new(),
            seats: Seats::default(),
        }
    }

    /// Of a shell that was taken up. False: not all of the screen can be known.
    pub fn of(held: &Held, taken: &mut Taken, size: Size, limits: &ShellLimits) -> (Self, bool) {
        let past = std::mem::take(&mut taken.past);
        let start = taken.end - past.len() as u64;
        let mut ring = Ring::at(start);
        ring.push(&past, past.len().max(1));
        let drawing = taken.drawing.take();
        let drawing = drawing.filter(|drawing| drawing.offset <= taken.end);
        let (screen, is_whole) = Screen::restored(drawing, start, size, limits);
        let past = Self {
            created_at: held.created_at,
            active_at: held.active_at,
            ring,
            screen,
            inputs: Inputs::of(&held.clients),
            seats: Seats::of(held.owner.map(ClientId)),
        };
        (past, is_whole)
    }
}

/// What the holder has been told.
#[derive(Debug, Default)]
pub struct Told {
    owner: Option<ClientId>,
    syncs: u64,
}

/// The drawing that the holder has.
pub struct Handed {
    offset: u64,
    size: Size,
    at: Instant,
}

impl Handed {
    /// Counts as given now: the next one is due after more output, or at another size.
    pub fn new(offset: u64, size: Size) -> Self {
        Self {
            offset,
            size,
            at: Instant::now(),
        }
    }
}

impl Shell {
    /// False also before it has a PTY.
    pub fn is_held(&self) -> bool {
        self.pty.get().is_some_and(|pty| pty.holder.is_some())
    }

    /// Waits until the holder has all input that was taken of this client: a hello may count it then.
    pub async fn settle_input(&self, client: ClientId) {
        if !self.is_held() {
            return;
        }
        let number = {
            let mut state = lock(&self.state);
            if state.inputs.is_settled(client) {
                return;
            }
            state.syncs += 1;
            state.syncs
        };
        self.typed.notify_one();
        let mut synced = self.synced.subscribe();
        let settled = timeout(SYNC_DEADLINE, synced.wait_for(|synced| *synced >= number)).await;
        if settled.is_err() {
            tracing::debug!(shell = %self.id, "the holder is slow to take input");
        }
    }

    /// Tells the holder what it does not know yet. What it is asked is asked behind the input.
    pub(super) async fn tell_holder(
        &self,
        holder: Option<&HeldInput>,
        told: &mut Told,
    ) -> io::Result<()> {
        let (forgotten, owner, syncs, is_drained) = {
            let mut state = lock(&self.state);
            let forgotten = state.inputs.take_forgotten();
            let is_drained = !state.inputs.waits();
            (forgotten, state.seats.owner(), state.syncs, is_drained)
        };
        let Some(holder) = holder else { return Ok(()) };
        for client in forgotten {
            holder.say(&ToHolder::Forget(client.0)).await?;
        }
        if owner != told.owner {
            told.owner = owner;
            let owner = owner.map(|client| client.0);
            holder.say(&ToHolder::Owner(owner)).await?;
        }
        if syncs != told.syncs && is_drained {
            told.syncs = syncs;
            holder.say(&ToHolder::Sync(syncs)).await?;
        }
        Ok(())
    }

    /// Whether a drawing for the holder is due, and when.
    pub(super) fn drawing_due(&self, handed: &Handed) -> Option<Instant> {
        if !self.is_held() {
            return None;
        }
        let (offset, size) = {
            let screen = lock(&self.screen);
            (screen.offset(), screen.size())
        };
        let is_old = offset.saturating_sub(handed.offset) >= DRAWING_EVERY_BYTES;
        let due = is_old || (size != handed.size && offset > 0);
        due.then(|| handed.at + DRAWING_PAUSE)
    }

    /// Gives the holder a drawing of the screen, where one is due.
    pub(super) async fn hand_over(self: &Arc<Self>, handed: &mut Handed) {
        let due = self.drawing_due(handed);
        if due.is_none_or(|due| Instant::now() < due) {
            return;
        }
        let drawn = self.snapshot().await;
        (handed.offset, handed.size, handed.at) = (drawn.offset, drawn.size, Instant::now());
        self.say_drawing(drawn).await;
    }

    async fn say_drawing(&self, drawn: Snapshot) {
        let holder = self.pty.get().and_then(|pty| pty.holder.as_ref());
        let Some(holder) = holder.filter(|_| drawn.bytes.len() <= DRAWING_BYTES) else {
            return;
        };
        let drawing = Drawing {
            offset: drawn.offset,
            cols: drawn.size.cols,
            rows: drawn.size.rows,
            bytes: drawn.bytes,
        };
        if let Err(error) = holder.say(&ToHolder::Drawing(drawing)).await {
            tracing::debug!(shell = %self.id, "the holder has no drawing: {error}");
        }
    }

    /// The node ends, and leaves the shell to the holder.
    pub async fn leave_to_holder(self: &Arc<Self>) {
        let drawn = self.snapshot().await;
        self.say_drawing(drawn).await;
        self.abort(End::Left);
    }

    /// Lets a full-screen program paint anew: by a change of size, and back.
    pub async fn nudge(&self) {
        let size = *self.wanted_size.borrow();
        let rows = if size.rows > 1 { size.rows - 1 } else { 2 };
        self.size_pty(Size { rows, ..size }).await;
        tokio::time::sleep(NUDGE).await;
        let size = *self.wanted_size.borrow();
        self.size_pty(size).await;
    }
}

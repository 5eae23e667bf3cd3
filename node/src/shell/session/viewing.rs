//! What viewers do with a shell: take a seat, type, size, read output, and look at the screen.

use std::{
    sync::{Arc, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use tokio::{sync::watch, task::spawn_blocking, time::Instant};

use super::{End, Phase, Shell, State, lock};
use crate::{
    clock::now_us,
    shell::{
        close::Close,
        frame,
        input::{ClientId, InputRefused},
        limits::Size,
        screen::Screen,
        vt::Snapshot,
    },
};

/// Larger screens are drawn, and change their size, aside: it takes milliseconds.
const LARGE_CELLS: usize = 20_000;
/// How long output may be drawn for a snapshot.
const SNAPSHOT_WORK: Duration = Duration::from_millis(10);

/// What a viewer is told of, beside output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The PTY's, or what it is just being set to.
    pub size: Size,
    /// Whether this viewer owns it.
    pub owner: bool,
    /// How many are attached, this one included.
    pub viewers: u16,
    /// The PTY has this client's input up to here.
    pub input_written: u64,
    /// Once the shell has ended.
    pub end: Option<End>,
}

/// What is next of the output for a viewer.
pub enum Next {
    /// A whole output frame.
    Output(Vec<u8>),
    /// The viewer has all there is.
    Nothing,
    /// What comes next is forgotten: only a snapshot helps.
    Gone,
}

/// A viewer's place; giving it up tells the others.
pub struct Seat {
    /// Never given to another viewer of this shell.
    pub id: u64,
    /// Others may sit under the same: its leftover connections, and who watches.
    pub client: ClientId,
    /// How much of this client's input was taken when it sat down; 0 for who only watches.
    pub input_offset: u64,
    shell: Arc<Shell>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.shell.leave(self.id);
    }
}

impl Shell {
    /// Takes a seat; refused when all are taken, or too much input waits for one client more. Of who only
    /// watches no input is awaited, so none is counted.
    pub fn attach(
        self: &Arc<Self>,
        client: ClientId,
        size: Size,
        watch_only: bool,
    ) -> Result<Seat, Close> {
        let mut state = lock(&self.state);
        if state.seats.count() >= self.limits().viewers {
            return Err(Close::too_many_viewers(self.limits().viewers));
        }
        let State { seats, inputs, .. } = &mut *state;
        let input_offset = if watch_only {
            0
        } else {
            inputs.attach(client, self.limits(), |client| seats.needs(client))?
        };
        let (id, sized) = state.seats.attach(client, size, watch_only);
        state.active = Instant::now();
        self.seats_changed(state, sized);
        if sized.is_some() {
            self.begin();
        }
        let shell = self.clone();
        Ok(Seat {
            id,
            client,
            input_offset,
            shell,
        })
    }

    /// A shell that waits for a size begins now, and its screen has it already.
    fn begin(&self) {
        self.phase.send_if_modified(|phase| {
            let waits = *phase == Phase::Waiting;
            if waits {
                *phase = Phase::Opening;
            }
            waits
        });
        let size = *self.wanted_size.borrow();
        if *self.phase.borrow() == Phase::Opening {
            lock(&self.screen).resize(size);
        }
    }

    fn leave(&self, seat: u64) {
        let mut state = lock(&self.state);
        let sized = state.seats.leave(seat);
        state.active = Instant::now();
        self.seats_changed(state, sized);
    }

    /// Whether the same client has taken a newer seat: this connection is a leftover then.
    pub fn is_replaced(&self, seat: &Seat) -> bool {
        lock(&self.state).seats.newest_of(seat.client) != Some(seat.id)
    }

    /// What there is to tell this viewer now.
    pub fn view(&self, seat: &Seat) -> View {
        let size = *self.wanted_size.borrow();
        let state = lock(&self.state);
        View {
            size,
            owner: state.seats.is_owner(seat.id),
            viewers: state.viewers(),
            input_written: state.inputs.written_of(seat.client),
            end: state.end.as_ref().map(|(end, _)| end.clone()),
        }
    }

    /// Changes at the next news: output, size, viewers, input written, end.
    pub fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// Takes what is new of the bytes, which begin at `offset` of the client's input. After the shell's end
    /// they are thrown away.
    pub fn input(&self, seat: &Seat, offset: u64, bytes: &Bytes) -> Result<(), InputRefused> {
        let mut state = lock(&self.state);
        if state.end.is_some() {
            // Typed after the end: there is nothing to pass it to.
            return Ok(());
        }
        state.active_at = now_us();
        let inputs = &mut state.inputs;
        if inputs.take(seat.client, offset, bytes, self.limits())? {
            self.typed.notify_one();
        }
        Ok(())
    }

    /// The viewer's window has this size now; the PTY follows where the viewer owns the size.
    pub fn resize(&self, seat: &Seat, size: Size) {
        let mut state = lock(&self.state);
        let sized = state.seats.resize(seat.id, size);
        self.seats_changed(state, sized);
    }

    /// The viewer owns the size from now on; nothing for who only watches.
    pub fn take_size(&self, seat: &Seat) {
        let mut state = lock(&self.state);
        let sized = state.seats.take(seat.id);
        self.seats_changed(state, sized);
    }

    /// Passes a new size on. Takes the guard, so that it is gone when others are told.
    fn seats_changed(&self, state: MutexGuard<'_, State>, size: Option<Size>) {
        if let Some(size) = size.map(|size| self.share.fit(size)) {
            self.wanted_size.send_if_modified(|wanted| {
                let changes = *wanted != size;
                *wanted = size;
                changes
            });
        }
        drop(state);
        // The holder may have to hear of another owner.
        self.typed.notify_one();
        self.news.send_replace(());
    }

    /// Offset of the next byte that the program will print.
    pub fn offset(&self) -> u64 {
        lock(&self.ring).end()
    }

    /// An output frame of at most `max` bytes from `offset` on.
    pub fn read(&self, offset: u64, max: usize) -> Next {
        let ring = lock(&self.ring);
        if offset == ring.end() {
            return Next::Nothing;
        }
        let available = usize::try_from(ring.end().saturating_sub(offset)).unwrap_or(max);
        let mut frame = Vec::with_capacity(9 + available.min(max));
        frame::output_header(offset, &mut frame);
        if ring.read(offset, max, &mut frame) {
            Next::Output(frame)
        } else {
            Next::Gone
        }
    }

    /// How many bytes there are from `offset` on; None when the stream cannot go on there.
    pub fn available(&self, offset: u64) -> Option<u64> {
        let ring = lock(&self.ring);
        let here = (ring.start()..=ring.end()).contains(&offset);
        here.then(|| ring.end() - offset)
    }

    /// The terminal drawn anew.
    pub async fn snapshot(self: &Arc<Self>) -> Snapshot {
        let draw = |shell: &Self, screen: &mut Screen| {
            // When that takes longer, the viewer gets the rest from the ring.
            screen.catch_up(&shell.ring, SNAPSHOT_WORK);
            screen.snapshot()
        };
        self.on_screen(None, draw).await
    }

    /// Gives the screen another size.
    pub(super) async fn resize_screen(self: &Arc<Self>, size: Size) {
        let resize = move |_: &Self, screen: &mut Screen| screen.resize(size);
        self.on_screen(Some(size), resize).await;
    }

    /// Does something with the screen: here, or aside where that takes milliseconds or somebody has it.
    /// `becomes`: its size then.
    async fn on_screen<T: Send + 'static>(
        self: &Arc<Self>,
        becomes: Option<Size>,
        deed: impl Fn(&Self, &mut Screen) -> T + Clone + Send + 'static,
    ) -> T {
        if let Some(done) = self.on_small_screen(becomes, &deed) {
            return done;
        }
        let (shell, aside) = (self.clone(), deed.clone());
        let done = spawn_blocking(move || {
            let mut screen = lock(&shell.screen);
            aside(&shell, &mut screen)
        });
        match done.await {
            Ok(done) => done,
            // It panicked, or the node ends.
            Err(_) => deed(self, &mut lock(&self.screen)),
        }
    }

    /// None where the screen is large, or somebody has it.
    fn on_small_screen<T>(
        &self,
        becomes: Option<Size>,
        deed: &impl Fn(&Self, &mut Screen) -> T,
    ) -> Option<T> {
        let mut screen = self.screen.try_lock().ok()?;
        let is_large = is_large(screen.size()) || becomes.is_some_and(is_large);
        (!is_large).then(|| deed(self, &mut screen))
    }
}

fn is_large(size: Size) -> bool {
    usize::from(size.cols) * usize::from(size.rows) > LARGE_CELLS
}

//! The task of a shell: it always drains the PTY, writes what viewers type, and sets the size,
//! whoever looks or does not.

use std::{convert::Infallible, future::pending, sync::Arc, thread, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::{
    task::{spawn_blocking, yield_now},
    time::{Instant, timeout, timeout_at},
};

use super::{
    CONTROL_DEADLINE, Shell,
    held::{Handed, Told},
    lock,
};
use crate::shell::{
    limits::Size,
    pty::{FromPty, PtyInput, PtyOutput},
    ring::Ring,
    screen::Caught,
};

/// Output goes to the ring in pieces of this many bytes at most.
const PIECE_BYTES: usize = 64 * 1024;
/// Most bytes in the ring that are not drawn yet.
const UNDRAWN_BYTES: usize = 256 * 1024;
/// When nothing comes for so long, the screen is drawn.
const PAUSE: Duration = Duration::from_millis(4);
/// A driver may set the first size late, for images that cannot set it themselves; a size asked for
/// meanwhile is set again after that.
const SETTLE: Duration = Duration::from_secs(3);
/// Longer drawing is done aside.
const INLINE: Duration = Duration::from_millis(4);
/// So long is drawn aside before other shells get their turn.
const TURN: Duration = Duration::from_millis(50);
/// The screen is left alone for so long between two moments of drawing: a lock is not fair, and who waits
/// for it would not get it otherwise.
const BREATH: Duration = Duration::from_millis(1);

/// Why a shell runs no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Its PTY ended, or it was told to; the engine's words where that failed.
    Ended(Option<String>),
    /// The holder of its PTY is gone.
    Lost,
}

impl Shell {
    /// Runs the shell, whose PTY has this size, until its PTY ends or it is aborted.
    pub async fn run(self: &Arc<Self>, output: PtyOutput, input: PtyInput, size: Size) -> Stopped {
        tokio::select! {
            stopped = self.drain(output, size) => stopped,
            never = self.write_input(input) => match never {},
            never = self.apply_sizes(size) => match never {},
            () = self.abort.cancelled() => Stopped::Ended(None),
        }
    }

    async fn drain(self: &Arc<Self>, mut output: PtyOutput, size: Size) -> Stopped {
        let mut handed = Handed::new(self.offset(), size);
        loop {
            // While output keeps coming the screen can wait; in a pause it is drawn.
            let pause = match self.undrawn() {
                0 => self.drawing_due(&handed),
                _ => Some(Instant::now() + PAUSE),
            };
            let next = match pause {
                None => Ok(output.next().await),
                Some(pause) => timeout_at(pause, output.next()).await,
            };
            match next {
                Ok(Some(Ok(came))) => {
                    if self.take(came).await.is_none() {
                        return Stopped::Lost;
                    }
                }
                Ok(Some(Err(error))) => return Stopped::Ended(Some(error.message)),
                Ok(None) => return Stopped::Ended(None),
                Err(_) => self.draw().await,
            }
            self.hand_over(&mut handed).await;
        }
    }

    /// None where nothing can come any more.
    async fn take(self: &Arc<Self>, came: FromPty) -> Option<()> {
        match came {
            FromPty::Output(chunk) => self.keep(chunk).await,
            FromPty::Skipped(offset) => {
                tracing::warn!(shell = %self.id, "output was lost on its way; the screen starts over");
                let mut screen = lock(&self.screen);
                *lock(&self.ring) = Ring::at(offset);
                screen.skip_to(offset);
            }
            FromPty::Written { client, end } => {
                lock(&self.state).inputs.written(client, end);
                self.news.send_replace(());
            }
            FromPty::Synced(number) => {
                self.synced.send_replace(number);
            }
            FromPty::Lost => return None,
        }
        Some(())
    }

    /// Puts output into the ring, having drawn what the ring forgets for it.
    async fn keep(self: &Arc<Self>, mut chunk: Bytes) {
        while !chunk.is_empty() {
            let ring_bytes = self.commons.ring_bytes();
            let piece = chunk.split_to(chunk.len().min(PIECE_BYTES).min((ring_bytes / 2).max(1)));
            let most = (ring_bytes.min(UNDRAWN_BYTES) as u64).saturating_sub(piece.len() as u64);
            if self.undrawn() > most {
                lock(&self.screen).keep_up(&self.ring);
            }
            if self.undrawn() > most {
                self.draw().await;
            }
            lock(&self.ring).push(&piece, ring_bytes);
            self.news.send_replace(());
            // Under a flood the output is always ready: the other futures of this task, and other
            // tasks, get their turn here.
            yield_now().await;
        }
    }

    /// How much of the output is not on the screen yet.
    fn undrawn(&self) -> u64 {
        let drawn = lock(&self.screen).offset();
        self.offset() - drawn
    }

    /// Brings the screen up to date. A program can make few bytes cost much: that is done aside, and in
    /// turns with other shells, so that it holds up none of them.
    async fn draw(self: &Arc<Self>) {
        let mut caught = {
            let mut screen = lock(&self.screen);
            screen.set_scrollback_bytes(self.commons.ring_bytes());
            screen.catch_up(&self.ring, INLINE)
        };
        while caught == Caught::Behind {
            // The semaphore is never closed, and fair: whoever waits is next.
            let _turn = self.commons.costly.acquire().await;
            let shell = self.clone();
            let Ok(drawn) = spawn_blocking(move || shell.draw_for_a_turn()).await else {
                return tracing::error!(shell = %self.id, "the screen could not be drawn");
            };
            caught = drawn;
        }
    }

    /// Draws for a turn, in moments. Between two of them a snapshot may be taken.
    fn draw_for_a_turn(&self) -> Caught {
        let began = Instant::now();
        loop {
            let caught = lock(&self.screen).catch_up(&self.ring, INLINE);
            if caught == Caught::Up || began.elapsed() >= TURN {
                return caught;
            }
            thread::sleep(BREATH);
        }
    }

    async fn write_input(&self, mut pty: PtyInput) -> Infallible {
        let mut told = Told::default();
        loop {
            if let Err(error) = self.tell_holder(pty.holder().as_deref(), &mut told).await {
                tracing::debug!(shell = %self.id, "the holder takes nothing more: {error}");
                return pending().await;
            }
            let next = lock(&self.state).inputs.next();
            let Some(piece) = next else {
                self.typed.notified().await;
                continue;
            };
            // No deadline: a program may read its input when it likes. It ends with the shell.
            match pty.put(&piece).await {
                Ok(true) => {
                    lock(&self.state).inputs.written(piece.client, piece.end);
                    self.news.send_replace(());
                }
                // The holder tells when.
                Ok(false) => {}
                Err(error) => {
                    // The output ends as well, and tells the viewers.
                    tracing::debug!(shell = %self.id, "the PTY takes no more input: {error}");
                    return pending().await;
                }
            }
        }
    }

    async fn apply_sizes(self: &Arc<Self>, mut applied: Size) -> Infallible {
        let mut wanted = self.wanted_size.subscribe();
        let settled = Instant::now() + SETTLE;
        let mut repeat = false;
        loop {
            let size = *wanted.borrow_and_update();
            if size != applied {
                // Also when the engine refuses it: asking again and again would not help.
                applied = size;
                repeat = Instant::now() < settled;
                // What was printed before was meant for the size before.
                self.draw().await;
                self.resize_screen(size).await;
                self.size_pty(size).await;
            } else if repeat {
                if timeout_at(settled, wanted.changed()).await.is_err() {
                    repeat = false;
                    self.size_pty(size).await;
                }
            } else if wanted.changed().await.is_err() {
                return pending().await;
            }
        }
    }

    /// Sets the PTY's size. Failing, or taking over 10 s, is logged and leaves the PTY as it is.
    pub(super) async fn size_pty(&self, size: Size) {
        let Some(pty) = self.pty.get() else { return };
        let sized = pty.control.resize(size.cols, size.rows);
        match timeout(CONTROL_DEADLINE, sized).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(shell = %self.id, "the PTY keeps its size: {error}");
            }
            Err(_) => tracing::warn!(shell = %self.id, "the PTY was not sized within 10 s"),
        }
    }
}

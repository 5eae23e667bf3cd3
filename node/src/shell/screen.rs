//! A shell's VT state, kept from slowing or harming the shell.
//!
//! It trails the ring: a flood is not drawn as it comes, but when somebody wants to look, when
//! there is a pause, or before the ring forgets. A fault of the parser makes the screen blank, not
//! the shell dead.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Mutex,
    time::{Duration, Instant},
};

use super::{
    limits::{ShellLimits, Size},
    ring::Ring,
    session::lock,
    vt::{Snapshot, Vt},
};
use crate::hold::wire::Drawing;

/// How much is fed at a time on a screen of 80x24, for some milliseconds at most. Four bytes can clear a
/// screen: less is fed at a time where there is more to clear.
const SLICE_BYTES: usize = 2 * 1024;
const SLICE_CELLS: usize = 80 * 24;

/// The VT state. A drawing of it is kept by nobody here: it is as large again.
pub struct Screen {
    vt: Vt,
    limits: ShellLimits,
}

/// Whether the screen shows all that was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caught {
    Up,
    /// There was not enough time.
    Behind,
}

impl Screen {
    /// Blank, at offset 0.
    pub fn new(size: Size, limits: &ShellLimits) -> Self {
        Self {
            vt: Vt::new(size, limits),
            limits: limits.clone(),
        }
    }

    /// As a drawing has it; what was printed since is drawn next. False: something between the drawing and
    /// `start`, where output goes on, is missing.
    pub fn restored(
        drawing: Option<Drawing>,
        start: u64,
        size: Size,
        limits: &ShellLimits,
    ) -> (Self, bool) {
        let mut screen = Self::new(size, limits);
        let mut reached = 0;
        if let Some(drawing) = drawing {
            reached = drawing.offset;
            let drawn_at = Size::clamped(drawing.cols, drawing.rows);
            screen.vt = Vt::new(drawn_at, limits);
            screen.guarded("a drawing", reached, |vt| vt.feed(&drawing.bytes));
        }
        screen.vt.move_to(reached.max(start));
        screen.resize(size);
        (screen, reached >= start)
    }

    /// Nothing is known of what was printed before this.
    pub fn skip_to(&mut self, offset: u64) {
        self.vt = Vt::at(offset, self.vt.size(), &self.limits);
    }

    pub fn size(&self) -> Size {
        self.vt.size()
    }

    /// Up to where output has been drawn.
    pub fn offset(&self) -> u64 {
        self.vt.offset()
    }

    /// How much the lines above the screen may take from now on.
    pub fn set_scrollback_bytes(&mut self, bytes: usize) {
        self.vt
            .set_scrollback_bytes(bytes.min(self.limits.scrollback_bytes));
    }

    /// Draws what the ring has and the screen has not, until the time is over.
    pub fn catch_up(&mut self, ring: &Mutex<Ring>, time: Duration) -> Caught {
        let began = Instant::now();
        let Some(backlog) = self.backlog(ring) else {
            return Caught::Up;
        };
        let passed = self.pass_over(&backlog);
        for slice in backlog[passed..].chunks(self.slice_bytes()) {
            if began.elapsed() > time {
                return Caught::Behind;
            }
            let end = self.vt.offset() + slice.len() as u64;
            self.guarded("output", end, |vt| vt.feed(slice));
        }
        Caught::Up
    }

    /// Passes over what of a flood cannot be seen any more; the rest waits to be drawn.
    pub fn keep_up(&mut self, ring: &Mutex<Ring>) {
        if let Some(backlog) = self.backlog(ring) {
            self.pass_over(&backlog);
        }
    }

    /// What the ring has and the screen has not; None when there is nothing.
    fn backlog(&mut self, ring: &Mutex<Ring>) -> Option<Vec<u8>> {
        let mut backlog = Vec::new();
        let ring = lock(ring);
        if ring.end() == self.vt.offset() {
            return None;
        }
        if !ring.read(self.vt.offset(), usize::MAX, &mut backlog) {
            // The drain sees to it that this cannot be.
            tracing::error!("the ring has forgotten what was not drawn; the screen starts over");
            self.vt = Vt::at(ring.end(), self.vt.size(), &self.limits);
            return None;
        }
        Some(backlog)
    }

    fn pass_over(&mut self, backlog: &[u8]) -> usize {
        let mut passed = 0;
        let end = self.vt.offset() + backlog.len() as u64;
        self.guarded("a flood", end, |vt| passed = vt.pass_over(backlog));
        passed
    }

    fn slice_bytes(&self) -> usize {
        let size = self.vt.size();
        let cells = usize::from(size.cols) * usize::from(size.rows);
        (SLICE_BYTES * SLICE_CELLS / cells.max(SLICE_CELLS)).max(16)
    }

    /// Blank where the parser fails at it, and of that size all the same.
    pub fn resize(&mut self, size: Size) {
        let offset = self.vt.offset();
        self.guarded("a resize", offset, |vt| vt.resize(size));
        if self.vt.size() != size {
            self.vt = Vt::at(offset, size, &self.limits);
        }
    }

    /// A drawing of what was fed; what the ring has beyond [`Self::offset`] is not in it.
    pub fn snapshot(&mut self) -> Snapshot {
        let offset = self.vt.offset();
        match catch_unwind(AssertUnwindSafe(|| self.vt.snapshot())) {
            Ok(drawn) => drawn,
            Err(_) => {
                self.start_over("a snapshot", offset);
                self.vt.snapshot()
            }
        }
    }

    fn guarded(&mut self, what: &str, offset: u64, change: impl FnOnce(&mut Vt)) {
        if catch_unwind(AssertUnwindSafe(|| change(&mut self.vt))).is_err() {
            self.start_over(what, offset);
        }
    }

    /// After a panic the state is not to be trusted: a blank one goes on from here.
    fn start_over(&mut self, what: &str, offset: u64) {
        tracing::error!("the terminal parser failed at {what}; its screen starts over");
        self.vt = Vt::at(offset, self.vt.size(), &self.limits);
    }
}

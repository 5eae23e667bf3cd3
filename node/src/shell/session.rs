//! A shell: a PTY in a VM with its recent output and its viewers.
//!
//! `task` is the one task that drains, writes and sizes the PTY; `viewing` is what viewers do with
//! a shell. Locks are held for moments and never across an await.

mod task;
mod viewing;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use node_api::{error::NodeErrorCode, shell::ShellReport};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use self::viewing::{Next, Seat, View};
use super::{
    commons::{Commons, Share},
    input::Inputs,
    limits::{ShellLimits, Size},
    ring::Ring,
    screen::Screen,
    size::Seats,
};
use crate::{
    clock::now_us,
    driver::{DriverError, TtyControl},
};

/// How long one call about a PTY may take.
const CONTROL_DEADLINE: Duration = Duration::from_secs(10);

/// How a shell ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Its program ended with this code; 128 + n for a signal.
    Exited(i32),
    /// Its VM stopped.
    VmStopped,
    /// Its VM was deleted.
    VmGone,
    /// The engine lost it, or the node ends; why, in words.
    Lost(String),
}

/// A shell that lives, or has ended a while ago.
pub struct Shell {
    pub id: Uuid,
    pub vm_id: Uuid,
    pub created_at: i64,
    commons: Arc<Commons>,
    share: Share,
    first_size: Size,
    ring: Mutex<Ring>,
    screen: Mutex<Screen>,
    state: Mutex<State>,
    /// Changes whenever there is something new for viewers.
    news: watch::Sender<()>,
    typed: Notify,
    wanted_size: watch::Sender<Size>,
    control: Box<dyn TtyControl>,
    /// Cancelled to end the task before its PTY ends.
    abort: CancellationToken,
    ended: CancellationToken,
}

struct State {
    seats: Seats,
    inputs: Inputs,
    /// What to tell of the end instead of the exit code.
    end_as: Option<End>,
    end: Option<(End, Instant)>,
    active_at: i64,
    active: Instant,
}

/// What makes a shell.
pub struct Birth {
    pub id: Uuid,
    pub vm_id: Uuid,
    /// The PTY's size already.
    pub size: Size,
    pub commons: Arc<Commons>,
    pub share: Share,
    pub control: Box<dyn TtyControl>,
}

impl Shell {
    pub fn new(birth: Birth) -> Self {
        let now = now_us();
        Self {
            id: birth.id,
            vm_id: birth.vm_id,
            created_at: now,
            ring: Mutex::default(),
            screen: Mutex::new(Screen::new(birth.size, &birth.commons.limits)),
            state: Mutex::new(State {
                seats: Seats::default(),
                inputs: Inputs::new(),
                end_as: None,
                end: None,
                active_at: now,
                active: Instant::now(),
            }),
            commons: birth.commons,
            share: birth.share,
            first_size: birth.size,
            news: watch::Sender::new(()),
            typed: Notify::new(),
            wanted_size: watch::Sender::new(birth.size),
            control: birth.control,
            abort: CancellationToken::new(),
            ended: CancellationToken::new(),
        }
    }

    pub fn limits(&self) -> &ShellLimits {
        &self.commons.limits
    }

    pub fn report(&self) -> ShellReport {
        let size = *self.wanted_size.borrow();
        let offset = lock(&self.ring).end();
        let state = lock(&self.state);
        ShellReport {
            id: self.id,
            vm_id: self.vm_id,
            created_at: self.created_at,
            cols: size.cols,
            rows: size.rows,
            viewers: state.viewers(),
            exit_code: match &state.end {
                Some((End::Exited(code), _)) => Some(*code),
                _ => None,
            },
            offset,
            active_at: state.active_at,
        }
    }

    /// How it ended and how long ago, once it has.
    pub fn end(&self) -> Option<(End, Duration)> {
        let state = lock(&self.state);
        let end = state.end.as_ref();
        end.map(|(end, at)| (end.clone(), at.elapsed()))
    }

    /// How long nobody has looked or typed; zero while somebody looks.
    pub fn idle(&self) -> Duration {
        let state = lock(&self.state);
        if state.seats.count() > 0 {
            return Duration::ZERO;
        }
        state.active.elapsed()
    }

    /// Resolves once the shell has ended.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Resolves once nobody looks any more.
    pub async fn unwatched(&self) {
        let mut news = self.news.subscribe();
        while lock(&self.state).seats.count() > 0 {
            // The sender is this shell's own.
            if news.changed().await.is_err() {
                return;
            }
        }
    }

    /// Ends every process of the shell's session; the task sees the PTY end then.
    pub async fn kill(&self) -> Result<(), DriverError> {
        if self.ended.is_cancelled() {
            return Ok(());
        }
        let late = || {
            let message = format!(
                "shell {} could not be ended within 10 s; try again",
                self.id
            );
            DriverError::new(NodeErrorCode::Timeout, message)
        };
        let killed = timeout(CONTROL_DEADLINE, self.control.kill()).await;
        killed.unwrap_or_else(|_| Err(late()))
    }

    /// Lets the end be told as this, whatever the exit code.
    pub fn end_as(&self, end: End) {
        lock(&self.state).end_as.get_or_insert(end);
    }

    /// What the end was said to be before it came.
    pub fn foretold(&self) -> Option<End> {
        lock(&self.state).end_as.clone()
    }

    /// Ends the task without waiting for the PTY.
    pub fn abort(&self, end: End) {
        self.end_as(end);
        self.abort.cancel();
    }

    /// The program's exit code, once the engine knows it.
    pub async fn exit_code(&self) -> Result<Option<i32>, DriverError> {
        let code = timeout(CONTROL_DEADLINE, self.control.exit_code()).await;
        code.unwrap_or(Ok(None))
    }

    /// The shell has ended: viewers are told.
    pub fn finish(&self, end: End) {
        lock(&self.state).end = Some((end, Instant::now()));
        self.ended.cancel();
        self.news.send_replace(());
    }
}

impl State {
    fn viewers(&self) -> u16 {
        u16::try_from(self.seats.count()).unwrap_or(u16::MAX)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded stays whole through a panic: every change is one assignment or push.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

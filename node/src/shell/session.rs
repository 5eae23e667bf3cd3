//! A shell: a PTY in a VM with its recent output and its viewers.
//!
//! `task` is the one task that drains, writes and sizes the PTY; `viewing` is what viewers do with
//! a shell; `held` what a shell does whose PTY is with the holder. Locks are held for moments and never across an await.

mod held;
mod task;
mod viewing;

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use node_api::{error::NodeErrorCode, shell::ShellReport};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use self::{
    held::Past,
    task::Stopped,
    viewing::{Next, Seat, View},
};
use super::{
    commons::{Commons, Share},
    input::Inputs,
    limits::{ShellLimits, Size},
    pty::PtyInput,
    ring::Ring,
    screen::Screen,
    size::Seats,
};
use crate::{
    clock::now_us,
    driver::{DriverError, TtyControl},
    hold::HeldInput,
};

/// How long one call about a PTY may take.
const CONTROL_DEADLINE: Duration = Duration::from_secs(10);
/// The exit code of a shell that was closed before it began: as of one that a HUP ended.
const KILLED: i32 = 129;

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
    /// The node ends, and the holder keeps it for the next one.
    Left,
}

/// How long viewers may take to come back to a node that has begun again.
const COME_BACK: Duration = Duration::from_secs(300);

/// How far a shell's PTY has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It begins with its first viewer's size.
    Waiting,
    /// The engine, or the holder, is asked for the PTY.
    Opening,
    /// The PTY is there.
    Open,
}

/// What a shell has of its PTY beside its streams.
struct Reach {
    control: Box<dyn TtyControl>,
    holder: Option<Arc<HeldInput>>,
}

/// A shell that lives, or has ended a while ago.
pub struct Shell {
    /// As its creator chose it; its processes carry it as their mark.
    pub id: Uuid,
    pub vm_id: Uuid,
    /// Microseconds since the Unix epoch; of the first beginning, where it was taken up.
    pub created_at: i64,
    commons: Arc<Commons>,
    share: Share,
    phase: watch::Sender<Phase>,
    ring: Mutex<Ring>,
    screen: Mutex<Screen>,
    state: Mutex<State>,
    /// Changes whenever there is something new for viewers.
    news: watch::Sender<()>,
    typed: Notify,
    wanted_size: watch::Sender<Size>,
    pty: OnceLock<Reach>,
    /// The newest question that the holder has answered.
    synced: watch::Sender<u64>,
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
    /// Questions for the holder, counted.
    syncs: u64,
}

/// What makes a shell.
pub struct Birth {
    pub id: Uuid,
    pub vm_id: Uuid,
    /// The PTY's, unless it waits for its first viewer's.
    pub size: Size,
    /// [`Phase::Waiting`] where it begins with its first viewer's size, else [`Phase::Opening`].
    pub phase: Phase,
    pub commons: Arc<Commons>,
    /// Its part of the commons; given back when the shell is dropped.
    pub share: Share,
    /// Of a shell that is taken up again.
    pub past: Option<Past>,
}

impl Shell {
    /// Nothing runs yet: that is [`Shell::run`]'s.
    pub fn new(birth: Birth) -> Self {
        let Past {
            created_at,
            active_at,
            ring,
            screen,
            inputs,
            seats,
        } = birth
            .past
            .unwrap_or_else(|| Past::none(birth.size, &birth.commons.limits));
        let active = last_active(active_at, birth.commons.limits.idle);
        Self {
            id: birth.id,
            vm_id: birth.vm_id,
            created_at,
            ring: Mutex::new(ring),
            screen: Mutex::new(screen),
            state: Mutex::new(State {
                seats,
                inputs,
                end_as: None,
                end: None,
                active_at,
                active,
                syncs: 0,
            }),
            commons: birth.commons,
            share: birth.share,
            phase: watch::Sender::new(birth.phase),
            news: watch::Sender::new(()),
            typed: Notify::new(),
            wanted_size: watch::Sender::new(birth.size),
            pty: OnceLock::new(),
            synced: watch::Sender::new(0),
            abort: CancellationToken::new(),
            ended: CancellationToken::new(),
        }
    }

    pub fn limits(&self) -> &ShellLimits {
        &self.commons.limits
    }

    /// As the API tells it. An exit code only where its program ended: not where it was lost, or its VM
    /// stopped.
    pub fn report(&self) -> ShellReport {
        let size = *self.wanted_size.borrow();
        let offset = lock(&self.ring).end();
        let state = lock(&self.state);
        let (exit_code, lost) = match &state.end {
            Some((End::Exited(code), _)) => (Some(*code), None),
            Some((End::Lost(why), _)) => (None, Some(why.clone())),
            _ => (None, None),
        };
        ShellReport {
            id: self.id,
            vm_id: self.vm_id,
            created_at: self.created_at,
            cols: size.cols,
            rows: size.rows,
            viewers: state.viewers(),
            exit_code,
            lost,
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

    /// The size to begin with: the first viewer's, or after a while the one it was made with. None where it
    /// is to end before it has begun.
    pub async fn first_size(&self) -> Option<Size> {
        let mut phase = self.phase.subscribe();
        tokio::select! {
            // The sender is this shell's own.
            _ = phase.wait_for(|phase| *phase != Phase::Waiting) => {}
            () = tokio::time::sleep(self.limits().first_viewer) => {}
            () = self.abort.cancelled() => return None,
        }
        self.phase.send_replace(Phase::Opening);
        let size = *self.wanted_size.borrow();
        lock(&self.screen).resize(size);
        Some(size)
    }

    /// The PTY is there.
    pub fn opened(&self, control: Box<dyn TtyControl>, input: &PtyInput) {
        let holder = input.holder();
        // It is opened once.
        let _ = self.pty.set(Reach { control, holder });
        self.phase.send_replace(Phase::Open);
    }

    /// What can be done to the PTY, once it is there. None where it has ended, or will not begin.
    async fn control(&self) -> Option<&dyn TtyControl> {
        if *self.phase.borrow() == Phase::Waiting {
            self.abort(End::Exited(KILLED));
        }
        let mut phase = self.phase.subscribe();
        tokio::select! {
            _ = phase.wait_for(|phase| *phase == Phase::Open) => {}
            () = self.ended.cancelled() => return None,
        }
        self.pty.get().map(|pty| &*pty.control)
    }

    /// Whether it is to end.
    pub fn is_aborted(&self) -> bool {
        self.abort.is_cancelled()
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
        let killing = async {
            match self.control().await {
                Some(control) => control.kill().await,
                None => Ok(()),
            }
        };
        let killed = timeout(CONTROL_DEADLINE, killing).await;
        killed.unwrap_or_else(|_| Err(late()))
    }

    /// Lets the end be told as this, whatever the exit code.
    pub fn end_as(&self, end: End) {
        lock(&self.state).end_as.get_or_insert(end);
    }

    /// It has not ended after all: what was to be told of the end is taken back.
    pub fn goes_on(&self, end: &End) {
        let mut state = lock(&self.state);
        if state.end_as.as_ref() == Some(end) {
            state.end_as = None;
        }
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
        let Some(pty) = self.pty.get() else {
            return Ok(None);
        };
        let code = timeout(CONTROL_DEADLINE, pty.control.exit_code()).await;
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

/// Also after a panic of who had it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded stays whole through a panic: every change is one assignment or push.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// When a shell was used last, by what is kept of it (µs since the Unix epoch): that its node begins again does not
/// make it used. Who looked at it all the time has a while to come back.
fn last_active(active_at: i64, idle: Duration) -> Instant {
    let quiet = Duration::from_micros((now_us() - active_at).try_into().unwrap_or(0));
    let most = idle.saturating_sub(COME_BACK.min(idle / 2));
    let now = Instant::now();
    now.checked_sub(quiet.min(most)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_that_is_taken_up_was_used_when_it_was_and_its_viewers_have_a_while_to_come_back() {
        const HOUR: Duration = Duration::from_secs(3600);
        for (quiet, expected) in [
            (Duration::ZERO, Duration::ZERO),
            (HOUR, HOUR),
            (30 * HOUR, 24 * HOUR - COME_BACK),
        ] {
            let active_at = now_us() - i64::try_from(quiet.as_micros()).unwrap();
            let elapsed = last_active(active_at, 24 * HOUR).elapsed();
            let late = elapsed.checked_sub(expected).unwrap();
            assert!(late < Duration::from_secs(10), "{quiet:?}: {elapsed:?}");
        }
        // A clock that was put back.
        let elapsed = last_active(now_us() + 1_000_000, HOUR).elapsed();
        assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
    }
}

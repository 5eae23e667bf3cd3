//! The processes of a terminal's session, as the host sees them, and their end.
//!
//! Closing the engine's stream ends nothing. Every process that has the session of the exec's leader
//! (background jobs included) is in the host's /proc; each is checked to be the container's, through
//! a handle that cannot come to mean another process.

use std::{fs, sync::Arc, time::Duration};

use node_api::error::NodeErrorCode;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::seen::{Seen, parent_and_session};
use crate::driver::{DriverError, ProcessSignal};

/// Time between HUP and KILL.
const HUP_GRACE: Duration = Duration::from_secs(1);
/// Longest wait for what was killed to be gone.
const KILL_PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks whether all are gone: at first, and at last.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const LOOK_AGAIN_MAX: Duration = Duration::from_millis(200);

/// Sessions that were put into the container, by leader and mark: their leader's parent is outside it.
/// (What called setsid in there has the mark in its environment, too, and is left alone.) None where
/// environments cannot be read from here.
pub(super) async fn leaders(seen: &Arc<Seen>) -> Result<Option<Vec<(i32, String)>>, DriverError> {
    seen.with(find_leaders).await
}

fn find_leaders(seen: &Seen) -> Option<Vec<(i32, String)>> {
    let mut leaders = Vec::new();
    for pid in seen.pids().into_iter().filter(|pid| seen.has(*pid)) {
        let Some((parent, session)) = parent_and_session(pid) else {
            continue;
        };
        if session != pid || seen.has(parent) {
            continue;
        }
        match fs::read(format!("/proc/{pid}/environ")) {
            Ok(environment) => leaders.extend(mark(&environment).map(|mark| (pid, mark))),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return None,
            // It has ended.
            Err(_) => {}
        }
    }
    Some(leaders)
}

fn mark(environment: &[u8]) -> Option<String> {
    let mut entries = environment.split(|byte| *byte == 0);
    let mark = entries.find_map(|entry| entry.strip_prefix(b"MC_TTY="))?;
    String::from_utf8(mark.to_vec()).ok()
}

/// Signals every process of the session.
pub(super) async fn signal(
    session: i32,
    seen: &Arc<Seen>,
    signal: ProcessSignal,
) -> Result<(), DriverError> {
    let signal = match signal {
        ProcessSignal::Hup => Signal::HUP,
        ProcessSignal::Int => Signal::INT,
        ProcessSignal::Quit => Signal::QUIT,
        ProcessSignal::Kill => Signal::KILL,
        ProcessSignal::Usr1 => Signal::USR1,
        ProcessSignal::Usr2 => Signal::USR2,
        ProcessSignal::Alrm => Signal::ALARM,
        ProcessSignal::Term => Signal::TERM,
    };
    send_all(session, seen, &[signal]).await.map(drop)
}

/// Ends every process of the session: HUP, a second, KILL.
pub(super) async fn end(session: i32, seen: &Arc<Seen>) -> Result<(), DriverError> {
    let hang_up = [Signal::HUP, Signal::CONT];
    if gone_within(HUP_GRACE, session, seen, &hang_up, &[]).await? {
        return Ok(());
    }
    // Again and again, because what is being killed may have made more.
    let kill = [Signal::KILL];
    if gone_within(KILL_PATIENCE, session, seen, &kill, &kill).await? {
        return Ok(());
    }
    Err(DriverError::new(
        NodeErrorCode::Engine,
        format!("processes of the session {session} are still there after KILL"),
    ))
}

/// Sends some signals, then the others at each look; whether all are gone in time.
async fn gone_within(
    patience: Duration,
    session: i32,
    seen: &Arc<Seen>,
    first: &[Signal],
    again: &[Signal],
) -> Result<bool, DriverError> {
    let began = tokio::time::Instant::now();
    let (mut signals, mut pause) = (first, LOOK_AGAIN);
    loop {
        // Of a look that is made late enough, however long it takes itself.
        let late = began.elapsed() > patience;
        if send_all(session, seen, signals).await? == 0 {
            return Ok(true);
        }
        if late {
            return Ok(false);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LOOK_AGAIN_MAX);
        signals = again;
    }
}

/// How many there were, living, before they got the signals.
async fn send_all(
    session: i32,
    seen: &Arc<Seen>,
    signals: &[Signal],
) -> Result<usize, DriverError> {
    let signals = signals.to_vec();
    seen.with(move |seen| {
        let members = members(session, seen);
        for signal in signals {
            members
                .iter()
                .for_each(|pid| send(*pid, session, seen, signal));
        }
        members.len()
    })
    .await
}

/// The handle is taken before the check: it stays with the process that was checked.
fn send(pid: i32, session: i32, seen: &Seen, signal: Signal) {
    let Some(process) = Pid::from_raw(pid) else {
        return;
    };
    let sent = pidfd_open(process, PidfdFlags::empty()).and_then(|handle| {
        if session_of(pid) == Some(session) && seen.has(pid) {
            pidfd_send_signal(&handle, signal)
        } else {
            Ok(())
        }
    });
    match sent {
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => tracing::warn!(pid, "a process was not signalled: {error}"),
    }
}

/// Living processes of the session that are the container's.
fn members(session: i32, seen: &Seen) -> Vec<i32> {
    let is_member = |pid: &i32| session_of(*pid) == Some(session) && seen.has(*pid);
    seen.pids().into_iter().filter(is_member).collect()
}

fn session_of(pid: i32) -> Option<i32> {
    parent_and_session(pid).map(|(_, session)| session)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_from_an_environment() {
        assert_eq!(mark(b"A=b\0MC_TTY=12ab\0C=\xff\0"), Some("12ab".into()));
        assert_eq!(mark(b"A=MC_TTY=12ab\0"), None);
    }
}

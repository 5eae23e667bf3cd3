//! The processes of a terminal's session, as the host sees them, and their end.
//!
//! Closing the engine's stream ends nothing. Every process that has the session of the exec's leader
//! (background jobs included) is in the host's /proc; each is checked to be the container's, through
//! a handle that cannot come to mean another process.

use std::{fs, time::Duration};

use node_api::error::NodeErrorCode;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::driver::{DriverError, ProcessSignal};

/// Time between HUP and KILL.
const HUP_GRACE: Duration = Duration::from_secs(1);
/// Longest wait for what was killed to be gone.
const KILL_PATIENCE: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Whether the processes of a running container can be seen from here (a node that is in a container
/// itself sees only its own).
pub(super) fn host_is_seen(container: &str) -> bool {
    all_pids().any(|pid| is_in_container(pid, container))
}

/// Whether the host's process is in the container.
pub(super) fn is_in_container(pid: i32, container: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/cgroup")).is_ok_and(|text| text.contains(container))
}

/// Sessions that were put into the container, by leader and mark: their leader's parent is outside it.
/// (What called setsid in there has the mark in its environment, too, and is left alone.) None where
/// environments cannot be read from here.
pub(super) fn leaders(container: &str) -> Option<Vec<(i32, String)>> {
    let mut leaders = Vec::new();
    for pid in all_pids().filter(|pid| is_in_container(*pid, container)) {
        let Some((parent, session)) = parent_and_session(pid) else {
            continue;
        };
        if session != pid || is_in_container(parent, container) {
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
pub(super) fn signal(session: i32, container: &str, signal: ProcessSignal) {
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
    send_all(session, container, signal);
}

/// Ends every process of the session: HUP, a second, KILL.
pub(super) async fn end(session: i32, container: &str) -> Result<(), DriverError> {
    for signal in [Signal::HUP, Signal::CONT] {
        send_all(session, container, signal);
    }
    if gone_within(HUP_GRACE, session, container, None).await {
        return Ok(());
    }
    // Again and again, because what is being killed may have made more.
    if gone_within(KILL_PATIENCE, session, container, Some(Signal::KILL)).await {
        return Ok(());
    }
    Err(DriverError::new(
        NodeErrorCode::Engine,
        format!("processes of the session {session} are still there after KILL"),
    ))
}

async fn gone_within(
    patience: Duration,
    session: i32,
    container: &str,
    signal: Option<Signal>,
) -> bool {
    let began = tokio::time::Instant::now();
    loop {
        if members(session, container).is_empty() {
            return true;
        }
        if began.elapsed() > patience {
            return false;
        }
        if let Some(signal) = signal {
            send_all(session, container, signal);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn send_all(session: i32, container: &str, signal: Signal) {
    for pid in members(session, container) {
        send(pid, session, container, signal);
    }
}

/// The handle is taken before the check: it stays with the process that was checked.
fn send(pid: i32, session: i32, container: &str, signal: Signal) {
    let Some(process) = Pid::from_raw(pid) else {
        return;
    };
    let sent = pidfd_open(process, PidfdFlags::empty()).and_then(|handle| {
        if session_of(pid) == Some(session) && is_in_container(pid, container) {
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
fn members(session: i32, container: &str) -> Vec<i32> {
    all_pids()
        .filter(|pid| session_of(*pid) == Some(session) && is_in_container(*pid, container))
        .collect()
}

fn all_pids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The session of a living process; None for one that is dead and only waits to be reaped.
fn session_of(pid: i32) -> Option<i32> {
    parent_and_session(pid).map(|(_, session)| session)
}

fn parent_and_session(pid: i32) -> Option<(i32, i32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    parse(&stat)
}

fn parse(stat: &str) -> Option<(i32, i32)> {
    // The name, in parentheses, may hold anything: count from the last one.
    let mut words = stat.rsplit_once(") ")?.1.split(' ');
    let state = words.next()?;
    let parent = words.next()?.parse().ok()?;
    let session = words.nth(1)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some((parent, session))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_read_past_any_name_and_not_of_the_dead() {
        assert_eq!(parse("12 (a) b) S 1 12 77 34816 12"), Some((1, 77)));
        assert_eq!(parse("12 (sh) Z 1 12 77 0 -1"), None);
        assert_eq!(parse("nonsense"), None);
    }

    #[test]
    fn a_mark_is_read_from_an_environment() {
        assert_eq!(mark(b"A=b\0MC_TTY=12ab\0C=\xff\0"), Some("12ab".into()));
        assert_eq!(mark(b"A=MC_TTY=12ab\0"), None);
    }

    #[test]
    fn a_process_of_the_host_is_in_no_container() {
        let own = i32::try_from(std::process::id()).expect("a pid");
        assert!(session_of(own).is_some());
        assert!(!is_in_container(
            own,
            "0123456789abcdef0123456789abcdef0123456789abcdef"
        ));
    }
}

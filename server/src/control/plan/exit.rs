//! Exits that nobody asked for: shut down from inside, crashed, or gone with engine or host.

use app::model::VmState;
use node_api::vm::{VmExit, VmReport};

use super::{Found, FoundEvent, Look, Step, failed, into_state, power, record};
use crate::{
    clock::SECOND,
    db::vm::{DesiredState, VmRow},
};

/// Seconds before the first, second and third restart.
const BACKOFF: [i64; 3] = [1, 4, 16];
/// A VM that ran for so long has its restarts anew.
const STEADY: i64 = 600 * SECOND;

/// False for a time that is further ahead than any pause: it was set before the clock was put back.
pub(super) fn rests(row: &VmRow, now: i64) -> bool {
    let longest = BACKOFF.into_iter().max().unwrap_or_default() * SECOND;
    row.retry_at
        .is_some_and(|at| (1..=longest).contains(&(at - now)))
}

/// What a VM that is to run, and has ended, needs.
pub(super) fn exited(row: &VmRow, report: &VmReport, look: &Look) -> Step {
    if row.restart_wanted {
        return start_again(row, None, look);
    }
    match row.state {
        VmState::Failed if is_back(row, report) => {
            let words = "Its container is there again, and starts.".to_owned();
            let found = VmRow {
                created_once: true,
                ..row.clone()
            };
            start_again(&found, Some(words), look)
        }
        VmState::Failed => Step::Rest,
        VmState::Running | VmState::Stopping if look.fresh => unasked(row, report, look),
        VmState::Running | VmState::Stopping => Step::Rest,
        // Its container is there, also where its making was never answered: that asks for no image any more.
        _ => power::start(row, look),
    }
}

/// True where its loss was told, and the very container is there again: its engine was without its data, say.
fn is_back(row: &VmRow, report: &VmReport) -> bool {
    !row.created_once && row.engine_id.as_deref() == Some(report.engine_id.as_str())
}

/// The answer of a create or start: what the VM is doing now.
pub fn arrived(row: &VmRow, look: &Look) -> Option<Found> {
    let report = look.report?;
    let step = match power::is_up(report) {
        true => power::up(row, report, look),
        // It came up and ended at once.
        false => {
            let seen = VmRow {
                created_once: true,
                engine_id: Some(report.engine_id.clone()),
                ..row.clone()
            };
            unasked(&seen, report, look)
        }
    };
    match step {
        Step::Record(found) => Some(*found),
        _ => None,
    }
}

fn unasked(row: &VmRow, report: &VmReport, look: &Look) -> Step {
    let Some(exit) = &report.exit else {
        return start_again(row, None, look);
    };
    if (look.was_out)(exit.finished_at) || !exit.error.is_empty() {
        let words = "It ended with its engine, and starts again.".to_owned();
        return start_again(row, Some(words), look);
    }
    // Whatever was killed for memory before it: this was a shut down.
    if exit.code == 0 {
        return shut_down_inside(row, look);
    }
    crashed(row, exit, look)
}

/// After a restart that was asked for, or one of the engine: not counted.
fn start_again(row: &VmRow, reason: Option<String>, look: &Look) -> Step {
    let event = reason.as_ref().map(|_| FoundEvent {
        kind: "vm_interrupted",
        detail: row.node.clone(),
        ok: false,
    });
    let after = VmRow {
        restart_wanted: false,
        address: None,
        started_at: None,
        ..into_state(row, VmState::Starting, reason, look.now)
    };
    record(after, event)
}

/// `poweroff` inside: what its user wanted.
fn shut_down_inside(row: &VmRow, look: &Look) -> Step {
    let event = FoundEvent {
        kind: "vm_exited",
        detail: None,
        ok: true,
    };
    let after = VmRow {
        desired: DesiredState::Stopped,
        generation: row.generation + 1,
        restarts: 0,
        address: None,
        started_at: None,
        ..into_state(row, VmState::Stopped, None, look.now)
    };
    record(after, Some(event))
}

fn crashed(row: &VmRow, exit: &VmExit, look: &Look) -> Step {
    let why = words(exit, row.memory_mib);
    let ran_long = row
        .started_at
        .is_some_and(|at| exit.finished_at - at >= STEADY);
    let before = if ran_long { 0 } else { row.restarts };
    let Some(wait) = usize::try_from(before)
        .ok()
        .and_then(|before| BACKOFF.get(before))
    else {
        let reason = format!("It {why} and was restarted {} times.", BACKOFF.len());
        return Step::Record(Box::new(failed(row, reason, look.now)));
    };
    let restarts = before + 1;
    let event = FoundEvent {
        kind: "vm_crashed",
        detail: Some(format!(
            "{why}; restart {restarts} of {} in {wait} s",
            BACKOFF.len()
        )),
        ok: false,
    };
    let reason = format!(
        "It {why} and starts again (restart {restarts} of {}).",
        BACKOFF.len()
    );
    let after = VmRow {
        restarts,
        retry_at: Some(look.now + wait * SECOND),
        address: None,
        started_at: None,
        ..into_state(row, VmState::Starting, Some(reason), look.now)
    };
    record(after, Some(event))
}

/// How it ended, to follow "It ".
fn words(exit: &VmExit, memory_mib: u32) -> String {
    match exit.code {
        _ if exit.oom_killed => format!("ran out of memory ({memory_mib} MiB)"),
        137 => "was killed (signal 9)".into(),
        139 => "crashed (signal 11)".into(),
        code @ 129..=159 => format!("ended by signal {}", code - 128),
        code => format!("ended with code {code}"),
    }
}

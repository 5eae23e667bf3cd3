//! A VM that is to run, or to rest.

use app::model::VmState;
use node_api::vm::{PowerState, VmReport};

use super::{
    CREATING, Found, FoundEvent, Look, STARTING, STOPPING, Step, exit, failed, into_state, overdue,
    record, runs,
};
use crate::db::vm::{DesiredState, VmRow};

/// The step for a VM that is to run: by what its container is doing, or that there is none.
pub(super) fn running(row: &VmRow, look: &Look) -> Step {
    let Some(report) = look.report else {
        return missing(row, look);
    };
    match report.power {
        PowerState::Running if row.restart_wanted => stop(row, look),
        PowerState::Running => up(row, report, look),
        PowerState::Created if row.created_once => start(row, look),
        PowerState::Created => create(row, look),
        PowerState::Exited => exit::exited(row, report, look),
        PowerState::Stopping => busy(row, look),
        PowerState::Dead => dead(row, look),
    }
}

/// The same for one that is to be shut down, or is and may be due to go.
pub(super) fn stopped(row: &VmRow, look: &Look) -> Step {
    let Some(report) = look.report else {
        // What has failed stays so: a loss must not look like a VM that is shut down.
        return match row.created_once || row.state == VmState::Failed {
            true => missing(row, look),
            false => at_rest(row, look),
        };
    };
    match report.power {
        PowerState::Running => stop(row, look),
        PowerState::Stopping => busy(row, look),
        PowerState::Created | PowerState::Exited | PowerState::Dead => at_rest(row, look),
    }
}

/// The engine is busy with it, or cannot say what it does: waited for as long as its transition may take.
fn busy(row: &VmRow, look: &Look) -> Step {
    let (what, allowed) = match row.state {
        VmState::Creating => ("come to run", CREATING),
        VmState::Starting => ("start", STARTING),
        VmState::Stopping => ("shut down", STOPPING),
        _ => return Step::Rest,
    };
    match look.is_overdue(row, allowed) {
        true => overdue(row, look, what, allowed),
        false => Step::Rest,
    }
}

/// No container: made for a new VM, a loss for another, also where it has failed before: the engine calls a container
/// that is being removed "dead" for a moment, and only who knows that it is gone may have it made anew.
fn missing(row: &VmRow, look: &Look) -> Step {
    if !row.created_once {
        return create(row, look);
    }
    if !look.fresh {
        return Step::Rest;
    }
    let node = row.node.as_deref().unwrap_or("its node");
    let reason =
        format!("Its container is gone from {node}, and its files with it. Retry makes it anew.");
    let found = failed(row, reason, look.now);
    // Told: only from now on may it be made anew.
    let after = VmRow {
        created_once: false,
        ..found.after
    };
    record(after, found.event)
}

/// Makes its container, unless that failed before or takes longer than [`CREATING`].
pub(super) fn create(row: &VmRow, look: &Look) -> Step {
    if row.state == VmState::Failed {
        return Step::Rest;
    }
    if look.is_overdue(row, CREATING) {
        return overdue(row, look, "come to run", CREATING);
    }
    look.when_possible(Step::Create)
}

/// Starts it, once the pause after a crash is over; fails what takes longer than [`STARTING`], or than
/// [`CREATING`] where it is still being made: its container may have come late.
pub(super) fn start(row: &VmRow, look: &Look) -> Step {
    if row.state == VmState::Failed {
        return Step::Rest;
    }
    let (what, allowed) = match row.state {
        VmState::Creating => ("come to run", CREATING),
        _ => ("start", STARTING),
    };
    if look.is_overdue(row, allowed) {
        return overdue(row, look, what, allowed);
    }
    if exit::rests(row, look.now) {
        return Step::Rest;
    }
    look.when_possible(Step::Start)
}

/// One that cannot be shut down is said to have failed, and shut down as soon as that works.
fn stop(row: &VmRow, look: &Look) -> Step {
    if row.state != VmState::Stopping && row.state != VmState::Failed {
        return record(into_state(row, VmState::Stopping, None, look.now), None);
    }
    if row.state == VmState::Stopping && look.is_overdue(row, STOPPING) {
        return overdue(row, look, "shut down", STOPPING);
    }
    look.when_possible(Step::Stop)
}

fn dead(row: &VmRow, look: &Look) -> Step {
    if row.state == VmState::Failed {
        return Step::Rest;
    }
    let reason = "The engine cannot use its container any more. Delete the VM.".to_owned();
    Step::Record(Box::new(failed(row, reason, look.now)))
}

/// It runs, and is meant to.
pub(super) fn up(row: &VmRow, report: &VmReport, look: &Look) -> Step {
    let after = VmRow {
        engine_id: Some(report.engine_id.clone()),
        address: report.address.clone(),
        started_at: report.started_at,
        created_once: true,
        retry_at: None,
        ..into_state(row, VmState::Running, None, look.now)
    };
    if after == *row {
        return match row.is_ssh_settled() {
            true => Step::Rest,
            false => look.when_possible(Step::SshServe),
        };
    }
    let event = (row.state != VmState::Running).then(|| FoundEvent {
        kind: "vm_running",
        detail: row.node.clone(),
        ok: true,
    });
    record(after, event)
}

/// It does not run, and is not meant to.
fn at_rest(row: &VmRow, look: &Look) -> Step {
    let rest = into_state(row, VmState::Stopped, None, look.now);
    let exit = look.report.and_then(|report| report.exit.as_ref());
    // A row of an old copy does not know that the VM has run since: its days begin when that ended.
    let ended_at = exit
        .map(|exit| exit.finished_at)
        .filter(|at| *at <= look.now);
    let after = VmRow {
        created_once: row.created_once || look.report.is_some(),
        engine_id: look
            .report
            .map(|report| report.engine_id.clone())
            .or(row.engine_id.clone()),
        address: None,
        started_at: None,
        changed_at: rest.changed_at.max(ended_at.unwrap_or(rest.changed_at)),
        ..rest
    };
    if after != *row {
        return record(after, None);
    }
    // Not on what a node said long ago: it may be away, and its VMs' pages with it.
    let due = look
        .retention
        .filter(|kept| look.fresh && look.now > kept.ends_at(row.changed_at));
    match due {
        Some(kept) => expire(row, kept.days, look.now),
        None => Step::Rest,
    }
}

/// Stopped for longer than stopped VMs are kept.
fn expire(row: &VmRow, days: u32, now: i64) -> Step {
    let event = FoundEvent {
        kind: "vm_expired",
        detail: Some(format!("{days} days")),
        ok: true,
    };
    let after = VmRow {
        desired: DesiredState::Deleted,
        generation: row.generation + 1,
        ..into_state(row, VmState::Deleting, None, now)
    };
    Step::Record(Box::new(Found {
        after,
        event: Some(event),
    }))
}

/// True for a report that a VM meant to run is fine with.
pub(super) fn is_up(report: &VmReport) -> bool {
    runs(report)
}

//! What people ask of a VM, as a change of its row. Pure: state and verb in, row out.

use app::model::VmState;

use super::ControlError;
use crate::db::vm::{DesiredState, VmRow};

/// What can be asked of a VM that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Of one that has failed: tries again.
    Start,
    /// Refused for one that has failed, but in being shut down.
    Stop,
    /// Of one that does not run: starts it.
    Restart,
    /// Only of one that has failed: what it was to do then, run or be shut down.
    Retry,
    /// Whatever its state; nothing else can be asked of it afterwards.
    Delete,
}

impl Verb {
    /// Names the event, and the fail points.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Start => "vm_start",
            Self::Stop => "vm_stop",
            Self::Restart => "vm_restart",
            Self::Retry => "vm_retry",
            Self::Delete => "vm_delete",
        }
    }
}

/// The row as it is to be; None when that is so already. `is_up`: its node says that it runs.
pub fn request(
    row: &VmRow,
    verb: Verb,
    is_up: bool,
    now: i64,
) -> Result<Option<VmRow>, ControlError> {
    if verb == Verb::Delete {
        return Ok(delete(row, now));
    }
    if row.desired == DesiredState::Deleted {
        let words = format!("{} is being deleted.", row.name);
        return Err(ControlError::conflict("vm_deleting", words));
    }
    match (verb, row.state) {
        // It could not be shut down: that is what is tried again.
        (Verb::Stop | Verb::Retry, VmState::Failed)
            if is_up && row.desired == DesiredState::Stopped =>
        {
            Ok(Some(changed(
                row,
                DesiredState::Stopped,
                VmState::Stopping,
                now,
            )))
        }
        (Verb::Stop, VmState::Failed) => Err(failed(row)),
        (Verb::Stop, _) => Ok(stop(row, now)),
        (Verb::Start | Verb::Restart | Verb::Retry, VmState::Failed) => Ok(Some(again(row, now))),
        (Verb::Retry, _) => {
            let words = format!(
                "{} has not failed: there is nothing to try again.",
                row.name
            );
            Err(ControlError::conflict("vm_not_failed", words))
        }
        (Verb::Restart, VmState::Running) if row.desired == DesiredState::Running => {
            Ok(Some(VmRow {
                restart_wanted: true,
                ..changed(row, DesiredState::Running, VmState::Stopping, now)
            }))
        }
        _ => Ok(start(row, now)),
    }
}

fn failed(row: &VmRow) -> ControlError {
    let words = format!("{} has failed. Try again, or delete it.", row.name);
    ControlError::conflict("vm_failed", words)
}

fn start(row: &VmRow, now: i64) -> Option<VmRow> {
    if row.desired == DesiredState::Running {
        return None;
    }
    Some(changed(row, DesiredState::Running, coming(row), now))
}

fn stop(row: &VmRow, now: i64) -> Option<VmRow> {
    (row.desired != DesiredState::Stopped)
        .then(|| changed(row, DesiredState::Stopped, VmState::Stopping, now))
}

fn delete(row: &VmRow, now: i64) -> Option<VmRow> {
    (row.desired != DesiredState::Deleted)
        .then(|| changed(row, DesiredState::Deleted, VmState::Deleting, now))
}

/// A container that is there is started, and never made anew: only one that never was, or whose loss has been
/// told, is made.
fn again(row: &VmRow, now: i64) -> VmRow {
    changed(row, DesiredState::Running, coming(row), now)
}

/// The state of a VM that is to run and does not.
fn coming(row: &VmRow) -> VmState {
    match row.created_once {
        true => VmState::Starting,
        false => VmState::Creating,
    }
}

/// A change of what is desired: what was counted and waited for before it does not matter any more.
fn changed(row: &VmRow, desired: DesiredState, state: VmState, now: i64) -> VmRow {
    VmRow {
        desired,
        state,
        generation: row.generation + 1,
        reason: None,
        restarts: 0,
        retry_at: None,
        restart_wanted: false,
        changed_at: now,
        ..row.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::testing::row;

    fn asked(desired: DesiredState, state: VmState, verb: Verb) -> Option<(DesiredState, VmState)> {
        let before = VmRow {
            desired,
            state,
            ..row()
        };
        let after = request(&before, verb, true, 7)
            .ok()?
            .unwrap_or_else(|| before.clone());
        assert!(after == before || after.generation == before.generation + 1);
        Some((after.desired, after.state))
    }

    #[test]
    fn every_verb_in_every_state_leads_where_it_says() {
        use DesiredState::{Deleted, Running, Stopped};
        use VmState::{Creating, Deleting, Failed, Starting, Stopping};
        let run = VmState::Running;
        let rest = VmState::Stopped;
        let cases = [
            (Verb::Start, Stopped, rest, Some((Running, Starting))),
            (Verb::Start, Stopped, Stopping, Some((Running, Starting))),
            (Verb::Start, Running, run, Some((Running, run))),
            (Verb::Start, Running, Failed, Some((Running, Starting))),
            (Verb::Start, Deleted, Deleting, None),
            (Verb::Stop, Running, run, Some((Stopped, Stopping))),
            (Verb::Stop, Running, Creating, Some((Stopped, Stopping))),
            (Verb::Stop, Stopped, rest, Some((Stopped, rest))),
            (Verb::Stop, Running, Failed, None),
            (Verb::Stop, Stopped, Failed, Some((Stopped, Stopping))),
            (Verb::Retry, Stopped, Failed, Some((Stopped, Stopping))),
            (Verb::Start, Stopped, Failed, Some((Running, Starting))),
            (Verb::Restart, Running, run, Some((Running, Stopping))),
            (Verb::Restart, Stopped, rest, Some((Running, Starting))),
            (Verb::Restart, Running, Failed, Some((Running, Starting))),
            (Verb::Retry, Running, Failed, Some((Running, Starting))),
            (Verb::Retry, Running, run, None),
            (Verb::Delete, Running, Failed, Some((Deleted, Deleting))),
            (Verb::Delete, Deleted, Deleting, Some((Deleted, Deleting))),
        ];
        for (verb, desired, state, expected) in cases {
            assert_eq!(
                asked(desired, state, verb),
                expected,
                "{verb:?} in {state:?}"
            );
        }
    }

    #[test]
    fn a_vm_that_never_came_to_be_is_created_when_it_is_started() {
        let before = VmRow {
            created_once: false,
            desired: DesiredState::Stopped,
            state: VmState::Stopped,
            ..row()
        };
        let after = request(&before, Verb::Start, false, 7).unwrap().unwrap();
        assert_eq!((after.state, after.changed_at), (VmState::Creating, 7));
    }

    #[test]
    fn a_retry_forgets_nothing_of_a_container_that_was_seen() {
        let before = VmRow {
            state: VmState::Failed,
            ..row()
        };
        let after = request(&before, Verb::Retry, false, 7).unwrap().unwrap();
        assert_eq!(after.state, VmState::Starting);
        assert!(after.created_once && after.engine_id == before.engine_id);
        // Also one that was shut down: a loss must not look as if nothing had happened.
        for desired in [DesiredState::Running, DesiredState::Stopped] {
            let lost = VmRow {
                created_once: false,
                desired,
                ..before.clone()
            };
            let after = request(&lost, Verb::Retry, false, 7).unwrap().unwrap();
            assert_eq!(
                (after.desired, after.state),
                (DesiredState::Running, VmState::Creating)
            );
        }
    }

    #[test]
    fn what_was_counted_before_a_request_is_forgotten() {
        let before = VmRow {
            restarts: 3,
            retry_at: Some(9),
            reason: Some("It crashed.".into()),
            ..row()
        };
        let after = request(&before, Verb::Stop, false, 7).unwrap().unwrap();
        assert_eq!(
            (after.restarts, after.retry_at, after.reason),
            (0, None, None)
        );
    }
}

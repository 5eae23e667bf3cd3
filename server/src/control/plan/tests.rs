use node_api::vm::PowerState;

use super::*;
use crate::control::testing::{exited, report, row};

/// One that is shut down.
fn resting() -> VmRow {
    VmRow {
        desired: DesiredState::Stopped,
        state: VmState::Stopped,
        address: None,
        started_at: None,
        ..row()
    }
}

/// A look with a fresh list, no earlier tries, and no outage.
fn look<'a>(report: Option<&'a VmReport>, tries: &'a Tries) -> Look<'a> {
    Look {
        now: 1_000 * SECOND,
        report,
        fresh: true,
        unreachable: false,
        began: 0,
        tries,
        was_out: &|_| false,
        retention: None,
    }
}

fn step(row: &VmRow, report: Option<&VmReport>) -> Step {
    let tries = Tries::default();
    plan(row, &look(report, &tries))
}

fn found(step: Step) -> Found {
    match step {
        Step::Record(found) => *found,
        other => panic!("nothing was found: {other:?}"),
    }
}

fn just_changed(desired: DesiredState, state: VmState) -> VmRow {
    VmRow {
        desired,
        state,
        changed_at: 1_000 * SECOND,
        ..row()
    }
}

#[test]
fn a_vm_that_is_as_it_should_be_is_left_alone() {
    assert_eq!(step(&row(), Some(&report(PowerState::Running))), Step::Rest);
    assert_eq!(step(&resting(), Some(&exited(0, false, 0))), Step::Rest);
}

#[test]
fn each_difference_has_its_step() {
    use DesiredState::{Deleted, Running, Stopped};
    use VmState::{Creating, Deleting, Starting, Stopping};
    let up = report(PowerState::Running);
    let made = report(PowerState::Created);
    let ended = exited(0, false, 0);
    let new = VmRow {
        created_once: false,
        ..just_changed(Running, Creating)
    };
    let cases: [(&VmRow, Option<&VmReport>, Step); 8] = [
        (&new, None, Step::Create),
        (&new, Some(&made), Step::Create),
        (&new, Some(&ended), Step::Start),
        (&just_changed(Running, Starting), Some(&ended), Step::Start),
        (&just_changed(Running, Starting), Some(&made), Step::Start),
        (&just_changed(Stopped, Stopping), Some(&up), Step::Stop),
        (&just_changed(Deleted, Deleting), Some(&up), Step::Delete),
        (&just_changed(Deleted, Deleting), None, Step::Delete),
    ];
    for (row, report, expected) in cases {
        assert_eq!(
            step(row, report),
            expected,
            "{:?} {:?}",
            row.desired,
            row.state
        );
    }
}

#[test]
fn a_vm_found_running_is_written_down_with_where_and_since_when() {
    let new = VmRow {
        created_once: false,
        address: None,
        engine_id: None,
        started_at: None,
        ..just_changed(DesiredState::Running, VmState::Creating)
    };
    let found = found(step(&new, Some(&report(PowerState::Running))));
    assert_eq!(found.after.state, VmState::Running);
    assert!(found.after.created_once && found.after.address.is_some());
    assert_eq!(found.event.unwrap().kind, "vm_running");
}

#[test]
fn ssh_that_is_published_is_set_up_once_a_start() {
    let up = report(PowerState::Running);
    let published = |ssh_ready_at| VmRow {
        ssh_port: Some(22_000),
        ssh_ready_at,
        ..row()
    };
    assert_eq!(step(&published(None), Some(&up)), Step::SshServe);
    assert_eq!(step(&published(row().started_at), Some(&up)), Step::Rest);
    // It was started anew: that is written down first.
    let again = VmReport {
        started_at: Some(5),
        ..up
    };
    let after = found(step(&published(row().started_at), Some(&again))).after;
    assert_eq!(step(&after, Some(&again)), Step::SshServe);
}

#[test]
fn a_failed_vm_that_runs_after_all_is_running() {
    let row = VmRow {
        state: VmState::Failed,
        reason: Some("late".into()),
        ..row()
    };
    let found = found(step(&row, Some(&report(PowerState::Running))));
    assert_eq!(
        (found.after.state, found.after.reason),
        (VmState::Running, None)
    );
}

#[test]
fn a_failed_vm_is_left_to_its_owner() {
    let row = VmRow {
        state: VmState::Failed,
        ..row()
    };
    assert_eq!(step(&row, Some(&exited(1, false, 0))), Step::Rest);
    assert_eq!(step(&row, Some(&report(PowerState::Created))), Step::Rest);
    assert_eq!(step(&row, Some(&report(PowerState::Dead))), Step::Rest);
}

#[test]
fn a_container_that_is_gone_is_a_loss_and_only_a_fresh_list_says_so() {
    for desired in [DesiredState::Running, DesiredState::Stopped] {
        let row = VmRow { desired, ..row() };
        let found = found(step(&row, None));
        assert_eq!(found.after.state, VmState::Failed);
        assert!(found.after.reason.unwrap().contains("container is gone"));
        assert!(!found.after.created_once, "a retry may make it anew");
        let tries = Tries::default();
        let stale = Look {
            fresh: false,
            ..look(None, &tries)
        };
        assert_eq!(plan(&row, &stale), Step::Rest);
    }
}

/// Also while its removal was called "dead", which the engine does for a moment.
#[test]
fn that_the_container_of_a_failed_vm_is_gone_is_told_once() {
    let dead = found(step(&row(), Some(&report(PowerState::Dead)))).after;
    assert_eq!(dead.state, VmState::Failed);
    let gone = found(step(&dead, None)).after;
    assert!(gone.reason.as_ref().unwrap().contains("container is gone"));
    assert_eq!(step(&gone, None), Step::Rest);
}

#[test]
fn a_loss_stays_told_also_when_the_vm_is_not_to_run_any_more() {
    let lost = VmRow {
        state: VmState::Failed,
        created_once: false,
        ..row()
    };
    for desired in [DesiredState::Running, DesiredState::Stopped] {
        let row = VmRow {
            desired,
            ..lost.clone()
        };
        assert_eq!(step(&row, None), Step::Rest);
    }
}

#[test]
fn what_is_tried_again_is_started_where_its_container_is_and_a_loss_is_told_first() {
    let again = just_changed(DesiredState::Running, VmState::Starting);
    let ended = exited(0, false, 0);
    assert_eq!(step(&again, Some(&ended)), Step::Start);
    let told = found(step(&again, None)).after;
    assert_eq!(told.state, VmState::Failed);
    let anew = VmRow {
        state: VmState::Creating,
        ..told
    };
    assert_eq!(step(&anew, None), Step::Create);
    // It is back after all.
    assert_eq!(step(&anew, Some(&ended)), Step::Start);
}

#[test]
fn what_is_being_made_has_all_the_time_for_that_also_when_its_container_has_ended() {
    let since = |seconds: i64| VmRow {
        created_once: false,
        changed_at: (1_000 - seconds) * SECOND,
        ..just_changed(DesiredState::Running, VmState::Creating)
    };
    let ended = exited(137, false, 0);
    assert_eq!(step(&since(119), Some(&ended)), Step::Start);
    let failed = found(step(&since(121), Some(&ended))).after;
    let reason = failed.reason.unwrap();
    assert!(reason.contains("come to run within 120 s"), "{reason}");
}

#[test]
fn shut_down_from_inside_means_stopped() {
    let found = found(step(&row(), Some(&exited(0, false, 999 * SECOND))));
    assert_eq!(
        (found.after.desired, found.after.state),
        (DesiredState::Stopped, VmState::Stopped)
    );
    assert_eq!(found.after.generation, row().generation + 1);
    assert_eq!(found.event.unwrap().kind, "vm_exited");
}

#[test]
fn shut_down_from_inside_after_something_was_killed_for_memory_is_no_crash() {
    let found = found(step(&row(), Some(&exited(0, true, 999 * SECOND))));
    assert_eq!(found.after.state, VmState::Stopped);
}

#[test]
fn an_exit_is_judged_only_by_a_fresh_list() {
    let tries = Tries::default();
    let ended = exited(0, false, 999 * SECOND);
    let stale = Look {
        fresh: false,
        ..look(Some(&ended), &tries)
    };
    assert_eq!(plan(&row(), &stale), Step::Rest);
}

#[test]
fn a_crash_restarts_three_times_with_growing_waits_and_then_fails_in_words() {
    let mut row = row();
    for (restarts, wait) in [(1, 1), (2, 4), (3, 16)] {
        row.state = VmState::Running;
        row.started_at = Some(990 * SECOND);
        row = found(step(&row, Some(&exited(137, true, 999 * SECOND)))).after;
        assert_eq!((row.state, row.restarts), (VmState::Starting, restarts));
        assert_eq!(row.retry_at, Some((1_000 + wait) * SECOND));
        assert_eq!(
            step(&row, Some(&exited(137, true, 999 * SECOND))),
            Step::Rest
        );
        let tries = Tries::default();
        let ended = exited(137, true, 999 * SECOND);
        let later = Look {
            now: (1_000 + wait) * SECOND,
            ..look(Some(&ended), &tries)
        };
        assert_eq!(plan(&row, &later), Step::Start);
    }
    row.state = VmState::Running;
    let found = found(step(&row, Some(&exited(137, true, 999 * SECOND))));
    assert_eq!(found.after.state, VmState::Failed);
    let reason = found.after.reason.unwrap();
    assert_eq!(
        reason,
        "It ran out of memory (256 MiB) and was restarted 3 times."
    );
}

#[test]
fn a_vm_that_ran_for_long_has_its_restarts_anew() {
    let row = VmRow {
        restarts: 3,
        started_at: Some(0),
        ..row()
    };
    let crash = found(step(&row, Some(&exited(1, false, 999 * SECOND))));
    assert_eq!(
        (crash.after.state, crash.after.restarts),
        (VmState::Starting, 1)
    );
}

#[test]
fn a_vm_that_crashes_again_and_again_is_given_up_whatever_the_clock_of_its_node_says() {
    // The node's is an hour behind.
    let row = VmRow {
        restarts: 2,
        state: VmState::Starting,
        started_at: None,
        ..row()
    };
    let begun = VmReport {
        started_at: Some(-3_600 * SECOND),
        ..report(PowerState::Running)
    };
    let up = found(step(&row, Some(&begun))).after;
    assert_eq!((up.state, up.restarts), (VmState::Running, 2));
}

#[test]
fn a_vm_whose_lost_container_is_there_again_starts_again_and_another_container_does_not_count() {
    let ended = exited(137, false, 900 * SECOND);
    let lost = VmRow {
        state: VmState::Failed,
        created_once: false,
        engine_id: Some(ended.engine_id.clone()),
        ..row()
    };
    let back = found(step(&lost, Some(&ended)));
    assert_eq!(back.after.state, VmState::Starting);
    assert!(back.after.created_once);
    assert_eq!(back.event.unwrap().kind, "vm_interrupted");
    let other = VmRow {
        engine_id: Some("another".into()),
        ..lost.clone()
    };
    assert_eq!(step(&other, Some(&ended)), Step::Rest);
    // One that has failed otherwise waits for its owner.
    let failed = VmRow {
        created_once: true,
        ..lost
    };
    assert_eq!(step(&failed, Some(&ended)), Step::Rest);
}

#[test]
fn a_container_that_its_engine_is_busy_with_for_ever_is_given_up_and_shown_again_when_it_runs() {
    for (desired, state, allowed) in [
        (DesiredState::Running, VmState::Starting, STARTING),
        (DesiredState::Stopped, VmState::Stopping, STOPPING),
    ] {
        let row = just_changed(desired, state);
        let busy = report(PowerState::Stopping);
        assert_eq!(step(&row, Some(&busy)), Step::Rest);
        let tries = Tries::default();
        let late = Look {
            now: row.changed_at + allowed + 1,
            ..look(Some(&busy), &tries)
        };
        assert_eq!(found(plan(&row, &late)).after.state, VmState::Failed);
    }
}

#[test]
fn what_was_put_off_before_the_clock_was_put_back_is_not_waited_for() {
    let row = VmRow {
        state: VmState::Deleting,
        desired: DesiredState::Deleted,
        ..row()
    };
    for (ahead, expected) in [(WAIT_MAX, Step::Rest), (3_600 * SECOND, Step::Delete)] {
        let tries = Tries {
            not_before: 1_000 * SECOND + ahead,
            ..Tries::default()
        };
        assert_eq!(plan(&row, &look(None, &tries)), expected);
    }
}

#[test]
fn an_exit_with_the_engine_starts_again_without_being_counted() {
    let tries = Tries::default();
    for code in [0, 137, 255] {
        let ended = exited(code, false, 999 * SECOND);
        let out = Look {
            was_out: &|at| at == 999 * SECOND,
            ..look(Some(&ended), &tries)
        };
        let found = found(plan(&row(), &out));
        assert_eq!(
            (found.after.state, found.after.restarts),
            (VmState::Starting, 0)
        );
        assert_eq!(found.after.desired, DesiredState::Running);
        assert_eq!(found.after.retry_at, None);
    }
}

#[test]
fn a_restart_stops_first_and_then_starts_even_by_another_server() {
    let asked = VmRow {
        restart_wanted: true,
        ..just_changed(DesiredState::Running, VmState::Stopping)
    };
    assert_eq!(step(&asked, Some(&report(PowerState::Running))), Step::Stop);
    let stopped = found(step(&asked, Some(&exited(0, false, 999 * SECOND)))).after;
    assert_eq!(
        (stopped.state, stopped.restart_wanted),
        (VmState::Starting, false)
    );
    assert_eq!(
        step(&stopped, Some(&exited(0, false, 999 * SECOND))),
        Step::Start
    );
}

#[test]
fn every_transition_has_a_deadline_that_ends_in_words() {
    use DesiredState::{Running, Stopped};
    let tries = Tries {
        words: Some("no bridge docker0".into()),
        ..Tries::default()
    };
    let up = report(PowerState::Running);
    let ended = exited(0, false, 0);
    let new = VmRow {
        created_once: false,
        ..just_changed(Running, VmState::Creating)
    };
    let cases = [
        (new, None, CREATING),
        (
            just_changed(Running, VmState::Starting),
            Some(&ended),
            STARTING,
        ),
        (
            just_changed(Stopped, VmState::Stopping),
            Some(&up),
            STOPPING,
        ),
    ];
    for (row, report, allowed) in cases {
        for unreachable in [false, true] {
            let in_time = Look {
                unreachable,
                now: row.changed_at + allowed,
                ..look(report, &tries)
            };
            assert!(
                !matches!(plan(&row, &in_time), Step::Record(_)),
                "{:?}",
                row.state
            );
            let late = Look {
                now: row.changed_at + allowed + 1,
                ..in_time
            };
            let found = found(plan(&row, &late));
            assert_eq!(found.after.state, VmState::Failed);
            assert!(found.after.reason.unwrap().contains("no bridge docker0"));
        }
    }
}

#[test]
fn a_deadline_does_not_count_a_pull_nor_the_time_without_a_server() {
    let new = VmRow {
        created_once: false,
        changed_at: 0,
        ..just_changed(DesiredState::Running, VmState::Creating)
    };
    let new = VmRow {
        changed_at: 0,
        ..new
    };
    let pulling = Tries {
        pulled_at: Some(999 * SECOND),
        ..Tries::default()
    };
    assert_eq!(plan(&new, &look(None, &pulling)), Step::Create);
    let pulled = Tries {
        image_at: Some(999 * SECOND),
        ..Tries::default()
    };
    assert_eq!(plan(&new, &look(None, &pulled)), Step::Create);
    let fresh = Tries::default();
    let new_server = Look {
        began: 999 * SECOND,
        ..look(None, &fresh)
    };
    assert_eq!(plan(&new, &new_server), Step::Create);
    assert!(matches!(plan(&new, &look(None, &fresh)), Step::Record(_)));
}

#[test]
fn nothing_is_asked_of_an_unreachable_node_nor_before_its_time() {
    use DesiredState::{Deleted, Running, Stopped};
    let up = report(PowerState::Running);
    let rows = [
        (
            VmRow {
                created_once: false,
                ..just_changed(Running, VmState::Creating)
            },
            None,
        ),
        (just_changed(Stopped, VmState::Stopping), Some(&up)),
        (just_changed(Deleted, VmState::Deleting), Some(&up)),
    ];
    let soon = Tries {
        not_before: 1_001 * SECOND,
        ..Tries::default()
    };
    let tries = Tries::default();
    for (row, report) in rows {
        assert_eq!(plan(&row, &look(report, &soon)), Step::Rest);
        let away = Look {
            unreachable: true,
            ..look(report, &tries)
        };
        assert_eq!(plan(&row, &away), Step::Rest);
    }
}

#[test]
fn one_that_cannot_be_shut_down_has_failed_and_is_still_tried() {
    let row = VmRow {
        state: VmState::Failed,
        ..just_changed(DesiredState::Stopped, VmState::Stopping)
    };
    assert_eq!(step(&row, Some(&report(PowerState::Running))), Step::Stop);
    let found = found(step(&row, Some(&exited(137, false, 0))));
    assert_eq!(found.after.state, VmState::Stopped);
}

#[test]
fn a_vm_that_runs_though_it_was_stopped_is_said_to_and_stopped() {
    let row = VmRow {
        state: VmState::Stopped,
        desired: DesiredState::Stopped,
        ..row()
    };
    let seen = found(step(&row, Some(&report(PowerState::Running)))).after;
    assert_eq!(seen.state, VmState::Stopping);
    assert_eq!(step(&seen, Some(&report(PowerState::Running))), Step::Stop);
}

#[test]
fn a_stopped_vm_goes_after_the_retention_and_only_then() {
    let day = 86_400 * SECOND;
    let rest = resting();
    let tries = Tries::default();
    let ended = exited(0, false, 0);
    let with = |days: Option<u32>, now| Look {
        retention: days.map(|days| Retention { days, since: 0 }),
        now,
        ..look(Some(&ended), &tries)
    };
    assert_eq!(plan(&rest, &with(None, 1_000 * day)), Step::Rest);
    assert_eq!(plan(&rest, &with(Some(30), 30 * day)), Step::Rest);
    let due = with(Some(30), 30 * day + 1);
    let stale = Look {
        fresh: false,
        ..due
    };
    assert_eq!(plan(&rest, &stale), Step::Rest);
    let found = found(plan(&rest, &due));
    assert_eq!(found.after.desired, DesiredState::Deleted);
    assert_eq!(found.event.unwrap().kind, "vm_expired");
}

#[test]
fn a_vm_that_ran_since_its_row_was_copied_has_its_days_from_the_end_of_that() {
    let day = 86_400 * SECOND;
    let rest = resting();
    let tries = Tries::default();
    let ended = exited(0, false, 20 * day);
    let on = |day_of_look: i64| Look {
        retention: Some(Retention { days: 30, since: 0 }),
        now: day_of_look * day + 1,
        ..look(Some(&ended), &tries)
    };
    let seen = found(plan(&rest, &on(31))).after;
    assert_eq!(
        (seen.desired, seen.changed_at),
        (DesiredState::Stopped, 20 * day)
    );
    for day in [31, 49] {
        assert_eq!(plan(&seen, &on(day)), Step::Rest, "on day {day}");
    }
    let gone = found(plan(&seen, &on(50))).after;
    assert_eq!(gone.desired, DesiredState::Deleted);
    // What an engine says whose clock is ahead is not waited for.
    assert_eq!(plan(&rest, &on(19)), Step::Rest);
}

#[test]
fn a_create_that_ends_at_once_is_a_crash_and_not_made_again_and_again() {
    let tries = Tries::default();
    let new = VmRow {
        created_once: false,
        ..just_changed(DesiredState::Running, VmState::Creating)
    };
    let ended = exited(127, false, 999 * SECOND);
    let found = arrived(&new, &look(Some(&ended), &tries)).unwrap();
    assert_eq!(
        (found.after.state, found.after.restarts),
        (VmState::Starting, 1)
    );
    assert!(found.after.created_once);
}

/// Whatever the row and the report, following the steps ends in a state that rests.
#[test]
fn every_mixture_of_row_and_report_comes_to_rest() {
    let powers = [
        None,
        Some(report(PowerState::Created)),
        Some(report(PowerState::Running)),
        Some(report(PowerState::Stopping)),
        Some(exited(0, false, 999 * SECOND)),
        Some(exited(1, false, 999 * SECOND)),
        Some(report(PowerState::Dead)),
    ];
    let states = [
        VmState::Creating,
        VmState::Starting,
        VmState::Running,
        VmState::Stopping,
        VmState::Stopped,
        VmState::Failed,
    ];
    for power in &powers {
        for state in states {
            for desired in [DesiredState::Running, DesiredState::Stopped] {
                for (created_once, restart_wanted) in
                    [(true, false), (false, false), (true, true), (false, true)]
                {
                    let row = VmRow {
                        created_once,
                        restart_wanted,
                        ..just_changed(desired, state)
                    };
                    let end = follow(row, power.clone());
                    assert!(
                        end.is_some(),
                        "{power:?} {state:?} {desired:?} {created_once} {restart_wanted}"
                    );
                }
            }
        }
    }
}

/// Does what is planned to a pretended container, at most twenty steps.
fn follow(mut row: VmRow, mut power: Option<VmReport>) -> Option<VmRow> {
    let tries = Tries::default();
    let mut now = 1_000 * SECOND;
    for _ in 0..20 {
        let look = Look {
            now,
            ..look(power.as_ref(), &tries)
        };
        match plan(&row, &look) {
            Step::Rest if row.retry_at.is_some_and(|at| at > now) => now = row.retry_at?,
            Step::Rest => return Some(row),
            Step::Record(found) => row = found.after,
            Step::Create | Step::Start => power = Some(report(PowerState::Running)),
            Step::Stop => power = Some(exited(0, false, now)),
            Step::SshServe => row.ssh_ready_at = row.started_at,
            Step::Delete => return Some(row),
        }
    }
    None
}

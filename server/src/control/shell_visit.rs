//! Who is in a shell of somebody else's now. Known to this server alone, because the sockets are; that
//! somebody came or went is an event.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use super::{Control, shell_grant::event};
use crate::{
    actor::Actor,
    db::{DbError, event::event_insert, shell_grant::ShellGrantRow},
};

/// Who is away for less than this has not left: a page is loaded again, a network is lost for a moment.
const AWAY: Duration = Duration::from_secs(5);
/// Nobody has left sooner than this after they came: so who comes and goes all the time makes two events in
/// that time, and no more.
const STAY: Duration = Duration::from_secs(60);
/// Sockets of one grant at once: some tabs, and connections that are lost and not given up yet.
const GRANT_SOCKETS: usize = 4;
/// Sockets of all guests of a shell. Its node has 32 seats: the others are the owner's.
const GUEST_SOCKETS: usize = 24;

/// By the grant's id.
#[derive(Default)]
pub(super) struct ShellVisits(Mutex<HashMap<String, Visit>>);

struct Visit {
    shell_id: String,
    began: Instant,
    sockets: usize,
    /// How often all sockets were gone.
    absences: u64,
    ended: CancellationToken,
}

/// All sockets of a guest are gone.
#[derive(Debug)]
struct Absence {
    number: u64,
    /// After so long, they have left.
    wait: Duration,
    /// Or at once: they cannot come back.
    ended: CancellationToken,
}

/// One socket of a guest; held as long as it is open.
pub struct ShellVisit {
    control: Control,
    grant: ShellGrantRow,
    actor: Actor,
    /// Cancelled at once when the grant is taken back.
    pub ended: CancellationToken,
}

impl Control {
    /// Notes that a guest has come in; None: as many as may be are in.
    pub async fn shell_visit(&self, actor: &Actor, grant: &ShellGrantRow) -> Option<ShellVisit> {
        let (ended, is_first) = self.0.visits.begin(grant)?;
        let visit = ShellVisit {
            control: self.clone(),
            grant: grant.clone(),
            actor: actor.clone(),
            ended,
        };
        if is_first {
            self.visit_note("shell_join", actor, grant).await;
        }
        Some(visit)
    }

    /// After a while, notes that a guest has left, unless they are back.
    async fn visit_over(self, actor: Actor, grant: ShellGrantRow, absence: Absence) {
        tokio::select! {
            () = tokio::time::sleep(absence.wait) => {}
            () = absence.ended.cancelled() => {}
        }
        if self.0.visits.forget(&grant.id, absence.number) {
            self.visit_note("shell_leave", &actor, &grant).await;
        }
    }

    async fn visit_note(&self, kind: &'static str, actor: &Actor, grant: &ShellGrantRow) {
        let noted = async {
            let mut tx = self.0.db.write().await?;
            event_insert(&mut tx, &event(kind, actor, grant)).await?;
            tx.commit().await
        };
        let noted: Result<(), DbError> = noted.await;
        match noted {
            Ok(()) => self.tell(Some(&grant.owner_id)),
            Err(error) => {
                tracing::warn!(%error, vm = grant.vm, "that a guest came or went was not written down");
            }
        }
    }
}

impl Drop for ShellVisit {
    fn drop(&mut self) {
        let Some(absence) = self.control.0.visits.leave(&self.grant.id) else {
            return;
        };
        // Where the program ends, there is nothing left to write it down.
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let control = self.control.clone();
        let (actor, grant) = (self.actor.clone(), self.grant.clone());
        control.spawn(control.clone().visit_over(actor, grant, absence));
    }
}

impl ShellVisits {
    /// True while a socket of that grant is open.
    pub(super) fn is_in(&self, grant_id: &str) -> bool {
        let visits = self.visits();
        visits.get(grant_id).is_some_and(|visit| visit.sockets > 0)
    }

    /// Puts out whoever is in by that grant.
    pub(super) fn end(&self, grant_id: &str) {
        if let Some(visit) = self.visits().get(grant_id) {
            visit.ended.cancel();
        }
    }

    /// One more socket: what ends it, and whether the guest was away. None: there are too many.
    fn begin(&self, grant: &ShellGrantRow) -> Option<(CancellationToken, bool)> {
        let mut visits = self.visits();
        let own = visits.get(&grant.id).map_or(0, |visit| visit.sockets);
        let of_shell = visits
            .values()
            .filter(|visit| visit.shell_id == grant.shell_id);
        let all: usize = of_shell.map(|visit| visit.sockets).sum();
        if own >= GRANT_SOCKETS || all >= GUEST_SOCKETS {
            return None;
        }
        let is_first = !visits.contains_key(&grant.id);
        let visit = visits.entry(grant.id.clone()).or_insert_with(|| Visit {
            shell_id: grant.shell_id.clone(),
            began: Instant::now(),
            sockets: 0,
            absences: 0,
            ended: CancellationToken::new(),
        });
        visit.sockets += 1;
        Some((visit.ended.clone(), is_first))
    }

    /// One socket less; an absence when it was the last one.
    fn leave(&self, grant_id: &str) -> Option<Absence> {
        let mut visits = self.visits();
        let visit = visits.get_mut(grant_id)?;
        visit.sockets = visit.sockets.saturating_sub(1);
        if visit.sockets > 0 {
            return None;
        }
        visit.absences += 1;
        Some(Absence {
            number: visit.absences,
            wait: STAY.saturating_sub(visit.began.elapsed()).max(AWAY),
            ended: visit.ended.clone(),
        })
    }

    /// True when nobody has come since that absence: they have left.
    fn forget(&self, grant_id: &str, absence: u64) -> bool {
        let mut visits = self.visits();
        let visit = visits.get(grant_id);
        let is_over = visit.is_some_and(|visit| visit.sockets == 0 && visit.absences == absence);
        if is_over {
            visits.remove(grant_id);
        }
        is_over
    }

    fn visits(&self) -> MutexGuard<'_, HashMap<String, Visit>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use app::model::ShellMode;

    use super::*;

    fn grant(id: &str, shell_id: &str) -> ShellGrantRow {
        ShellGrantRow {
            id: id.to_owned(),
            shell_id: shell_id.to_owned(),
            vm_id: "v".into(),
            vm: "web1".into(),
            owner_id: "a".into(),
            owner: "ann".into(),
            user_id: "b".into(),
            user: "bob".into(),
            mode: ShellMode::Watch,
            created_at: 0,
        }
    }

    #[test]
    fn who_comes_back_soon_has_not_left() {
        let (visits, g) = (ShellVisits::default(), grant("g", "s"));
        let (_, is_first) = visits.begin(&g).unwrap();
        assert!(is_first && visits.is_in("g"));
        let absence = visits.leave("g").unwrap();
        assert!(!visits.is_in("g"));
        assert!(!visits.begin(&g).unwrap().1, "they were not away for long");
        assert!(!visits.forget("g", absence.number));
        let absence = visits.leave("g").unwrap();
        assert!(visits.forget("g", absence.number) && !visits.forget("g", absence.number));
        assert!(visits.begin(&g).unwrap().1);
    }

    #[test]
    fn who_comes_and_goes_all_the_time_is_told_of_once_a_minute() {
        let (visits, g) = (ShellVisits::default(), grant("g", "s"));
        visits.begin(&g).unwrap();
        let soon = visits.leave("g").unwrap();
        assert!(soon.wait > STAY - AWAY, "{soon:?}");
        let began = Instant::now().checked_sub(STAY * 2).unwrap();
        visits.visits().get_mut("g").unwrap().began = began;
        assert!(!visits.begin(&g).unwrap().1);
        assert_eq!(visits.leave("g").unwrap().wait, AWAY);
    }

    #[test]
    fn a_second_tab_is_the_same_guest_and_both_are_put_out() {
        let (visits, g) = (ShellVisits::default(), grant("g", "s"));
        let (first, _) = visits.begin(&g).unwrap();
        let (second, is_first) = visits.begin(&g).unwrap();
        assert!(!is_first);
        visits.end("g");
        assert!(first.is_cancelled() && second.is_cancelled());
        assert!(visits.leave("g").is_none());
        assert!(visits.leave("g").unwrap().ended.is_cancelled());
    }

    #[test]
    fn guests_leave_seats_for_each_other_and_for_the_owner() {
        let visits = ShellVisits::default();
        for number in 0..GUEST_SOCKETS / GRANT_SOCKETS {
            let g = grant(&number.to_string(), "s");
            for _ in 0..GRANT_SOCKETS {
                assert!(visits.begin(&g).is_some());
            }
            assert!(visits.begin(&g).is_none(), "one has so many");
        }
        assert!(visits.begin(&grant("late", "s")).is_none());
        assert!(visits.begin(&grant("late", "another")).is_some());
        assert!(visits.leave("0").is_none());
        assert!(visits.begin(&grant("late2", "s")).is_some());
    }
}

//! Containers that carry our label and that the database does not want. They go after a grace, but
//! never many at once, and never one that this server knows to have been wanted: then rather the
//! database is wrong. Pure.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

/// More than so many, and more than a tenth of what is there, are not removed but reported.
const MANY: usize = 5;
const PART: usize = 10;

/// What one node's unwanted containers look like over time.
pub struct OrphanWatch {
    /// How long an unwanted container is watched before it goes, µs.
    grace: i64,
    first_seen: HashMap<Uuid, i64>,
    /// Ids that were wanted in this run of the server, and were not deleted in it.
    wanted: HashSet<Uuid>,
    /// Deleted since the last judgement, for which the database was perhaps asked before that.
    deleted: HashSet<Uuid>,
    /// Ids that are to be made on another node, by this run of the server, and are not wanted here again.
    moved: HashSet<Uuid>,
}

/// What to do about them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Watched for longer than the grace, in the order of their ids.
    pub remove: Vec<Uuid>,
    /// Why some are left alone that ought to go; for the log and the admin.
    pub alarm: Option<String>,
}

impl OrphanWatch {
    /// `grace` in microseconds.
    pub fn new(grace: i64) -> Self {
        Self {
            grace,
            first_seen: HashMap::new(),
            wanted: HashSet::new(),
            deleted: HashSet::new(),
            moved: HashSet::new(),
        }
    }

    /// Forgets a VM that was deleted in the proper way: what is left of it may go.
    pub fn deleted(&mut self, id: Uuid) {
        self.wanted.remove(&id);
        self.deleted.insert(id);
    }

    /// Forgets an orphan that was removed. A list that was asked for before that may still name it: its grace
    /// begins anew then, so that it is not removed, and told of, twice.
    pub fn removed(&mut self, id: &Uuid) {
        self.first_seen.remove(id);
    }

    /// Notes a VM that is to be made on another node, and that nobody saw run here.
    pub fn moved(&mut self, id: Uuid) {
        self.moved.insert(id);
    }

    /// True for one that was noted so: where else it is, or is to be, says nothing for what is left of it here.
    pub fn has_moved(&self, id: &Uuid) -> bool {
        self.moved.contains(id)
    }

    /// Compares what is there with what the database wants. Call it only with true answers of both. `now`: by
    /// [`clock::steady`](crate::clock::steady), for a grace that a clock which jumps does not cut short.
    pub fn judge(&mut self, there: &[Uuid], wanted: &HashSet<Uuid>, now: i64) -> Verdict {
        let deleted = std::mem::take(&mut self.deleted);
        for id in wanted.difference(&deleted) {
            self.wanted.insert(*id);
            self.moved.remove(id);
        }
        let unwanted: HashSet<Uuid> = there
            .iter()
            .copied()
            .filter(|id| !wanted.contains(id))
            .collect();
        self.first_seen.retain(|id, _| unwanted.contains(id));
        for id in &unwanted {
            self.first_seen.entry(*id).or_insert(now);
        }
        let lost: Vec<Uuid> = unwanted
            .iter()
            .copied()
            .filter(|id| self.wanted.contains(id))
            .collect();
        if !lost.is_empty() {
            return Verdict::alarm(format!(
                "the database has lost {} of the VMs it had; their containers are left alone",
                lost.len()
            ));
        }
        if unwanted.len() > MANY && unwanted.len() * PART > there.len() {
            return Verdict::alarm(format!(
                "{} of {} containers are not in the database: too many at once, they are left alone",
                unwanted.len(),
                there.len()
            ));
        }
        let due = |id: &Uuid| {
            let first = self.first_seen.get(id);
            first.is_some_and(|at| now - at >= self.grace)
        };
        let mut remove: Vec<Uuid> = unwanted.into_iter().filter(due).collect();
        remove.sort_unstable();
        Verdict {
            remove,
            alarm: None,
        }
    }
}

impl Verdict {
    fn alarm(words: String) -> Self {
        Self {
            remove: Vec::new(),
            alarm: Some(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: i64 = 60_000_000;

    fn ids(range: std::ops::Range<u128>) -> Vec<Uuid> {
        range.map(Uuid::from_u128).collect()
    }

    #[test]
    fn an_orphan_goes_after_a_grace_and_not_before() {
        let mut watch = OrphanWatch::new(GRACE);
        let wanted = ids(0..3).into_iter().collect();
        assert_eq!(watch.judge(&ids(0..4), &wanted, 0), Verdict::default());
        assert_eq!(
            watch.judge(&ids(0..4), &wanted, GRACE - 1),
            Verdict::default()
        );
        assert_eq!(watch.judge(&ids(0..4), &wanted, GRACE).remove, ids(3..4));
    }

    #[test]
    fn one_that_is_wanted_meanwhile_begins_its_grace_anew() {
        let mut watch = OrphanWatch::new(GRACE);
        watch.judge(&ids(0..1), &HashSet::new(), 0);
        watch.judge(&ids(0..1), &ids(0..1).into_iter().collect(), GRACE / 2);
        watch.deleted(Uuid::from_u128(0));
        assert_eq!(
            watch.judge(&ids(0..1), &HashSet::new(), GRACE),
            Verdict::default()
        );
    }

    #[test]
    fn one_that_was_deleted_after_the_database_was_asked_is_not_taken_for_lost() {
        let mut watch = OrphanWatch::new(GRACE);
        let asked = ids(0..1).into_iter().collect();
        watch.judge(&ids(0..1), &asked, 0);
        watch.deleted(Uuid::from_u128(0));
        watch.judge(&ids(0..1), &asked, 1);
        let none = HashSet::new();
        assert_eq!(watch.judge(&ids(0..1), &none, 2), Verdict::default());
        let verdict = watch.judge(&ids(0..1), &none, 2 + GRACE);
        assert_eq!(verdict.remove, ids(0..1));
    }

    #[test]
    fn one_that_was_removed_is_not_removed_again_for_a_list_from_before() {
        let mut watch = OrphanWatch::new(GRACE);
        let (list, none) = (ids(0..1), HashSet::new());
        watch.judge(&list, &none, 0);
        assert_eq!(watch.judge(&list, &none, GRACE).remove, list);
        watch.removed(&list[0]);
        assert_eq!(watch.judge(&list, &none, GRACE + 1), Verdict::default());
        assert_eq!(watch.judge(&[], &none, 2 * GRACE + 1), Verdict::default());
    }

    #[test]
    fn one_that_moved_is_known_as_such_until_it_is_wanted_here_again() {
        let mut watch = OrphanWatch::new(GRACE);
        let (id, asked) = (Uuid::from_u128(0), ids(0..1).into_iter().collect());
        watch.moved(id);
        watch.deleted(id);
        watch.judge(&ids(0..1), &asked, 0);
        assert!(watch.has_moved(&id), "that was asked before it moved");
        watch.judge(&ids(0..1), &asked, 1);
        assert!(!watch.has_moved(&id));
    }

    #[test]
    fn an_empty_answer_of_the_database_removes_nothing() {
        let mut watch = OrphanWatch::new(GRACE);
        for now in [0, GRACE, 10 * GRACE] {
            let verdict = watch.judge(&ids(0..50), &HashSet::new(), now);
            assert!(verdict.remove.is_empty() && verdict.alarm.is_some());
        }
    }

    #[test]
    fn six_of_a_hundred_go_and_eleven_of_a_hundred_do_not() {
        let mut watch = OrphanWatch::new(GRACE);
        let wanted = ids(0..94).into_iter().collect();
        watch.judge(&ids(0..100), &wanted, 0);
        assert_eq!(watch.judge(&ids(0..100), &wanted, GRACE).remove.len(), 6);
        let mut watch = OrphanWatch::new(GRACE);
        let wanted = ids(0..89).into_iter().collect();
        watch.judge(&ids(0..100), &wanted, 0);
        assert!(watch.judge(&ids(0..100), &wanted, GRACE).alarm.is_some());
    }

    #[test]
    fn an_old_answer_that_lacks_a_vm_this_server_knew_removes_nothing() {
        let mut watch = OrphanWatch::new(GRACE);
        watch.judge(&ids(0..2), &ids(0..2).into_iter().collect(), 0);
        for now in [1, 2 * GRACE] {
            let verdict = watch.judge(&ids(0..2), &ids(0..1).into_iter().collect(), now);
            assert!(verdict.remove.is_empty() && verdict.alarm.is_some());
        }
        watch.deleted(Uuid::from_u128(1));
        watch.judge(&ids(0..2), &ids(0..1).into_iter().collect(), 3 * GRACE);
        let verdict = watch.judge(&ids(0..2), &ids(0..1).into_iter().collect(), 4 * GRACE + 1);
        assert_eq!(verdict.remove, ids(1..2));
    }
}

//! Who has which VM in hand, and what was tried. Pure but for being kept.

use std::{collections::HashMap, time::Duration};

use crate::{control::plan::Tries, db::vm::VmRow};

/// All VMs of a node that were ever in hand.
#[derive(Default)]
pub struct Duties {
    clock: u64,
    vms: HashMap<String, Duty>,
}

#[derive(Default)]
struct Duty {
    busy: bool,
    /// Somebody wanted it while it was in hand.
    again: bool,
    /// When it was let go last; what was read before that is old.
    done: u64,
    tries: Tries,
    /// A timer is set for then.
    timer: Option<i64>,
}

impl Duties {
    /// The next moment. Take one before reading what [`Duties::claim`] is to be based on.
    pub fn next(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// True when the VM is the caller's now, who read what it knows after `epoch`. If not, it is
    /// looked at once more when it is let go.
    pub fn claim(&mut self, vm_id: &str, epoch: u64) -> bool {
        let duty = self.vms.entry(vm_id.to_owned()).or_default();
        if duty.busy {
            duty.again = true;
            return false;
        }
        duty.busy = duty.done < epoch;
        duty.busy
    }

    /// Lets go of a VM; true when it should be looked at once more.
    pub fn release(&mut self, vm_id: &str) -> bool {
        let now = self.next();
        let Some(duty) = self.vms.get_mut(vm_id) else {
            return false;
        };
        duty.busy = false;
        duty.done = now;
        std::mem::take(&mut duty.again)
    }

    /// Has it looked at once more when it is let go.
    pub fn once_more(&mut self, vm_id: &str) {
        if let Some(duty) = self.vms.get_mut(vm_id) {
            duty.again = true;
        }
    }

    /// True when it is in hand, or was after `epoch`.
    pub fn newer(&self, vm_id: &str, epoch: u64) -> bool {
        self.vms
            .get(vm_id)
            .is_some_and(|duty| duty.busy || duty.done > epoch)
    }

    /// What was tried for the present generation of the row.
    pub fn tries(&mut self, vm_id: &str, generation: i64) -> Tries {
        self.tries_mut(vm_id, generation).clone()
    }

    /// The same, to be changed.
    pub fn tries_mut(&mut self, vm_id: &str, generation: i64) -> &mut Tries {
        let duty = self.vms.entry(vm_id.to_owned()).or_default();
        if duty.tries.generation != generation {
            duty.tries = Tries {
                generation,
                ..Tries::default()
            };
        }
        &mut duty.tries
    }

    /// How long until the VM is due again, if a time is set and no timer is for it yet.
    pub fn due(&mut self, row: &VmRow, now: i64) -> Option<Duration> {
        let duty = self.vms.get_mut(&row.id)?;
        let times = [Some(duty.tries.not_before), row.retry_at];
        let at = times.into_iter().flatten().filter(|at| *at > now).min()?;
        if duty.timer.is_some_and(|set| set <= at) {
            return None;
        }
        duty.timer = Some(at);
        u64::try_from(at - now).ok().map(Duration::from_micros)
    }

    /// The timer rang.
    pub fn rang(&mut self, vm_id: &str) {
        if let Some(duty) = self.vms.get_mut(vm_id) {
            duty.timer = None;
        }
    }

    /// Nothing waits for a better time any more.
    pub fn hurry(&mut self) {
        for duty in self.vms.values_mut() {
            duty.tries.not_before = 0;
        }
    }

    /// The VM is not this node's any more.
    pub fn forget(&mut self, vm_id: &str) {
        if self.vms.get(vm_id).is_some_and(|duty| !duty.busy) {
            self.vms.remove(vm_id);
        }
    }

    /// Keeps only VMs that are in hand, or that `wanted` knows.
    pub fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        self.vms.retain(|id, duty| duty.busy || wanted(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vm_is_in_one_pair_of_hands_and_is_looked_at_again_if_somebody_asked_meanwhile() {
        let mut duties = Duties::default();
        let first = duties.next();
        assert!(duties.claim("v", first));
        let second = duties.next();
        assert!(!duties.claim("v", second));
        assert!(duties.release("v"));
        let third = duties.next();
        assert!(duties.claim("v", third));
        assert!(!duties.release("v"));
    }

    #[test]
    fn what_was_read_before_the_last_act_is_of_no_use() {
        let mut duties = Duties::default();
        let old = duties.next();
        let new = duties.next();
        assert!(duties.claim("v", new));
        duties.release("v");
        assert!(!duties.claim("v", old));
        assert!(duties.newer("v", old));
    }

    #[test]
    fn what_was_tried_for_an_older_wish_does_not_count() {
        let mut duties = Duties::default();
        duties.tries_mut("v", 1).failures = 3;
        assert_eq!(duties.tries("v", 1).failures, 3);
        assert_eq!(duties.tries("v", 2).failures, 0);
    }

    #[test]
    fn one_timer_is_set_for_one_time() {
        let mut duties = Duties::default();
        let row = crate::control::testing::row();
        duties.tries_mut(&row.id, 1).not_before = 10;
        assert_eq!(duties.due(&row, 4), Some(Duration::from_micros(6)));
        assert_eq!(duties.due(&row, 5), None);
        duties.rang(&row.id);
        assert_eq!(duties.due(&row, 9), Some(Duration::from_micros(1)));
        assert_eq!(duties.due(&row, 10), None);
    }
}

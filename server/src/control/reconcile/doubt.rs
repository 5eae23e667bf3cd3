//! Containers that no row of their node stands for, and that are left alone all the same: it may be the database
//! that is wrong, because it was lost, or put back from an old copy. What is removed is gone with its files.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{Worker, lock};
use crate::{
    clock::SECOND,
    control::ControlError,
    db::{
        event::event_newest,
        vm::{DesiredState, vm_get_any, vm_owner_known},
    },
};

/// Why a container is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// Its owner was never a user here: another MiniCloud's on the same engine, or one of a database that was lost.
    Owner,
    /// Its VM was made before this server began, and never in this database, which is older than the VM.
    Vm,
    /// Its VM has a row, and is not on the node that this names: here may be all that is left of its files.
    Place,
}

impl Doubt {
    const ALL: [Self; 3] = [Self::Owner, Self::Vm, Self::Place];

    /// To follow "2 of 5 containers".
    fn words(self) -> &'static str {
        match self {
            Self::Owner => "have owners this database never knew",
            Self::Vm => "are of VMs this database never knew",
            Self::Place => "are of VMs this database has elsewhere, where they are not",
        }
    }
}

impl Worker {
    /// Those of `there` (each VM with its owner) that are neither wanted nor to be removed.
    pub(super) async fn doubts(
        &self,
        there: &[(Uuid, Uuid)],
        wanted: &HashSet<Uuid>,
    ) -> Result<HashMap<Uuid, Doubt>, ControlError> {
        let mut owners = HashMap::new();
        let mut doubts = HashMap::new();
        let may_be = |id: &Uuid| !wanted.contains(id) && !lock(&self.orphans).has_moved(id);
        for (id, owner) in there.iter().filter(|(id, _)| may_be(id)) {
            let is_known = match owners.get(owner) {
                Some(is_known) => *is_known,
                None => vm_owner_known(&self.control.0.db, &owner.to_string()).await?,
            };
            owners.insert(*owner, is_known);
            let doubt = match is_known {
                true => self.doubt(*id).await?,
                false => Some(Doubt::Owner),
            };
            if let Some(doubt) = doubt {
                doubts.insert(*id, doubt);
            }
        }
        Ok(doubts)
    }

    /// Why a container of an owner who is known is left alone; None for one that may go.
    async fn doubt(&self, id: Uuid) -> Result<Option<Doubt>, ControlError> {
        let control = &self.control.0;
        let vm_id = id.to_string();
        if let Some(row) = vm_get_any(&control.db, &vm_id).await? {
            let node = row.node_id.as_deref();
            let is_there = node.is_some_and(|node| control.fleet.get(node, id).is_some());
            let may_go = is_there || row.desired == DesiredState::Deleted;
            return Ok((!may_go).then_some(Doubt::Place));
        }
        // A VM is made with an event, and events stay.
        let is_older = made_at(id).is_some_and(|at| at < control.began);
        let is_new_here = is_older && event_newest(&control.db, &vm_id).await?.is_none();
        Ok(is_new_here.then_some(Doubt::Vm))
    }
}

/// What is told of `doubts`, of so many containers on the node; None where there are none.
pub(super) fn alarm(doubts: &HashMap<Uuid, Doubt>, all: usize) -> Option<String> {
    let said = Doubt::ALL.into_iter().filter_map(|doubt| {
        let count = doubts.values().filter(|found| **found == doubt).count();
        (count > 0).then(|| format!("{count} of {all} containers {}", doubt.words()))
    });
    let said: Vec<String> = said.collect();
    (!said.is_empty()).then(|| format!("{}; they are left alone", said.join(", ")))
}

/// When a VM was asked for, in microseconds since the Unix epoch, as its id says. None: no MiniCloud made that id.
fn made_at(id: Uuid) -> Option<i64> {
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    let seconds = i64::try_from(seconds).ok()?.checked_mul(SECOND)?;
    seconds.checked_add(i64::from(nanos / 1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn an_id_tells_when_its_vm_was_asked_for() {
        let (before, id, after) = (clock::now(), Uuid::now_v7(), clock::now());
        let at = made_at(id).unwrap();
        // To the millisecond.
        assert!((before - 1000..=after).contains(&at), "{at}");
        assert_eq!(made_at(Uuid::from_u128(7)), None);
    }

    #[test]
    fn what_is_left_alone_is_told_by_its_kinds() {
        let doubts = [Doubt::Vm, Doubt::Owner, Doubt::Vm];
        let doubts = (0..).map(Uuid::from_u128).zip(doubts).collect();
        let words = "1 of 9 containers have owners this database never knew, \
                     2 of 9 containers are of VMs this database never knew; they are left alone";
        assert_eq!(alarm(&doubts, 9).as_deref(), Some(words));
        assert_eq!(alarm(&HashMap::new(), 9), None);
    }
}

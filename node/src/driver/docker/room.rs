//! The node's memory promise: the VMs of this node never have more memory than it has, however many
//! creates come at once.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use node_api::{error::NodeErrorCode, vm::VmReport};
use uuid::Uuid;

use crate::driver::DriverError;

/// The memory that each VM of this node was promised.
#[derive(Default)]
pub(super) struct Room(Mutex<Ledger>);

#[derive(Default)]
struct Ledger {
    /// Memory promised to each VM in MiB, and since when the ledger has it.
    promised: HashMap<Uuid, (u32, Instant)>,
    /// The engine's VMs have been read once.
    loaded: bool,
}

impl Room {
    /// Promises memory to a VM, or refuses. True where the VM had no promise before.
    pub(super) fn promise(&self, id: Uuid, mib: u32, capacity: u32) -> Result<bool, DriverError> {
        let mut ledger = self.lock();
        if ledger.promised.contains_key(&id) {
            return Ok(false);
        }
        let sum: u32 = ledger.promised.values().map(|(mib, _)| mib).sum();
        if sum.saturating_add(mib) > capacity {
            return Err(DriverError::new(
                NodeErrorCode::NoRoom,
                format!(
                    "{sum} MiB of this node's {capacity} MiB are promised; {mib} MiB more do not fit"
                ),
            ));
        }
        ledger.promised.insert(id, (mib, Instant::now()));
        Ok(true)
    }

    /// The VM is gone, or was never made.
    pub(super) fn release(&self, id: Uuid) {
        self.lock().promised.remove(&id);
    }

    /// Takes over what the engine had at `since`; promises made after that stay.
    pub(super) fn reconcile(&self, vms: &[VmReport], since: Instant) {
        let mut ledger = self.lock();
        ledger.loaded = true;
        ledger.promised.retain(|_, (_, at)| *at >= since);
        for vm in vms {
            ledger
                .promised
                .entry(vm.spec.id)
                .or_insert((vm.spec.memory_mib, since));
        }
    }

    /// False until the engine's VMs were read once; a promise before that could be one too many.
    pub(super) fn is_loaded(&self) -> bool {
        self.lock().loaded
    }

    /// VMs with a promise: those there are, and those being made.
    pub(super) fn vms(&self) -> usize {
        self.lock().promised.len()
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_what_fits_is_promised() {
        let room = Room::default();
        let good = (0..100)
            .filter(|i| room.promise(Uuid::from_u128(*i), 100, 1050).is_ok())
            .count();
        assert_eq!(good, 10);
    }

    #[test]
    fn a_repeat_takes_no_more_room_and_a_release_gives_it_back() {
        let room = Room::default();
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert!(room.promise(a, 100, 100).expect("fits"));
        assert!(!room.promise(a, 100, 100).expect("known"));
        assert!(room.promise(b, 100, 100).is_err());
        room.release(a);
        assert!(room.promise(b, 100, 100).expect("fits"));
    }

    #[test]
    fn a_list_that_began_before_a_promise_does_not_take_it_back() {
        let room = Room::default();
        let before = Instant::now();
        room.promise(Uuid::from_u128(1), 100, 100).expect("fits");
        room.reconcile(&[], before);
        assert_eq!(room.vms(), 1);
        room.reconcile(&[], Instant::now());
        assert_eq!(room.vms(), 0);
    }
}

//! Where shells are kept, by id, and how many there may be.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use node_api::error::NodeErrorCode;
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::{
    driver::DriverError,
    shell::{
        limits::ShellLimits,
        session::{Shell, lock},
    },
};

/// A shell, or the place of one that is being made.
pub struct Place {
    vm_id: Uuid,
    shell: OnceCell<Arc<Shell>>,
}

impl Place {
    /// The shell here, made if there is none. Callers that come at once make one together.
    pub async fn get_or_make<F>(&self, make: impl FnOnce() -> F) -> Result<Arc<Shell>, DriverError>
    where
        F: Future<Output = Result<Arc<Shell>, DriverError>>,
    {
        self.shell.get_or_try_init(make).await.cloned()
    }

    fn lives(&self) -> bool {
        self.shell.get().is_none_or(|shell| shell.end().is_none())
    }
}

/// The places of a node.
#[derive(Default)]
pub struct Places(Mutex<HashMap<Uuid, Arc<Place>>>);

impl Places {
    pub fn get(&self, id: Uuid) -> Option<Arc<Shell>> {
        lock(&self.0).get(&id)?.shell.get().cloned()
    }

    /// Whether there is such a shell, or one is being made.
    pub fn has(&self, id: Uuid) -> bool {
        lock(&self.0).contains_key(&id)
    }

    pub fn shells(&self) -> Vec<Arc<Shell>> {
        let places = lock(&self.0);
        let shells = places.values().filter_map(|place| place.shell.get());
        shells.cloned().collect()
    }

    pub fn forget(&self, id: Uuid) {
        lock(&self.0).remove(&id);
    }

    /// A shell that is there already.
    pub fn put(&self, shell: Arc<Shell>) {
        let (id, vm_id) = (shell.id, shell.vm_id);
        let shell = OnceCell::new_with(Some(shell));
        lock(&self.0).insert(id, Arc::new(Place { vm_id, shell }));
    }

    /// The place for a shell: the one it has, or a new one if there is room.
    pub fn take(
        &self,
        vm_id: Uuid,
        id: Uuid,
        limits: &ShellLimits,
    ) -> Result<Arc<Place>, DriverError> {
        let mut places = lock(&self.0);
        if let Some(place) = places.get(&id) {
            if place.vm_id == vm_id {
                return Ok(place.clone());
            }
            let message = format!("shell {id} belongs to another VM; choose another id");
            return Err(DriverError::new(NodeErrorCode::Conflict, message));
        }
        check_room(&places, vm_id, limits)?;
        forget_ended(&mut places, vm_id, limits.ended_per_vm);
        let place = Arc::new(Place {
            vm_id,
            shell: OnceCell::new(),
        });
        places.insert(id, place.clone());
        Ok(place)
    }

    /// Frees the place of a shell that could not be made, unless somebody else is making it there.
    pub fn give_up(&self, id: Uuid, place: &Arc<Place>) {
        let mut places = lock(&self.0);
        let here = places
            .get(&id)
            .is_some_and(|there| Arc::ptr_eq(there, place));
        // The map has one and the caller one.
        if here && place.shell.get().is_none() && Arc::strong_count(place) <= 2 {
            places.remove(&id);
        }
    }
}

fn check_room(
    places: &HashMap<Uuid, Arc<Place>>,
    vm_id: Uuid,
    limits: &ShellLimits,
) -> Result<(), DriverError> {
    let living = || places.values().filter(|place| place.lives());
    let of_vm = living().filter(|place| place.vm_id == vm_id).count();
    if of_vm >= limits.shells_per_vm {
        let message = format!("this VM has {of_vm} shells already; close one of them first");
        return Err(DriverError::new(NodeErrorCode::TooMany, message));
    }
    if living().count() >= limits.shells {
        let message = "this node has no room for another shell; try again later";
        return Err(DriverError::new(NodeErrorCode::TooMany, message));
    }
    Ok(())
}

/// Somebody may open shells that end at once, again and again: only the newest ended ones of a VM
/// are kept for their viewers.
fn forget_ended(places: &mut HashMap<Uuid, Arc<Place>>, vm_id: Uuid, keep: usize) {
    let ended = |place: &Arc<Place>| {
        let shell = place.shell.get().filter(|shell| shell.vm_id == vm_id)?;
        shell.end().map(|(_, since)| since)
    };
    let mut since: Vec<_> = places.values().filter_map(ended).collect();
    since.sort_unstable();
    if let Some(oldest_kept) = since.get(keep) {
        places.retain(|_, place| ended(place).is_none_or(|since| since < *oldest_kept));
    }
}

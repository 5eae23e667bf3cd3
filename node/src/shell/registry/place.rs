//! Where shells are kept, by id, and how many there may be.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
};

use node_api::error::NodeErrorCode;
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::{
    driver::DriverError,
    hold::wire::Held,
    shell::{
        limits::ShellLimits,
        session::{End, Shell, lock},
    },
};

/// Shells that were lost and are forgotten, of which it is still known why.
const LOST_KEPT: usize = 1_000;

/// A shell, or the place of one that is being made, or that the holder has and the node not yet.
pub struct Place {
    vm_id: Uuid,
    shell: OnceCell<Arc<Shell>>,
    held: Option<Held>,
}

impl Place {
    /// What the holder says of a shell that is still to be taken up.
    pub fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    /// The shell here, made if there is none. Callers that come at once make one together.
    pub async fn get_or_make<F>(&self, make: impl FnOnce() -> F) -> Result<Arc<Shell>, DriverError>
    where
        F: Future<Output = Result<Arc<Shell>, DriverError>>,
    {
        self.shell.get_or_try_init(make).await.cloned()
    }

    fn of(shell: Arc<Shell>) -> Self {
        Self {
            vm_id: shell.vm_id,
            shell: OnceCell::new_with(Some(shell)),
            held: None,
        }
    }

    fn lives(&self) -> bool {
        self.shell.get().is_none_or(|shell| shell.end().is_none())
    }
}

/// The places of a node.
#[derive(Default)]
pub struct Places {
    all: Mutex<HashMap<Uuid, Arc<Place>>>,
    /// Why, the newest last.
    lost: Mutex<VecDeque<(Uuid, String)>>,
}

impl Places {
    /// None also while it is being made or taken up.
    pub fn get(&self, id: Uuid) -> Option<Arc<Shell>> {
        lock(&self.all).get(&id)?.shell.get().cloned()
    }

    /// Whether there is such a shell, or one is being made or taken up.
    pub fn has(&self, id: Uuid) -> bool {
        lock(&self.all).contains_key(&id)
    }

    /// Ended ones that are kept, too.
    pub fn shells(&self) -> Vec<Arc<Shell>> {
        self.shells_and_held().0
    }

    /// The shells, and those that are still to be taken up; each is in one of the two.
    pub fn shells_and_held(&self) -> (Vec<Arc<Shell>>, Vec<Held>) {
        let places = lock(&self.all);
        let shells = places.values().filter_map(|place| place.shell.get());
        let held = places.values().filter_map(|place| place.held());
        (shells.cloned().collect(), held.cloned().collect())
    }

    /// Frees its place. The shell itself is not ended by this.
    pub fn forget(&self, id: Uuid) {
        lock(&self.all).remove(&id);
    }

    /// Forgets one that has ended, but not why it was lost.
    pub fn let_go(&self, id: Uuid, end: End) {
        if let End::Lost(why) = end {
            let mut lost = lock(&self.lost);
            if lost.len() >= LOST_KEPT {
                lost.pop_front();
            }
            lost.push_back((id, why));
        }
        self.forget(id);
    }

    /// Why a shell that is forgotten was lost.
    pub fn why_lost(&self, id: Uuid) -> Option<String> {
        let lost = lock(&self.lost);
        let found = lost.iter().rev().find(|(of, _)| *of == id);
        found.map(|(_, why)| why.clone())
    }

    /// A shell that is there already.
    pub fn put(&self, shell: Arc<Shell>) {
        lock(&self.all).insert(shell.id, Arc::new(Place::of(shell)));
    }

    /// The place of a shell that is to be taken up. False where it has one already.
    pub fn await_held(&self, held: &Held) -> bool {
        let mut places = lock(&self.all);
        if places.contains_key(&held.shell) {
            return false;
        }
        let place = Place {
            vm_id: held.vm_id,
            shell: OnceCell::new(),
            held: Some(held.clone()),
        };
        places.insert(held.shell, Arc::new(place));
        true
    }

    /// What the holder says of a shell that is still to be taken up.
    pub fn awaited(&self, id: Uuid) -> Option<Held> {
        lock(&self.all).get(&id)?.held.clone()
    }

    /// A shell has been taken up. False where nobody waits for it any more: it was closed meanwhile.
    pub fn arrived(&self, shell: Arc<Shell>) -> bool {
        let mut places = lock(&self.all);
        let awaited = places
            .get(&shell.id)
            .is_some_and(|place| place.held.is_some());
        if awaited {
            places.insert(shell.id, Arc::new(Place::of(shell)));
        }
        awaited
    }

    /// The place for a shell: the one it has, or a new one if there is room.
    pub fn take(
        &self,
        vm_id: Uuid,
        id: Uuid,
        limits: &ShellLimits,
    ) -> Result<Arc<Place>, DriverError> {
        let mut places = lock(&self.all);
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
            held: None,
        });
        places.insert(id, place.clone());
        Ok(place)
    }

    /// Frees the place of a shell that could not be made, unless somebody else is making it there.
    pub fn give_up(&self, id: Uuid, place: &Arc<Place>) {
        let mut places = lock(&self.all);
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
    let ended = |(id, place): (&Uuid, &Arc<Place>)| {
        let shell = place.shell.get().filter(|shell| shell.vm_id == vm_id)?;
        shell.end().map(|(_, since)| (since, *id))
    };
    let mut since: Vec<_> = places.iter().filter_map(ended).collect();
    since.sort_unstable();
    for (_, id) in since.into_iter().skip(keep) {
        places.remove(&id);
    }
}

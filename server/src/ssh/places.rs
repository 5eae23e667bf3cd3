//! How many may be connected: all together, and of one address before they have signed in.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::auth::network;

/// Connections of all.
const ALL: usize = 2_048;
/// Connections of one address that have not signed in.
const GUESTS: usize = 10;
/// How long one more waits for its turn: forty people behind one address may press Enter at once.
const WAIT: Duration = Duration::from_secs(5);

/// A place, given back when it is dropped.
pub type Place = OwnedSemaphorePermit;

pub struct Places {
    all: Arc<Semaphore>,
    /// By address, of those that have guests.
    guests: Mutex<HashMap<IpAddr, Arc<Semaphore>>>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(ALL)),
            guests: Mutex::default(),
        }
    }
}

impl Places {
    /// None: there are too many.
    pub fn connection(&self) -> Option<Place> {
        self.all.clone().try_acquire_owned().ok()
    }

    /// A place among those of this address who have not signed in; None when none is free for long.
    pub async fn guest(&self, address: IpAddr) -> Option<Place> {
        let own = self.own(network(address));
        timeout(WAIT, own.acquire_owned()).await.ok()?.ok()
    }

    fn own(&self, address: IpAddr) -> Arc<Semaphore> {
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        // A semaphore that somebody else holds or waits for stays.
        guests.retain(|_, places| Arc::strong_count(places) > 1);
        guests
            .entry(address)
            .or_insert_with(|| Arc::new(Semaphore::new(GUESTS)))
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_has_its_places_and_gets_them_back() {
        let places = Places::default();
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let mut held = Vec::new();
        for _ in 0..GUESTS {
            held.push(places.guest(one).await.unwrap());
        }
        assert_eq!(places.own(one).available_permits(), 0);
        assert!(places.guest(other).await.is_some());
        held.pop();
        assert!(places.guest(one).await.is_some());
        drop(held);
        drop(places.guest(other).await.unwrap());
        assert_eq!(
            places.guests.lock().unwrap().len(),
            1,
            "nothing is kept of who has gone"
        );
    }
}

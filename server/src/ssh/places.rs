//! How many may be connected: all together, of one address before they have signed in, of one user
//! after that.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::auth::network;

/// Connections of all, those that have not signed in among them.
const ALL: usize = 1_024;
/// Connections of one address that have not signed in.
const GUESTS: usize = 10;
/// Connections of one address that wait to be such a guest: forty people behind one address may press
/// Enter at once.
const WAITING: usize = 40;
/// How long one waits for its turn.
const WAIT: Duration = Duration::from_secs(5);
/// Connections of one user.
const USER: usize = 64;

/// A place, given back when it is dropped.
pub type Place = OwnedSemaphorePermit;

pub struct Places {
    all: Arc<Semaphore>,
    /// By address, of those that have some.
    waiting: Shares<IpAddr>,
    guests: Shares<IpAddr>,
    /// By user id.
    users: Shares<String>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(ALL)),
            waiting: Shares::new(WAITING),
            guests: Shares::new(GUESTS),
            users: Shares::new(USER),
        }
    }
}

impl Places {
    /// A place among those of this address who wait; None when too many do. At once.
    pub fn waiting(&self, address: IpAddr) -> Option<Place> {
        let own = self.waiting.of(network(address));
        own.try_acquire_owned().ok()
    }

    /// A place among those of this address who have not signed in, and one among all; None when there
    /// is none for long.
    pub async fn guest(&self, address: IpAddr) -> Option<(Place, Place)> {
        let own = self.guests.of(network(address));
        let own = timeout(WAIT, own.acquire_owned()).await.ok()?.ok()?;
        Some((own, self.all.clone().try_acquire_owned().ok()?))
    }

    /// A place among those of a user; None when there are too many.
    pub fn user(&self, user_id: &str) -> Option<Place> {
        let own = self.users.of(user_id.to_owned());
        own.try_acquire_owned().ok()
    }
}

/// An equal share for each.
struct Shares<K> {
    each: usize,
    held: Mutex<HashMap<K, Arc<Semaphore>>>,
}

impl<K: Eq + Hash> Shares<K> {
    fn new(each: usize) -> Self {
        Self {
            each,
            held: Mutex::default(),
        }
    }

    fn of(&self, key: K) -> Arc<Semaphore> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        // A semaphore that somebody else holds or waits for stays.
        held.retain(|_, places| Arc::strong_count(places) > 1);
        held.entry(key)
            .or_insert_with(|| Arc::new(Semaphore::new(self.each)))
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
        assert_eq!(places.guests.of(one).available_permits(), 0);
        assert!(places.guest(other).await.is_some());
        held.pop();
        assert!(places.guest(one).await.is_some());
        drop(held);
        drop(places.guest(other).await.unwrap());
        let kept = places.guests.held.lock().unwrap().len();
        assert_eq!(kept, 1, "nothing is kept of who has gone");
    }

    #[tokio::test]
    async fn who_waits_takes_no_place_of_others_and_a_user_has_a_share() {
        let places = Places::default();
        let address = IpAddr::from([10, 0, 0, 1]);
        let held: Vec<_> = (0..WAITING)
            .map(|_| places.waiting(address).unwrap())
            .collect();
        assert!(places.waiting(address).is_none());
        assert_eq!(places.all.available_permits(), ALL);
        drop(held);
        assert!(places.waiting(address).is_some());
        let held: Vec<_> = (0..USER).map(|_| places.user("ann").unwrap()).collect();
        assert!(places.user("ann").is_none() && places.user("bob").is_some());
        drop(held);
    }
}

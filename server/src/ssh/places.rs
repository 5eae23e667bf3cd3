//! How many may be connected: all together, those who have not signed in among them, of one address before
//! that, and of one user after it.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
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
/// Connections that have not signed in: so few that those who have keep most of the places, whoever else comes.
const GUESTS: Limits = Limits {
    network: 10,
    site: 64,
    all: 256,
};
/// Connections that wait to be such a guest: forty people behind one address may press Enter at once.
const WAITING: Limits = Limits {
    network: 40,
    site: 160,
    all: 1_024,
};
/// How long one waits for its turn.
const WAIT: Duration = Duration::from_secs(5);
/// Connections of one user.
const USER: usize = 64;

/// A place, given back when it is dropped.
pub type Place = OwnedSemaphorePermit;
/// A place among those of its network, of its site and of all.
pub type Share = [Place; 3];

/// All places of the gateway; one for the whole server.
pub struct Places {
    all: Arc<Semaphore>,
    waiting: Strangers,
    guests: Strangers,
    /// By user id.
    users: Shares<String>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(ALL)),
            waiting: Strangers::new(WAITING),
            guests: Strangers::new(GUESTS),
            users: Shares::new(USER),
        }
    }
}

impl Places {
    /// A place among those who wait; None when too many do. At once.
    pub fn waiting(&self, address: IpAddr) -> Option<Share> {
        self.waiting.at_once(address)
    }

    /// A place among those who have not signed in, and one among all; None when there is none for long.
    pub async fn guest(&self, address: IpAddr) -> Option<(Share, Place)> {
        let share = timeout(WAIT, self.guests.in_turn(address)).await.ok()??;
        Some((share, self.all.clone().try_acquire_owned().ok()?))
    }

    /// A place among those of a user; None when there are too many.
    pub fn user(&self, user_id: &str) -> Option<Place> {
        let own = self.users.of(user_id.to_owned());
        own.try_acquire_owned().ok()
    }
}

/// How many places strangers have.
#[derive(Clone, Copy)]
struct Limits {
    /// Those of one IPv4 address, or of one IPv6 network of 64 bits.
    network: usize,
    /// Those of one IPv6 site of 48 bits, which has 65,536 such networks.
    site: usize,
    all: usize,
}

/// The places of those who have not said who they are.
struct Strangers {
    /// By address, of those that have some.
    networks: Shares<IpAddr>,
    sites: Shares<IpAddr>,
    all: Arc<Semaphore>,
}

impl Strangers {
    fn new(limits: Limits) -> Self {
        Self {
            networks: Shares::new(limits.network),
            sites: Shares::new(limits.site),
            all: Arc::new(Semaphore::new(limits.all)),
        }
    }

    /// A place for somebody from there, if there is one now.
    fn at_once(&self, address: IpAddr) -> Option<Share> {
        let [network, site, all] = self.of(address);
        Some([
            network.try_acquire_owned().ok()?,
            site.try_acquire_owned().ok()?,
            all.try_acquire_owned().ok()?,
        ])
    }

    /// A place for somebody from there, as soon as there is one.
    async fn in_turn(&self, address: IpAddr) -> Option<Share> {
        let [network, site, all] = self.of(address);
        Some([
            network.acquire_owned().await.ok()?,
            site.acquire_owned().await.ok()?,
            all.acquire_owned().await.ok()?,
        ])
    }

    /// Where somebody from there needs a place: in its network, in its site, among all.
    fn of(&self, address: IpAddr) -> [Arc<Semaphore>; 3] {
        let network = network(address);
        [
            self.networks.of(network),
            self.sites.of(site(network)),
            self.all.clone(),
        ]
    }
}

/// The first 48 bits of an IPv6 address; all of an IPv4 address.
fn site(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
        address => address,
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
        for _ in 0..GUESTS.network {
            held.push(places.guest(one).await.unwrap());
        }
        assert_eq!(places.guests.networks.of(one).available_permits(), 0);
        assert!(places.guest(other).await.is_some());
        held.pop();
        assert!(places.guest(one).await.is_some());
        drop(held);
        drop(places.guest(other).await.unwrap());
        let kept = places.guests.networks.held.lock().unwrap().len();
        assert_eq!(kept, 1, "nothing is kept of who has gone");
    }

    #[tokio::test]
    async fn who_waits_takes_no_place_of_others_and_a_user_has_a_share() {
        let places = Places::default();
        let address = IpAddr::from([10, 0, 0, 1]);
        let held: Vec<_> = (0..WAITING.network)
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

    /// An address in one of the networks of 64 bits of a site.
    fn of_site(site: u16, network: u16) -> IpAddr {
        IpAddr::from([0x2001, 0xdb8, site, network, 0, 0, 0, 1])
    }

    #[tokio::test]
    async fn strangers_with_many_networks_leave_places_to_others() {
        let places = Places::default();
        let guests: Vec<_> = (0..=255)
            .filter_map(|network| places.guests.at_once(of_site(1, network)))
            .collect();
        assert_eq!(guests.len(), GUESTS.site);
        let waiting: Vec<_> = (0..=255)
            .flat_map(|network| [of_site(1, network); 2])
            .filter_map(|address| places.waiting(address))
            .collect();
        assert_eq!(waiting.len(), WAITING.site);
        for other in [of_site(2, 0), IpAddr::from([10, 0, 0, 1])] {
            assert!(places.waiting(other).is_some());
            assert!(places.guest(other).await.is_some());
        }
    }

    #[tokio::test]
    async fn strangers_never_have_the_places_of_those_who_signed_in() {
        let places = Places::default();
        let mut held = Vec::new();
        for site in 0..256 {
            held.push(places.guest(of_site(site, 0)).await.unwrap());
        }
        assert_eq!(held.len(), GUESTS.all);
        assert!(places.guests.at_once(of_site(999, 0)).is_none());
        assert_eq!(places.all.available_permits(), ALL - GUESTS.all);
        // One of them signs in, and another may come.
        let (guest, _signed_in) = held.pop().unwrap();
        drop(guest);
        assert!(places.guest(of_site(999, 0)).await.is_some());
    }
}

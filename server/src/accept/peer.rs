//! How many connections one address may have: else a single one could take every place there is.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Connections of one address at once. A classroom behind one address has some ten a person.
const EACH: usize = 1_024;

/// Counts connections by address; cheap to clone.
#[derive(Clone, Default)]
pub struct Peers {
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
    /// Addresses that speak for many: proxies that are trusted.
    many: Arc<[IpAddr]>,
}

/// A connection that counts until it is dropped.
pub struct Place {
    peers: Peers,
    address: IpAddr,
}

impl Peers {
    /// Connections of `trusted_proxies` are not counted: each of them speaks for many.
    pub fn new(trusted_proxies: &[IpAddr]) -> Self {
        Self {
            open: Arc::default(),
            many: trusted_proxies.iter().map(IpAddr::to_canonical).collect(),
        }
    }

    /// A place for one more of this address; None when it has its share. This machine itself, and
    /// proxies that are trusted, are not counted.
    pub fn take(&self, peer: IpAddr) -> Option<Place> {
        let address = household(peer.to_canonical());
        let place = Place {
            peers: self.clone(),
            address,
        };
        let mut open = self.lock();
        let count = open.entry(address).or_default();
        *count += 1;
        let fits =
            *count <= EACH || address.is_loopback() || self.many.contains(&peer.to_canonical());
        // Dropping the place takes the lock again.
        drop(open);
        fits.then_some(place)
    }

    /// Connections of that address now.
    #[cfg(test)]
    pub fn count(&self, peer: IpAddr) -> usize {
        let address = household(peer.to_canonical());
        self.lock().get(&address).copied().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.peers.lock();
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// Whoever has an IPv6 address has the whole /64 around it.
fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_has_its_share_and_leaves_the_others_theirs() {
        let peers = Peers::new(&[address("192.0.2.9")]);
        let own = address("192.0.2.1");
        let mut held: Vec<_> = (0..EACH).map(|_| peers.take(own).unwrap()).collect();
        assert!(peers.take(own).is_none());
        assert!(peers.take(address("::ffff:192.0.2.1")).is_none());
        assert!(peers.take(address("192.0.2.2")).is_some());
        held.pop();
        assert!(peers.take(own).is_some());
        held.clear();
        assert!(peers.lock().is_empty(), "nothing is kept of who has gone");
    }

    #[test]
    fn a_household_of_ipv6_is_one_and_proxies_and_this_machine_are_not_counted() {
        let peers = Peers::new(&[address("192.0.2.9")]);
        let held: Vec<_> = (0..EACH as u128)
            .map(|at| IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8 << 96) | at)))
            .map(|address| peers.take(address).unwrap())
            .collect();
        assert!(peers.take(address("2001:db8::ffff:1")).is_none());
        assert!(peers.take(address("2001:db8:0:1::1")).is_some());
        drop(held);
        for many in ["192.0.2.9", "127.0.0.1", "::1"] {
            let held: Vec<_> = (0..=EACH).map(|_| peers.take(address(many))).collect();
            assert!(held.iter().all(Option::is_some), "{many}");
        }
    }
}

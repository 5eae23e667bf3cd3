//! Slows down guessing, and locks nobody out.
//!
//! Two counts. Failures of one account from one address: after three, each next one doubles the
//! wait, up to five minutes; an attacker elsewhere does not touch the owner's count. And failures
//! of one address over all accounts: 60 at once and one more a second, which a class of 40 behind
//! one address does not reach; who has signed in from that address before is not held up by it.
//!
//! An attempt counts as failed from its beginning until it succeeds, so that a thousand at once
//! are not a thousand guesses. Kept in memory: a restart forgives.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::clock::SECOND;

/// Failures of an account from an address that cost no wait.
const FREE: u32 = 3;
/// The longest wait.
const WAIT_MAX: i64 = 300 * SECOND;
/// A count is forgotten this long after the last attempt.
const FORGET: i64 = 900 * SECOND;
/// Failures an address may have at once over all accounts, and how fast it gets one back.
const LOGIN: Budget = Budget {
    size: 60,
    refill: SECOND,
};
/// Accounts an address may make at once: a class, and then one every ten seconds.
const REGISTER: Budget = Budget {
    size: 60,
    refill: 10 * SECOND,
};
/// Entries kept of each kind; beyond that the oldest half is forgotten.
const ENTRIES_MAX: usize = 20_000;

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Throttle(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    pairs: HashMap<(String, IpAddr), Failures>,
    logins: HashMap<IpAddr, Bucket>,
    registers: HashMap<IpAddr, Bucket>,
}

struct Failures {
    count: u32,
    /// No attempt is let through before.
    until: i64,
    last: i64,
}

#[derive(Clone, Copy)]
struct Budget {
    size: i64,
    /// Microseconds until one comes back.
    refill: i64,
}

/// A budget that is partly used; full again at `full_at`.
struct Bucket {
    full_at: i64,
}

/// An attempt that was let through: failed, unless it is said to have ended otherwise.
#[must_use]
pub struct Attempt {
    throttle: Throttle,
    account: String,
    network: IpAddr,
    paid: bool,
}

impl Throttle {
    /// Lets an attempt through, or says how many seconds to wait. `known`: the account has signed
    /// in from this address before.
    pub fn login(
        &self,
        account: &str,
        address: IpAddr,
        known: bool,
        now: i64,
    ) -> Result<Attempt, u64> {
        let network = network(address);
        let mut counts = self.counts();
        let key = (account.to_owned(), network);
        if let Some(failures) = counts.pairs.get(&key)
            && now < failures.until
        {
            return Err(seconds(failures.until - now));
        }
        if !known {
            take(&mut counts.logins, network, LOGIN, now)?;
        }
        bounded(&mut counts.pairs, |failures| failures.last, now - FORGET);
        let failures = counts.pairs.entry(key).or_insert(Failures {
            count: 0,
            until: 0,
            last: now,
        });
        if now - failures.last > FORGET {
            failures.count = 0;
        }
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
        failures.until = now + wait(failures.count);
        drop(counts);
        Ok(Attempt {
            throttle: self.clone(),
            account: account.to_owned(),
            network,
            paid: !known,
        })
    }

    /// Lets an address make one more account, or says how many seconds to wait.
    pub fn register(&self, address: IpAddr, now: i64) -> Result<(), u64> {
        take(
            &mut self.counts().registers,
            network(address),
            REGISTER,
            now,
        )
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    /// It was right: nothing is held against the account here any more.
    pub fn succeeded(self) {
        let mut counts = self.throttle.counts();
        counts.pairs.remove(&(self.account.clone(), self.network));
        self.give_back(&mut counts);
    }

    /// It was neither right nor wrong: the server could not tell.
    pub fn undone(self) {
        let mut counts = self.throttle.counts();
        if let Some(failures) = counts.pairs.get_mut(&(self.account.clone(), self.network)) {
            failures.count = failures.count.saturating_sub(1);
            failures.until = 0;
        }
        self.give_back(&mut counts);
    }

    fn give_back(&self, counts: &mut Counts) {
        if let Some(bucket) = counts.logins.get_mut(&self.network).filter(|_| self.paid) {
            bucket.full_at -= LOGIN.refill;
        }
    }
}

/// How long to wait after that many failures: 0, 0, 0, 1 s, 2 s, 4 s, …
fn wait(count: u32) -> i64 {
    if count <= FREE {
        return 0;
    }
    let doublings = (count - FREE - 1).min(16);
    (SECOND << doublings).min(WAIT_MAX)
}

/// Takes one from an address's budget, or says how many seconds until there is one.
fn take(
    buckets: &mut HashMap<IpAddr, Bucket>,
    network: IpAddr,
    budget: Budget,
    now: i64,
) -> Result<(), u64> {
    bounded(buckets, |bucket| bucket.full_at, now);
    let bucket = buckets.entry(network).or_insert(Bucket { full_at: now });
    let full_at = bucket.full_at.max(now) + budget.refill;
    let over = full_at - now - budget.size * budget.refill;
    if over > 0 {
        return Err(seconds(over));
    }
    bucket.full_at = full_at;
    Ok(())
}

/// Keeps a table small: when it is full, what is older than `forget` goes, or else the older half.
fn bounded<K: Eq + Hash, V>(table: &mut HashMap<K, V>, age: impl Fn(&V) -> i64, forget: i64) {
    if table.len() < ENTRIES_MAX {
        return;
    }
    table.retain(|_, value| age(value) > forget);
    if table.len() >= ENTRIES_MAX {
        let mut ages: Vec<i64> = table.values().map(&age).collect();
        let (_, middle, _) = ages.select_nth_unstable(ENTRIES_MAX / 2);
        let middle = *middle;
        table.retain(|_, value| age(value) > middle);
    }
}

/// An IPv4 address, or the /64 that one IPv6 customer has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

/// Whole seconds, never less than one.
fn seconds(micros: i64) -> u64 {
    u64::try_from(micros)
        .unwrap_or_default()
        .div_ceil(SECOND.unsigned_abs())
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    /// Fails once; the seconds to wait where it was not let through.
    fn fail(throttle: &Throttle, account: &str, address: IpAddr, now: i64) -> Result<(), u64> {
        throttle.login(account, address, false, now).map(drop)
    }

    #[test]
    fn after_three_failures_each_next_one_doubles_the_wait() {
        let throttle = Throttle::default();
        for _ in 0..4 {
            assert_eq!(fail(&throttle, "ann", HERE, 0), Ok(()));
        }
        let mut now = 0;
        for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            assert_eq!(fail(&throttle, "ann", HERE, now), Err(wait));
            now += i64::try_from(wait).unwrap() * SECOND;
            assert_eq!(
                fail(&throttle, "ann", HERE, now),
                Ok(()),
                "let through after {wait} s"
            );
        }
    }

    #[test]
    fn an_attacker_elsewhere_does_not_hold_the_owner_up() {
        let throttle = Throttle::default();
        while fail(&throttle, "ann", THERE, 0).is_ok() {}
        assert!(fail(&throttle, "ann", HERE, 0).is_ok());
        assert!(fail(&throttle, "bob", THERE, 0).is_ok());
    }

    #[test]
    fn asking_while_one_must_wait_does_not_make_it_longer() {
        let throttle = Throttle::default();
        while fail(&throttle, "ann", HERE, 0).is_ok() {}
        for _ in 0..100 {
            assert_eq!(fail(&throttle, "ann", HERE, 0), Err(1));
        }
        assert!(fail(&throttle, "ann", HERE, SECOND).is_ok());
    }

    #[test]
    fn a_thousand_attempts_at_once_are_four_guesses() {
        let throttle = Throttle::default();
        let open: Vec<_> = (0..1000)
            .filter_map(|_| throttle.login("ann", HERE, true, 0).ok())
            .collect();
        assert_eq!(open.len(), 4);
    }

    #[test]
    fn a_success_clears_the_count() {
        let throttle = Throttle::default();
        for _ in 0..3 {
            assert!(fail(&throttle, "ann", HERE, 0).is_ok());
        }
        throttle
            .login("ann", HERE, false, 0)
            .map(Attempt::succeeded)
            .unwrap();
        for _ in 0..4 {
            assert!(fail(&throttle, "ann", HERE, 0).is_ok());
        }
    }

    #[test]
    fn a_fault_of_ours_is_not_held_against_anybody() {
        let throttle = Throttle::default();
        for _ in 0..500 {
            throttle
                .login("ann", HERE, false, 0)
                .map(Attempt::undone)
                .unwrap();
        }
    }

    #[test]
    fn forty_people_behind_one_address_sign_in_within_a_minute_with_a_mistake_each() {
        let throttle = Throttle::default();
        for person in 0..40 {
            let name = format!("pupil-{person}");
            let now = person * 60 * SECOND / 40;
            assert_eq!(fail(&throttle, &name, HERE, now), Ok(()), "{name} mistypes");
            assert_eq!(
                throttle
                    .login(&name, HERE, false, now)
                    .map(Attempt::succeeded),
                Ok(())
            );
        }
    }

    #[test]
    fn one_address_cannot_try_many_accounts_but_known_people_pass() {
        let throttle = Throttle::default();
        let tried = (0..1000)
            .filter(|n| fail(&throttle, &format!("user-{n}"), HERE, 0).is_ok())
            .count();
        assert_eq!(tried, 60);
        assert_eq!(fail(&throttle, "ann", HERE, 0), Err(1));
        assert!(
            throttle.login("ann", HERE, true, 0).is_ok(),
            "signed in from here before"
        );
        assert!(
            fail(&throttle, "ann", HERE, SECOND).is_ok(),
            "a second gives one back"
        );
    }

    #[test]
    fn a_class_registers_at_once_and_a_script_does_not() {
        let throttle = Throttle::default();
        let made = (0..1000)
            .filter(|_| throttle.register(HERE, 0).is_ok())
            .count();
        assert_eq!(made, 60);
        assert_eq!(throttle.register(HERE, 0), Err(10));
        assert!(throttle.register(THERE, 0).is_ok());
    }

    #[test]
    fn one_ipv6_customer_is_one_address() {
        let throttle = Throttle::default();
        let one: IpAddr = "2001:db8:1:2::1".parse().unwrap();
        let two: IpAddr = "2001:db8:1:2:ffff::9".parse().unwrap();
        while fail(&throttle, "ann", one, 0).is_ok() {}
        assert!(fail(&throttle, "ann", two, 0).is_err());
        assert!(fail(&throttle, "ann", "2001:db8:1:3::1".parse().unwrap(), 0).is_ok());
    }

    #[test]
    fn memory_is_bounded_whatever_is_tried() {
        let throttle = Throttle::default();
        for n in 0..ENTRIES_MAX + 5_000 {
            let address = IpAddr::from(u32::try_from(n).unwrap().to_be_bytes());
            let _ = fail(&throttle, "ann", address, i64::try_from(n).unwrap());
        }
        let counts = throttle.counts();
        assert!(counts.pairs.len() <= ENTRIES_MAX && counts.logins.len() <= ENTRIES_MAX);
    }
}

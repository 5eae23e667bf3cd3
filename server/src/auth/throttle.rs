//! Slows down guessing, and locks nobody out.
//!
//! Three counts. Failures of one account from one address: after three, each next one doubles the
//! wait, up to five minutes; an attacker elsewhere does not touch the owner's count. And failures
//! of one address over all accounts: 60 at once and one more a second, which a class of 40 behind
//! one address does not reach; who has signed in from that address before is not held up by it. And wrong
//! invite codes of one address: 60 at once and one more every ten seconds.
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
/// Wrong invite codes an address may try at once. A budget and no growing wait: who joins with the right code
/// from the same room is seldom held up by somebody's wrong ones, and never for long.
const INVITE: Budget = Budget {
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
    invites: HashMap<IpAddr, Bucket>,
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

    /// How many seconds an attempt would have to wait now. Counts nothing: for sign-ins that cannot be
    /// guessed, where many at once are no attack.
    pub fn login_wait(&self, account: &str, address: IpAddr, now: i64) -> Option<u64> {
        let network = network(address);
        let counts = self.counts();
        let pair = counts.pairs.get(&(account.to_owned(), network));
        let until = pair.map_or(0, |failures| failures.until);
        let full_at = counts
            .logins
            .get(&network)
            .map_or(0, |bucket| bucket.full_at);
        let until = until.max(full_at + LOGIN.refill - LOGIN.size * LOGIN.refill);
        (until > now).then(|| seconds(until - now))
    }

    /// A sign-in that was not counted in advance has failed.
    pub fn login_failed(&self, account: &str, address: IpAddr, now: i64) {
        // An attempt that is dropped has failed; one that was refused counts already.
        drop(self.login(account, address, false, now));
    }

    /// Nothing is held against the account from there any more.
    pub fn login_forgive(&self, account: &str, address: IpAddr) {
        let pair = (account.to_owned(), network(address));
        self.counts().pairs.remove(&pair);
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

    /// Lets an address try an invite code, or says how many seconds to wait. A code that is right costs nothing,
    /// and is not let through either while there is a wait: it could be guessed by that.
    pub fn invite(&self, address: IpAddr, is_right: bool, now: i64) -> Result<(), u64> {
        let network = network(address);
        let mut counts = self.counts();
        take(&mut counts.invites, network, INVITE, now)?;
        if let Some(bucket) = counts.invites.get_mut(&network).filter(|_| is_right) {
            bucket.full_at -= INVITE.refill;
        }
        Ok(())
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
pub fn network(address: IpAddr) -> IpAddr {
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
mod tests;

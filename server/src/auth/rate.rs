//! How often one user's programs may call the JSON API: so generous that only a loop gone wild notices,
//! and others do not notice the loop.

use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock as _};
use http::Method;

/// GETs a second and user, and how many at once after a pause; docs/api.md names them.
const READS: (u32, u32) = (4_000, 8_000);
/// The same of everything else, the demo's polls included.
const CHANGES: (u32, u32) = (50, 200);
/// Links to shells that a user may follow: nobody has use for more, and none can be guessed.
const INVITATIONS: (u32, u32) = (1, 60);
/// Users that are remembered before those are forgotten who may do everything again.
const USERS: usize = 10_000;

/// Counts by user.
pub(super) struct Rates {
    reads: DefaultKeyedRateLimiter<String>,
    changes: DefaultKeyedRateLimiter<String>,
    invitations: DefaultKeyedRateLimiter<String>,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            reads: RateLimiter::keyed(quota(READS)),
            changes: RateLimiter::keyed(quota(CHANGES)),
            invitations: RateLimiter::keyed(quota(INVITATIONS)),
        }
    }
}

impl Rates {
    /// Counts one call; the seconds to wait when it is one too many.
    pub(super) fn call(&self, method: &Method, user_id: &str) -> Result<(), u64> {
        let limiter = match *method {
            Method::GET | Method::HEAD => &self.reads,
            _ => &self.changes,
        };
        count(limiter, user_id)
    }

    /// The same of a link to a shell that is looked at or accepted.
    pub(super) fn invitation(&self, user_id: &str) -> Result<(), u64> {
        count(&self.invitations, user_id)
    }
}

fn count(limiter: &DefaultKeyedRateLimiter<String>, user_id: &str) -> Result<(), u64> {
    if limiter.len() > USERS {
        limiter.retain_recent();
    }
    limiter.check_key(&user_id.to_owned()).map_err(|refused| {
        let wait = refused.wait_time_from(limiter.clock().now());
        wait.as_secs().saturating_add(1)
    })
}

fn quota((second, burst): (u32, u32)) -> Quota {
    let some = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(some(second)).allow_burst(some(burst))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_gone_wild_is_slowed_and_nobody_else() {
        let rates = Rates::default();
        let refused = (0..2 * CHANGES.1).find_map(|_| rates.call(&Method::POST, "ann").err());
        assert_eq!(refused, Some(1));
        assert_eq!(rates.call(&Method::POST, "bob"), Ok(()));
        assert_eq!(rates.call(&Method::GET, "ann"), Ok(()));
    }

    #[test]
    fn who_tries_links_is_slowed() {
        let rates = Rates::default();
        let refused = (0..2 * INVITATIONS.1).find_map(|_| rates.invitation("ann").err());
        assert!(refused.is_some());
        assert_eq!(rates.invitation("bob"), Ok(()));
    }
}

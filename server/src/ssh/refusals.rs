//! Connections that were refused at the door: told of at most once a minute, so that a flood is seen and does
//! not fill the log.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const EVERY: Duration = Duration::from_secs(60);

/// Counts between two lines of the log; one for the whole gateway.
#[derive(Default)]
pub struct Refusals(Mutex<Untold>);

#[derive(Default)]
struct Untold {
    told_at: Option<Instant>,
    count: u64,
}

impl Refusals {
    /// A connection from there was refused, for this reason.
    pub fn note(&self, address: IpAddr, why: &str) {
        if let Some(count) = self.count(Instant::now()) {
            tracing::warn!(count, %address, "SSH connections were refused; the last: {why}");
        }
    }

    /// Counts one; how many there were since it was last told, when it is time to tell.
    fn count(&self, now: Instant) -> Option<u64> {
        let mut untold = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        untold.count += 1;
        let is_time = untold
            .told_at
            .is_none_or(|at| now.duration_since(at) >= EVERY);
        is_time.then(|| {
            untold.told_at = Some(now);
            std::mem::take(&mut untold.count)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_once_a_minute_and_none_is_left_out() {
        let refusals = Refusals::default();
        let begun = Instant::now();
        assert_eq!(refusals.count(begun), Some(1));
        for second in 1..60 {
            assert_eq!(refusals.count(begun + Duration::from_secs(second)), None);
        }
        assert_eq!(refusals.count(begun + EVERY), Some(60));
        assert_eq!(refusals.count(begun + EVERY), None);
    }
}

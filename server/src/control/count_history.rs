//! How the counts of the admin's first page were: one sample every two and a half minutes, an hour of them, in
//! memory. Lost with the process.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use app::model::CountSample;
use tokio::time::{MissedTickBehavior, interval};

use super::{Control, ControlError, error::chain};
use crate::clock;

/// How often it is looked whether a sample is due: one that failed is late by this, not by a whole step.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// At most [`CountSample::KEPT`] samples, each with the number of its step, oldest first.
#[derive(Default)]
pub struct CountHistory(Mutex<VecDeque<(i64, CountSample)>>);

impl CountHistory {
    /// All samples, oldest first.
    pub fn list(&self) -> Vec<CountSample> {
        self.lock().iter().map(|(_, counts)| *counts).collect()
    }

    /// True when the step of `now` has no sample yet. `now` is microseconds since the Unix epoch.
    pub fn is_due(&self, now: i64) -> bool {
        let samples = self.lock();
        samples.back().is_none_or(|(last, _)| *last != step(now))
    }

    /// Keeps the counts of `now`, if one is due; the oldest goes where there is no room.
    pub fn take(&self, now: i64, counts: CountSample) {
        let step = step(now);
        let mut samples = self.lock();
        match samples.back().map(|(last, _)| step - last) {
            Some(0) => return,
            None | Some(1) => {}
            // The host slept, the database was away, or the clock was set. What was before is no neighbour of now.
            Some(_) => samples.clear(),
        }
        if samples.len() == CountSample::KEPT {
            samples.pop_front();
        }
        samples.push_back((step, counts));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(i64, CountSample)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of the step that a moment is in.
fn step(at: i64) -> i64 {
    at.div_euclid(CountSample::EVERY)
}

impl Control {
    /// Samples the counts as long as it is let run.
    pub(super) async fn watch_counts(self) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first is at once, when no node has told of its shells yet.
        looks.tick().await;
        loop {
            looks.tick().await;
            let sampled = self.count_sample(&self.0.counts, clock::now()).await;
            if let Err(error) = sampled {
                // The next look tries again; who opens the page is told why.
                tracing::debug!("the counts were not sampled: {}", chain(&error));
            }
        }
    }

    /// Takes a sample into `history`, if one is due.
    pub(super) async fn count_sample(
        &self,
        history: &CountHistory,
        now: i64,
    ) -> Result<(), ControlError> {
        if history.is_due(now) {
            history.take(now, self.overview().await?.counts());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: i64 = CountSample::EVERY;

    fn vms(vms: u32) -> CountSample {
        CountSample {
            vms,
            ..CountSample::default()
        }
    }

    fn seen(history: &CountHistory) -> Vec<u32> {
        history.list().iter().map(|counts| counts.vms).collect()
    }

    #[test]
    fn a_count_is_sampled_when_it_is_due_and_not_before() {
        let history = CountHistory::default();
        for (now, count, due) in [
            (7 * EVERY + 5, 1, true),
            (7 * EVERY + 6, 2, false),
            (8 * EVERY - 1, 3, false),
            (8 * EVERY, 4, true),
            (8 * EVERY, 5, false),
            (9 * EVERY + 9, 6, true),
        ] {
            assert_eq!(history.is_due(now), due, "{count} at {now}");
            history.take(now, vms(count));
            assert!(!history.is_due(now), "{count} is taken");
        }
        assert_eq!(seen(&history), [1, 4, 6]);
    }

    #[test]
    fn only_an_hour_is_kept_and_the_oldest_goes_first() {
        let history = CountHistory::default();
        (0..100).for_each(|at| history.take(i64::from(at) * EVERY, vms(at)));
        let newest: Vec<u32> = (100 - CountSample::KEPT as u32..100).collect();
        assert_eq!(seen(&history), newest);
        let hour = (CountSample::KEPT as i64 + 1) * EVERY;
        assert_eq!(hour, 3_600 * clock::SECOND, "with the present counts");
    }

    #[test]
    fn after_a_gap_or_with_a_clock_that_was_set_it_begins_anew() {
        let history = CountHistory::default();
        for (at, kept) in [
            (5, &[5][..]),
            (6, &[5, 6][..]),
            (8, &[8][..]),
            (9, &[8, 9][..]),
            (3, &[3][..]),
        ] {
            history.take(i64::from(at) * EVERY, vms(at));
            assert_eq!(seen(&history), kept);
        }
    }
}

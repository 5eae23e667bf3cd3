//! VMs of which the engine tells nothing in time. What asks for one may wait within the engine for good, with
//! what it takes there: so they are asked for more and more seldom.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use node_api::error::NodeErrorCode;
use uuid::Uuid;

use crate::driver::DriverError;

/// The first pause, and the longest.
const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(120);

/// The VMs that gave no answer, and until when each is left alone: 10 s at first, 2 minutes at last.
#[derive(Default)]
pub(super) struct Silent(Mutex<HashMap<Uuid, Pause>>);

struct Pause {
    until: Instant,
    next: Duration,
}

impl Silent {
    /// It was asked for, and there was no answer.
    pub(super) fn note(&self, id: Uuid) {
        let mut all = self.lock();
        let pause = all.get(&id).map_or(FIRST, |pause| pause.next);
        let until = Instant::now() + pause;
        let next = (pause * 2).min(LONGEST);
        all.insert(id, Pause { until, next });
    }

    /// Something has happened to it: the next may ask.
    pub(super) fn hint(&self, id: Uuid) {
        if let Some(pause) = self.lock().get_mut(&id) {
            pause.until = Instant::now();
        }
    }

    /// There was an answer.
    pub(super) fn heard(&self, id: Uuid) {
        self.lock().remove(&id);
    }

    /// Whether it is not to be asked for now.
    pub(super) fn is(&self, id: Uuid) -> bool {
        let all = self.lock();
        all.get(&id)
            .is_some_and(|pause| Instant::now() < pause.until)
    }

    /// `Timeout` while it is not to be asked for.
    pub(super) fn check(&self, id: Uuid) -> Result<(), DriverError> {
        if !self.is(id) {
            return Ok(());
        }
        let message = format!("the engine tells nothing of VM {id}");
        Err(DriverError::new(NodeErrorCode::Timeout, message))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Pause>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_does_not_answer_is_asked_for_more_and_more_seldom() {
        let (silent, id) = (Silent::default(), Uuid::from_u128(1));
        assert!(!silent.is(id));
        let mut last = Duration::ZERO;
        for most in [10, 20, 40, 80, 120, 120] {
            silent.note(id);
            assert!(silent.is(id) && silent.check(id).is_err());
            let pause = silent.lock()[&id].until - Instant::now();
            assert!(
                pause >= last && pause <= Duration::from_secs(most),
                "{pause:?}"
            );
            last = pause.saturating_sub(Duration::from_secs(5));
            silent.hint(id);
            assert!(!silent.is(id));
        }
        silent.note(id);
        silent.heard(id);
        assert!(silent.check(id).is_ok());
        silent.note(id);
        assert_eq!(silent.lock()[&id].next, 2 * FIRST);
    }
}

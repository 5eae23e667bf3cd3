//! When an engine that answers is nevertheless of no use: it cannot start things.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Starts that must fail one after the other, with errors of the engine itself, before the node
/// calls itself degraded. One may be bad luck.
const FAILURES: u32 = 2;

/// Counts failed starts.
#[derive(Default)]
pub struct StartHealth(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    failures: u32,
    reason: String,
}

impl StartHealth {
    /// Something was started: all is well.
    pub fn started(&self) {
        self.lock().failures = 0;
    }

    /// A start failed by the engine's own fault, with these words.
    pub fn failed(&self, reason: &str) {
        let mut counts = self.lock();
        counts.failures = counts.failures.saturating_add(1);
        reason.clone_into(&mut counts.reason);
    }

    /// Whether one more failed start would degrade the engine.
    pub fn is_on_the_edge(&self) -> bool {
        self.lock().failures + 1 == FAILURES
    }

    /// Why nothing should be placed here, if so.
    pub fn degraded(&self) -> Option<String> {
        let counts = self.lock();
        (counts.failures >= FAILURES)
            .then(|| format!("the engine cannot start VMs: {}", counts.reason))
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_failed_starts_in_a_row_degrade_and_one_good_one_heals() {
        let health = StartHealth::default();
        health.failed("no bridge");
        health.started();
        assert!(!health.is_on_the_edge());
        health.failed("no bridge");
        assert_eq!(health.degraded(), None);
        assert!(health.is_on_the_edge());
        health.failed("no bridge docker0");
        assert!(
            health
                .degraded()
                .expect("degraded")
                .contains("no bridge docker0")
        );
        health.started();
        assert_eq!(health.degraded(), None);
    }
}

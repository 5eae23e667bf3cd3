//! Reports that need not be asked for again: the engine's list says little of a container, and a
//! look at each of a hundred every two seconds would keep the engine busy.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use node_api::vm::{PowerState, VmReport};
use uuid::Uuid;

/// A report is looked at anew after this long, whatever the events said (what is shown is at most
/// 10 s behind).
const FRESH: Duration = Duration::from_secs(5);

/// The last report of each VM, and when it was made.
#[derive(Default)]
pub(super) struct ReportCache(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    reports: HashMap<Uuid, (Instant, VmReport)>,
    /// Grows with everything that makes reports old.
    generation: u64,
}

impl ReportCache {
    /// To be taken before the engine is asked.
    pub(super) fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Keeps a report, unless something has happened since `seen`.
    pub(super) fn store(&self, report: &VmReport, seen: u64) {
        let mut inner = self.lock();
        if inner.generation == seen {
            let entry = (Instant::now(), report.clone());
            inner.reports.insert(report.spec.id, entry);
        }
    }

    /// The report, when it is fresh and the list agrees with it.
    pub(super) fn get(&self, id: Uuid, running: bool) -> Option<VmReport> {
        self.find(id, running, |at| at.elapsed() < FRESH)
    }

    /// The last report, however old, when the list agrees with it.
    pub(super) fn last(&self, id: Uuid, running: bool) -> Option<VmReport> {
        self.find(id, running, |_| true)
    }

    fn find(&self, id: Uuid, running: bool, is_good: fn(&Instant) -> bool) -> Option<VmReport> {
        let inner = self.lock();
        let (at, report) = inner.reports.get(&id)?;
        let agrees = running == (report.power == PowerState::Running);
        (agrees && is_good(at)).then(|| report.clone())
    }

    /// Whether the VM was this node's when last looked at.
    pub(super) fn knows(&self, id: Uuid) -> bool {
        self.lock().reports.contains_key(&id)
    }

    /// Something happened to it. It stays known: its owner does not change.
    pub(super) fn spoil(&self, id: Uuid) {
        let mut inner = self.lock();
        inner.generation += 1;
        if let Some((at, _)) = inner.reports.get_mut(&id) {
            *at = at.checked_sub(FRESH).unwrap_or(*at);
        }
    }

    /// It is gone, and not known any more. (After [`Self::spoil`] it still is.)
    pub(super) fn remove(&self, id: Uuid) {
        let mut inner = self.lock();
        inner.generation += 1;
        inner.reports.remove(&id);
    }

    /// Events may have been missed.
    pub(super) fn clear(&self) {
        let mut inner = self.lock();
        inner.generation += 1;
        inner.reports.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

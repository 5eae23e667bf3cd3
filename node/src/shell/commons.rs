//! What the shells of a node share: the limits, and the memory and time that all of them together
//! may take. A tenant with many shells must not starve the others.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::limits::{ShellLimits, Size};

/// Bytes that a cell takes, on the main and the alternate screen.
const CELL_BYTES: usize = 2 * 32;
/// Cells that a screen may have when memory for screens is short: 125x80, say.
const SMALL_CELLS: usize = 10_000;

/// Shared by all shells of a registry.
pub struct Commons {
    /// What each may use, and all together.
    pub limits: ShellLimits,
    shells: AtomicUsize,
    screen_bytes: AtomicUsize,
    /// Parsing that takes long runs on one thread, whichever shells need it.
    pub costly: Semaphore,
}

impl Commons {
    /// Of a registry without shells.
    pub fn new(limits: ShellLimits) -> Self {
        Self {
            limits,
            shells: AtomicUsize::new(0),
            screen_bytes: AtomicUsize::new(0),
            costly: Semaphore::new(1),
        }
    }

    /// What one shell's ring, and its lines above the screen, may hold now. Bytes.
    pub fn ring_bytes(&self) -> usize {
        let shells = self.shells.load(Ordering::Relaxed).max(1);
        self.limits
            .ring_bytes
            .min(self.limits.rings_total_bytes / shells)
            .max(1)
    }
}

/// A shell's part of the commons, given back when it is dropped.
pub struct Share {
    commons: std::sync::Arc<Commons>,
    screen_bytes: AtomicUsize,
}

impl Share {
    /// Counts one shell more. Memory for its screen is taken by [`Share::fit`].
    pub fn new(commons: std::sync::Arc<Commons>) -> Self {
        commons.shells.fetch_add(1, Ordering::Relaxed);
        Self {
            commons,
            screen_bytes: AtomicUsize::new(0),
        }
    }

    /// Takes memory for a screen of this size, or of as many rows as there is memory for.
    pub fn fit(&self, wanted: Size) -> Size {
        let bytes = |size: Size| usize::from(size.cols) * usize::from(size.rows) * CELL_BYTES;
        let held = self.screen_bytes.load(Ordering::Relaxed);
        let others = self
            .commons
            .screen_bytes
            .load(Ordering::Relaxed)
            .saturating_sub(held);
        let mut size = wanted;
        if others + bytes(wanted) > self.commons.limits.screens_total_bytes {
            let rows = SMALL_CELLS / usize::from(wanted.cols.max(1));
            size.rows = wanted
                .rows
                .min(u16::try_from(rows.max(1)).unwrap_or(u16::MAX));
        }
        self.screen_bytes.store(bytes(size), Ordering::Relaxed);
        self.commons
            .screen_bytes
            .fetch_add(bytes(size), Ordering::Relaxed);
        self.commons.screen_bytes.fetch_sub(held, Ordering::Relaxed);
        size
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.commons.shells.fetch_sub(1, Ordering::Relaxed);
        let held = self.screen_bytes.load(Ordering::Relaxed);
        self.commons.screen_bytes.fetch_sub(held, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn rings_shrink_when_there_are_many_and_grow_again() {
        let limits = ShellLimits {
            ring_bytes: 100,
            rings_total_bytes: 300,
            ..ShellLimits::default()
        };
        let commons = Arc::new(Commons::new(limits));
        let shares: Vec<_> = (0..10).map(|_| Share::new(commons.clone())).collect();
        assert_eq!(commons.ring_bytes(), 30);
        drop(shares);
        assert_eq!(commons.ring_bytes(), 100);
    }

    #[test]
    fn screens_are_cut_down_when_their_memory_is_short() {
        let huge = Size {
            cols: 500,
            rows: 500,
        };
        let limits = ShellLimits {
            screens_total_bytes: 20_000_000,
            ..ShellLimits::default()
        };
        let commons = Arc::new(Commons::new(limits));
        let (first, second) = (Share::new(commons.clone()), Share::new(commons.clone()));
        assert_eq!(first.fit(huge), huge);
        assert_eq!(first.fit(huge), huge, "its own memory is no obstacle");
        assert_eq!(
            second.fit(huge),
            Size {
                cols: 500,
                rows: 20
            }
        );
        let usual = Size { cols: 80, rows: 24 };
        assert_eq!(second.fit(usual), usual);
        drop(first);
        assert_eq!(second.fit(huge), huge);
        drop(second);
        assert_eq!(commons.screen_bytes.load(Ordering::Relaxed), 0);
    }
}

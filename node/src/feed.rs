//! A bounded ring of numbered items that any number of readers follow at their own pace. A reader
//! reads the ring itself, so that a slow one loses only what has left the ring, and knows it.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

/// What a reader gets at once: items in order, and how many it missed before them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<T> {
    /// How many had left the ring before the first of these.
    pub missed: u64,
    /// Oldest first; 256 at most.
    pub items: Vec<T>,
    /// The number to ask from next time.
    pub next: u64,
}

/// The ring; item numbers start at 1 and grow by one.
pub struct Feed<T> {
    ring: Mutex<Ring<T>>,
    newest: watch::Sender<u64>,
    capacity: usize,
}

struct Ring<T> {
    items: VecDeque<T>,
    /// Number of the item that comes next.
    next: u64,
}

/// Most items handed out at once, so that one reader does not hold the lock for long.
const BATCH: usize = 256;

impl<T: Clone> Feed<T> {
    /// `capacity` is in items; past it the oldest leave the ring.
    pub fn new(capacity: usize) -> Self {
        Self {
            ring: Mutex::new(Ring {
                items: VecDeque::new(),
                next: 1,
            }),
            newest: watch::Sender::new(0),
            capacity,
        }
    }

    /// Appends what `make` builds from the item's number.
    pub fn push(&self, make: impl FnOnce(u64) -> T) {
        let seq = {
            let mut ring = self.lock();
            let seq = ring.next;
            ring.items.push_back(make(seq));
            ring.next += 1;
            while ring.items.len() > self.capacity {
                ring.items.pop_front();
            }
            seq
        };
        self.newest.send_if_modified(|newest| {
            let grew = seq > *newest;
            *newest = (*newest).max(seq);
            grew
        });
    }

    /// Items from number `from` on, as many as fit in a batch. A number that has not been given yet
    /// (it is of an earlier run of the node) reads the ring from its beginning.
    pub fn read(&self, from: u64) -> Batch<T> {
        let ring = self.lock();
        let oldest = ring.next - ring.items.len() as u64;
        let start = if from > ring.next {
            oldest
        } else {
            from.max(oldest)
        };
        let skip = usize::try_from(start - oldest).unwrap_or(usize::MAX);
        let items: Vec<T> = ring.items.iter().skip(skip).take(BATCH).cloned().collect();
        Batch {
            missed: if from > ring.next {
                0
            } else {
                start.saturating_sub(from.max(1))
            },
            next: start + items.len() as u64,
            items,
        }
    }

    /// The number that the next item will have.
    pub fn next(&self) -> u64 {
        self.lock().next
    }

    /// Tells of new items; its value is the newest number.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Ring<T>> {
        // A panic while it was held cannot have left it half changed.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(capacity: usize, count: u64) -> Feed<u64> {
        let feed = Feed::new(capacity);
        (0..count).for_each(|_| feed.push(|seq| seq));
        feed
    }

    #[test]
    fn a_reader_goes_on_where_it_stopped() {
        let feed = filled(10, 5);
        let batch = feed.read(4);
        assert_eq!((batch.missed, batch.items, batch.next), (0, vec![4, 5], 6));
        assert!(feed.read(6).items.is_empty());
    }

    #[test]
    fn a_reader_that_is_too_late_learns_how_much_it_missed() {
        let feed = filled(3, 10);
        let batch = feed.read(5);
        assert_eq!((batch.missed, batch.items), (3, vec![8, 9, 10]));
    }

    #[test]
    fn a_number_of_an_earlier_run_reads_everything() {
        let feed = filled(3, 2);
        assert_eq!(feed.read(900).items, vec![1, 2]);
    }
}

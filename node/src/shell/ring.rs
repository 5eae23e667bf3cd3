//! The most recent output of a shell, addressed by offset since the shell began.

use std::collections::VecDeque;

/// Memory is taken as output comes, never before.
#[derive(Debug, Default)]
pub struct Ring {
    bytes: VecDeque<u8>,
    end: u64,
}

impl Ring {
    /// An empty one that goes on at `offset`.
    pub fn at(offset: u64) -> Self {
        Self {
            bytes: VecDeque::new(),
            end: offset,
        }
    }

    /// Offset of the oldest byte that is still here.
    pub fn start(&self) -> u64 {
        self.end - self.bytes.len() as u64
    }

    /// Offset of the next byte to come: how many there have been.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Appends output and forgets what is older than the newest `limit` bytes.
    pub fn push(&mut self, chunk: &[u8], limit: usize) {
        self.end += chunk.len() as u64;
        let chunk = &chunk[chunk.len().saturating_sub(limit)..];
        let kept = limit - chunk.len();
        if self.bytes.len() > kept {
            self.bytes.drain(..self.bytes.len() - kept);
        }
        self.make_room(chunk.len(), limit);
        self.bytes.extend(chunk);
    }

    /// Appends at most `max` bytes from `offset` on to `out`. False when that offset is forgotten,
    /// or was never reached.
    #[must_use]
    pub fn read(&self, offset: u64, max: usize, out: &mut Vec<u8>) -> bool {
        if offset < self.start() || offset > self.end {
            return false;
        }
        // At most the ring's length, which is a usize.
        let from = (offset - self.start()) as usize;
        let to = self.bytes.len().min(from.saturating_add(max));
        let (front, back) = self.bytes.as_slices();
        let split = front.len();
        out.extend_from_slice(&front[from.min(split)..to.min(split)]);
        out.extend_from_slice(&back[from.saturating_sub(split)..to.saturating_sub(split)]);
        true
    }

    /// Doubles, but never past the limit; gives memory back when the limit has shrunk.
    fn make_room(&mut self, more: usize, limit: usize) {
        let needed = self.bytes.len() + more;
        if needed > self.bytes.capacity() {
            let wanted = needed.max(self.bytes.capacity() * 2).min(limit);
            self.bytes.reserve_exact(wanted - self.bytes.len());
        } else if self.bytes.capacity() > limit.saturating_mul(2) {
            self.bytes.shrink_to(limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn holds_exactly_the_newest_bytes(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..90), 0..30),
            limit in 1_usize..100,
        ) {
            let mut ring = Ring::default();
            let mut all = Vec::new();
            for chunk in &chunks {
                ring.push(chunk, limit);
                all.extend_from_slice(chunk);
                prop_assert_eq!(ring.end(), all.len() as u64);
                prop_assert_eq!(ring.start(), all.len().saturating_sub(limit) as u64);
                for offset in ring.start()..=ring.end() {
                    let mut out = Vec::new();
                    prop_assert!(ring.read(offset, 7, &mut out));
                    let from = offset as usize;
                    prop_assert_eq!(&out, &all[from..all.len().min(from + 7)]);
                }
            }
            let mut out = Vec::new();
            prop_assert!(!ring.read(ring.end() + 1, 1, &mut out));
            prop_assert!(ring.start() == 0 || !ring.read(ring.start() - 1, 1, &mut out));
        }
    }

    #[test]
    fn takes_no_memory_before_there_is_output_and_stays_near_its_limit() {
        let mut ring = Ring::default();
        assert_eq!(ring.bytes.capacity(), 0);
        for _ in 0..10_000 {
            ring.push(&[7; 100], 4_096);
        }
        assert!(
            ring.bytes.capacity() <= 2 * 4_096,
            "{}",
            ring.bytes.capacity()
        );
        ring.push(&[7; 100], 512);
        assert!(ring.bytes.capacity() <= 1_024, "{}", ring.bytes.capacity());
    }
}

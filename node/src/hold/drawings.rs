//! Drawings of the held shells' screens, the newest of each. Together they are bounded: a shell whose
//! drawing had to go gives the next node its ring alone, and its program is asked to paint.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Mutex,
};

use bytes::Bytes;
use uuid::Uuid;

use super::wire::Drawing;
use crate::shell::lock;

/// By the shell's id.
pub(super) struct Drawings {
    /// Bytes of all together.
    limit: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    bytes: usize,
    /// Each with its number in the order they came.
    drawings: HashMap<Uuid, (u64, Drawing)>,
    order: BTreeMap<u64, Uuid>,
    puts: u64,
}

impl Drawings {
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            kept: Mutex::default(),
        }
    }

    /// Keeps a copy in place of the shell's former one. What is over the limit goes, the oldest first.
    pub fn put(&self, shell: Uuid, drawing: Drawing) {
        // As it came it lies in a buffer that may be much larger.
        let bytes = Bytes::copy_from_slice(&drawing.bytes);
        let mut kept = lock(&self.kept);
        kept.forget(shell);
        if bytes.len() > self.limit {
            return;
        }
        kept.puts += 1;
        let number = kept.puts;
        kept.bytes += bytes.len();
        kept.order.insert(number, shell);
        kept.drawings
            .insert(shell, (number, Drawing { bytes, ..drawing }));
        while kept.bytes > self.limit {
            let Some((_, oldest)) = kept.order.pop_first() else {
                return;
            };
            kept.forget(oldest);
        }
    }

    /// None where there never was one, or it had to go.
    pub fn of(&self, shell: Uuid) -> Option<Drawing> {
        let kept = lock(&self.kept);
        kept.drawings
            .get(&shell)
            .map(|(_, drawing)| drawing.clone())
    }

    /// Fine where there is none.
    pub fn forget(&self, shell: Uuid) {
        lock(&self.kept).forget(shell);
    }

    /// What all take together.
    pub fn bytes(&self) -> usize {
        lock(&self.kept).bytes
    }
}

impl Kept {
    fn forget(&mut self, shell: Uuid) {
        if let Some((number, drawing)) = self.drawings.remove(&shell) {
            self.order.remove(&number);
            self.bytes -= drawing.bytes.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Uuid = Uuid::from_u128(1);
    const B: Uuid = Uuid::from_u128(2);
    const C: Uuid = Uuid::from_u128(3);

    fn drawing(offset: u64, bytes: Bytes) -> Drawing {
        Drawing {
            offset,
            cols: 80,
            rows: 24,
            bytes,
        }
    }

    #[test]
    fn the_oldest_go_when_all_are_too_much() {
        let drawings = Drawings::new(100);
        let put = |shell, offset| drawings.put(shell, drawing(offset, vec![0; 40].into()));
        put(A, 1);
        put(B, 1);
        put(A, 2);
        assert_eq!(drawings.bytes(), 80, "the newest of each counts");
        put(C, 1);
        assert_eq!(drawings.bytes(), 80);
        assert_eq!(drawings.of(B), None);
        assert_eq!(drawings.of(A).map(|drawn| drawn.offset), Some(2));
        drawings.forget(A);
        drawings.forget(A);
        drawings.put(B, drawing(2, vec![0; 101].into()));
        assert_eq!(drawings.of(B), None, "it is too much alone");
        assert_eq!(drawings.bytes(), 40);
    }

    #[test]
    fn a_drawing_keeps_no_buffer_it_came_in() {
        let buffer = Bytes::from(vec![7; 64 * 1024]);
        let drawings = Drawings::new(100);
        drawings.put(A, drawing(1, buffer.slice(..10)));
        assert!(buffer.is_unique());
    }
}

//! Input that must reach the PTY exactly once: kept until the node says that it did.

use bytes::Bytes;

use super::frame::{self, INPUT_MAX};

/// Bytes at most that the terminal does not have, whether they are kept here or wait at the node; until it
/// has some, no more is read. A quarter of what the node takes.
const UNWRITTEN_MAX: usize = 256 * 1024;

/// The end of this client's input stream.
#[derive(Debug, Default)]
pub struct Input {
    /// Offset of the first byte kept.
    base: u64,
    bytes: Vec<u8>,
    /// How many of them were sent on this connection.
    sent: usize,
    /// Everything below this offset is in the terminal; never above `base`.
    written: u64,
}

impl Input {
    /// A few bytes, whether there is room or not.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes as many as there is room for off the front; answers how many.
    pub fn take(&mut self, bytes: &mut Bytes) -> usize {
        let part = bytes.split_to(bytes.len().min(self.room()));
        self.push(&part);
        part.len()
    }

    /// How many bytes may be taken; 0 when the terminal has to have some first.
    pub fn room(&self) -> usize {
        let at_node = usize::try_from(self.base - self.written).unwrap_or(usize::MAX);
        UNWRITTEN_MAX.saturating_sub(at_node.saturating_add(self.bytes.len()))
    }

    /// The terminal has everything below, from this connection or an earlier one.
    pub fn acknowledged(&mut self, offset: u64) {
        self.forget(offset);
        self.written = self.written.max(offset.min(self.base));
    }

    /// A new connection: what the node has not `taken` is sent again; so much of that it has `written`.
    pub fn connected(&mut self, taken: u64, written: u64) {
        self.forget(taken);
        self.sent = 0;
        if self.bytes.is_empty() {
            self.base = taken;
        }
        self.written = written.min(self.base);
    }

    /// Lets go of everything below.
    fn forget(&mut self, offset: u64) {
        let done = usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let done = done.min(self.bytes.len());
        self.bytes.drain(..done);
        self.base += done as u64;
        self.sent = self.sent.saturating_sub(done);
    }

    /// The next frame to send, if there is one.
    pub fn frame(&mut self) -> Option<Bytes> {
        let rest = self.bytes.get(self.sent..)?;
        let part = rest.get(..rest.len().min(INPUT_MAX))?;
        let offset = self.base + self.sent as u64;
        let frame = (!part.is_empty()).then(|| frame::input(offset, part));
        self.sent += part.len();
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(input: &mut Input) -> Option<(u64, Vec<u8>)> {
        let frame = input.frame()?;
        let offset = u64::from_be_bytes(frame[1..9].try_into().unwrap());
        Some((offset, frame[9..].to_vec()))
    }

    #[test]
    fn what_was_not_acknowledged_is_sent_again_after_a_loss_and_nothing_else() {
        let mut input = Input::default();
        input.push(b"abc");
        assert_eq!(next(&mut input), Some((0, b"abc".to_vec())));
        assert_eq!(next(&mut input), None);
        input.push(b"def");
        assert_eq!(next(&mut input), Some((3, b"def".to_vec())));
        input.acknowledged(2);
        input.connected(4, 4);
        assert_eq!(next(&mut input), Some((4, b"ef".to_vec())));
        input.acknowledged(6);
        input.push(b"g");
        assert_eq!(next(&mut input), Some((6, b"g".to_vec())));
    }

    /// What is sent of a pile that the program does not read.
    fn sent_of(input: &mut Input, pile: &mut Bytes) -> usize {
        input.take(pile);
        std::iter::from_fn(|| next(input))
            .map(|(_, part)| part.len())
            .sum()
    }

    #[test]
    fn no_more_is_sent_than_may_wait_for_the_program_however_much_is_read_at_once() {
        let mut input = Input::default();
        let mut pile = Bytes::from(vec![b'x'; 4 * UNWRITTEN_MAX]);
        assert_eq!(sent_of(&mut input, &mut pile), UNWRITTEN_MAX);
        assert_eq!((input.room(), pile.len()), (0, 3 * UNWRITTEN_MAX));
        input.acknowledged(1_000);
        assert_eq!(sent_of(&mut input, &mut pile), 1_000);
        assert_eq!(pile.len(), 3 * UNWRITTEN_MAX - 1_000);
    }

    #[test]
    fn what_waits_at_the_node_counts_after_a_loss_too() {
        let mut input = Input::default();
        let mut pile = Bytes::from(vec![b'x'; 8 * UNWRITTEN_MAX]);
        assert_eq!(sent_of(&mut input, &mut pile), UNWRITTEN_MAX);
        // All of it was taken before the loss, and nothing of it was read by the program since.
        for _ in 0..8 {
            input.connected(UNWRITTEN_MAX as u64, 0);
            assert_eq!(sent_of(&mut input, &mut pile), 0);
        }
        input.acknowledged(10);
        assert_eq!(sent_of(&mut input, &mut pile), 10);
        // A node that has lost count begins anew, and so does this.
        input.acknowledged(u64::MAX);
        input.connected(0, 0);
        assert_eq!(sent_of(&mut input, &mut pile), UNWRITTEN_MAX);
    }

    #[test]
    fn frames_hold_no_more_than_the_protocol_allows() {
        let mut input = Input::default();
        input.push(&vec![b'x'; INPUT_MAX + 1]);
        assert_eq!(next(&mut input).unwrap().1.len(), INPUT_MAX);
        assert_eq!(next(&mut input), Some((INPUT_MAX as u64, b"x".to_vec())));
    }
}

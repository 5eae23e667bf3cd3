//! Input that must reach the PTY exactly once: kept until the node says that it did.

use super::frame::{self, INPUT_MAX};

/// Bytes at most that the program has not read; until it has read some, no more is taken. A quarter of
/// what the node lets wait, however often the connection is lost meanwhile.
pub const PENDING_MAX: usize = 256 * 1024;

/// The end of this client's input stream.
#[derive(Debug, Default)]
pub struct Input {
    /// Offset of the first byte kept.
    base: u64,
    bytes: Vec<u8>,
    /// How many of them were sent on this connection.
    sent: usize,
    /// The program has everything below. What the node has taken further need not be kept, but waits there.
    written: u64,
}

impl Input {
    /// Takes what was typed, however much: look at [`Input::is_full`] before reading more.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// True when the program has to read some first.
    pub fn is_full(&self) -> bool {
        let end = self.base + self.bytes.len() as u64;
        end.saturating_sub(self.written) >= PENDING_MAX as u64
    }

    /// Everything below has reached the program, on this connection or an earlier one.
    pub fn acknowledged(&mut self, offset: u64) {
        self.written = self.written.max(offset);
        self.drop_below(offset);
    }

    /// A new connection: what the node has not taken is sent again. `written`: how much of what it has taken
    /// reached the program, where it tells that.
    pub fn connected(&mut self, taken: u64, written: Option<u64>) {
        self.drop_below(taken);
        self.sent = 0;
        if self.bytes.is_empty() {
            self.base = taken;
        }
        self.written = written.unwrap_or(taken);
    }

    fn drop_below(&mut self, offset: u64) {
        let done = usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let done = done.min(self.bytes.len());
        self.bytes.drain(..done);
        self.base += done as u64;
        self.sent = self.sent.saturating_sub(done);
    }

    /// The next frame to send, if there is one.
    pub fn frame(&mut self) -> Option<Vec<u8>> {
        let rest = &self.bytes[self.sent..];
        let part = &rest[..rest.len().min(INPUT_MAX)];
        let offset = self.base + self.sent as u64;
        self.sent += part.len();
        (!part.is_empty()).then(|| frame::input(offset, part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(input: &mut Input) -> Option<(u64, Vec<u8>)> {
        let frame = input.frame()?;
        Some((
            u64::from_be_bytes(frame[1..9].try_into().unwrap()),
            frame[9..].to_vec(),
        ))
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
        input.connected(4, Some(2));
        assert_eq!(next(&mut input), Some((4, b"ef".to_vec())));
        input.acknowledged(6);
        input.push(b"g");
        assert_eq!(next(&mut input), Some((6, b"g".to_vec())));
    }

    #[test]
    fn what_the_node_took_before_a_loss_still_waits_for_the_program() {
        let mut input = Input::default();
        let mut end = 0;
        // Each time the node takes all, the program reads nothing, and the connection is lost.
        for _ in 0..10 {
            while !input.is_full() {
                input.push(&[b'x'; 1024]);
                end += 1024;
            }
            while input.frame().is_some() {}
            input.connected(end, Some(0));
        }
        assert_eq!(end, PENDING_MAX as u64);
        input.acknowledged(1);
        assert!(!input.is_full());
        assert_eq!(next(&mut input), None, "all of it is with the node");
        input.push(b"y");
        assert_eq!(next(&mut input), Some((end, b"y".to_vec())));
    }

    #[test]
    fn a_node_that_does_not_tell_what_was_written_is_taken_to_have_written_all() {
        let mut input = Input::default();
        input.push(&vec![b'x'; PENDING_MAX]);
        assert!(input.is_full());
        input.connected(PENDING_MAX as u64, None);
        assert!(!input.is_full());
    }

    #[test]
    fn frames_hold_no_more_than_the_protocol_allows() {
        let mut input = Input::default();
        input.push(&vec![b'x'; INPUT_MAX + 1]);
        assert_eq!(next(&mut input).unwrap().1.len(), INPUT_MAX);
        assert_eq!(next(&mut input), Some((INPUT_MAX as u64, b"x".to_vec())));
    }
}

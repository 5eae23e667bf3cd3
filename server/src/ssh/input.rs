//! Input that must reach the PTY exactly once: kept until the node says that it did.

use bytes::Bytes;

use super::frame::{self, INPUT_MAX};

/// Bytes kept at most; until some are acknowledged, no more is read. A quarter of what the node
/// takes.
const PENDING_MAX: usize = 256 * 1024;

/// The end of this client's input stream.
#[derive(Debug, Default)]
pub struct Input {
    /// Offset of the first byte kept.
    base: u64,
    bytes: Vec<u8>,
    /// How many of them were sent on this connection.
    sent: usize,
}

impl Input {
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// True when the node has to take some first.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= PENDING_MAX
    }

    /// Everything below has arrived, on this connection or an earlier one.
    pub fn acknowledged(&mut self, offset: u64) {
        let done = usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let done = done.min(self.bytes.len());
        self.bytes.drain(..done);
        self.base += done as u64;
        self.sent = self.sent.saturating_sub(done);
    }

    /// A new connection: what the node has not is sent again.
    pub fn connected(&mut self, offset: u64) {
        self.acknowledged(offset);
        self.sent = 0;
        if self.bytes.is_empty() {
            self.base = offset;
        }
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
        input.connected(4);
        assert_eq!(next(&mut input), Some((4, b"ef".to_vec())));
        input.acknowledged(6);
        input.push(b"g");
        assert_eq!(next(&mut input), Some((6, b"g".to_vec())));
    }

    #[test]
    fn frames_hold_no_more_than_the_protocol_allows() {
        let mut input = Input::default();
        input.push(&vec![b'x'; INPUT_MAX + 1]);
        assert_eq!(next(&mut input).unwrap().1.len(), INPUT_MAX);
        assert_eq!(next(&mut input), Some((INPUT_MAX as u64, b"x".to_vec())));
    }
}

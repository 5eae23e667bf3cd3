//! Output, cut anywhere, into text and whole sequences.

use super::{SEQUENCE_BYTES, Vt, sequence, sequence::State};

const ESC: u8 = 0x1b;

impl Vt {
    /// Feeds output, cut anywhere.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.state {
                State::Ground => self.feed_text(rest),
                _ => self.feed_sequence(rest),
            };
        }
    }

    /// Text up to the next sequence; what follows it is given back.
    fn feed_text<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let escape = memchr::memchr(ESC, bytes);
        let (text, rest) = bytes.split_at(escape.unwrap_or(bytes.len()));
        if self.held.is_empty() {
            self.feed_characters(text, escape.is_none());
        } else {
            let mut joined = std::mem::take(&mut self.held);
            joined.extend_from_slice(text);
            self.feed_characters(&joined, escape.is_none());
        }
        match rest.split_first() {
            Some((escape, rest)) => {
                self.state = State::Escape;
                self.held.push(*escape);
                rest
            }
            None => rest,
        }
    }

    /// Draws text, but for the character at its end that may go on in the next chunk.
    fn feed_characters(&mut self, text: &[u8], goes_on: bool) {
        let unfinished = if goes_on {
            sequence::unfinished_char(text)
        } else {
            0
        };
        let (text, tail) = text.split_at(text.len() - unfinished);
        self.held.extend_from_slice(tail);
        self.draw(text);
    }

    /// A sequence up to its end; what follows it is given back. ESC ends whatever it comes in, and begins another.
    fn feed_sequence<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        for (at, byte) in bytes.iter().enumerate() {
            if *byte == ESC {
                self.end_sequence();
            }
            self.state = self.state.next(*byte);
            if self.held.len() < SEQUENCE_BYTES {
                self.held.push(*byte);
            } else {
                self.cut = true;
            }
            if self.state == State::Ground {
                self.end_sequence();
                return &bytes[at + 1..];
            }
        }
        &[]
    }

    fn end_sequence(&mut self) {
        let mut sequence = std::mem::take(&mut self.held);
        if !std::mem::take(&mut self.cut) {
            self.obey(&sequence);
        }
        // Keep the small buffer for the next sequence, not a large one.
        if sequence.capacity() <= 256 {
            sequence.clear();
            self.held = sequence;
        }
    }
}

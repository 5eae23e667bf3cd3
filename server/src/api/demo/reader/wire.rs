//! What a reader says to a node, and understands of it (docs/shell-protocol.md).

use bytes::Bytes;

/// Frames of docs/shell-protocol.md.
pub const OUTPUT: u8 = 0x01;
/// Offset where the output goes on, columns and rows (two bytes each), then what draws the screen.
pub const SNAPSHOT: u8 = 0x02;
/// JSON; the first frame of every connection.
pub const HELLO: u8 = 0x03;
/// The last frame: all output has come before it.
pub const EXIT: u8 = 0x06;
/// A number that the pong repeats.
pub const PING: u8 = 0x09;
/// Offset of its first byte in this client's input, then the bytes: at most 64 KiB.
pub const INPUT: u8 = 0x81;
/// Offset below which all output has been taken.
pub const ACK: u8 = 0x83;
/// The number of the ping.
pub const PONG: u8 = 0x86;

/// How far a reader has come, over all its connections.
#[derive(Default)]
pub struct At {
    /// Input bytes sent.
    pub typed: u64,
    /// Output bytes seen.
    pub seen: u64,
}

/// Closes that tell that the shell is no more, or that this reader is not wanted.
pub fn is_final(code: u16) -> bool {
    (4000..4400).contains(&code) || matches!(code, 4400 | 4409)
}

/// The offset of the next input byte, as a hello tells it.
pub fn input_offset(hello: &[u8]) -> Option<u64> {
    let hello: serde_json::Value = serde_json::from_slice(hello).ok()?;
    hello.get("input_offset")?.as_u64()
}

/// What a frame asks for.
pub enum Took {
    /// A frame to send back: an ack, or a pong.
    Answer(Bytes),
    Nothing,
    /// The shell has exited.
    End,
}

/// A frame that begins with a number, big-endian: an input's offset, an ack's, or a ping's mark.
pub fn numbered(kind: u8, number: u64, body: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(9 + body.len());
    frame.push(kind);
    frame.extend_from_slice(&number.to_be_bytes());
    frame.extend_from_slice(body);
    frame.into()
}

/// Bytes up to a character at the end whose rest is still missing.
pub fn whole_characters(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    for at in (tail..bytes.len()).rev() {
        let needs = match bytes[at] {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            0x80..=0xbf => continue,
            _ => return bytes.len(),
        };
        return if at + needs > bytes.len() {
            at
        } else {
            bytes.len()
        };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_not_cut_in_the_middle() {
        let euro = "a€".as_bytes();
        assert_eq!(whole_characters(euro), 4);
        assert_eq!(whole_characters(&euro[..3]), 1);
        assert_eq!(whole_characters(&euro[..2]), 1);
        assert_eq!(whole_characters(b"abc"), 3);
        assert_eq!(whole_characters(b""), 0);
        assert_eq!(whole_characters(&[0x80; 5]), 5);
    }
}

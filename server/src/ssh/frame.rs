//! Frames of docs/shell-protocol.md, as a viewer reads and writes them.

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::Deserialize;

use super::channel::Size;

/// Bytes of input in one frame at most.
pub const INPUT_MAX: usize = 64 * 1024;

/// The first frame of every connection.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Hello {
    /// Where the output goes on.
    pub offset: u64,
    /// The next input byte that the node expects of this client.
    pub input_offset: u64,
    /// So many of this client's bytes has the terminal; None: the node is of an earlier version.
    pub input_written: Option<u64>,
    /// How many are attached; [`Frame::Viewers`] tells when that changes.
    pub viewers: u16,
}

/// What a node says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The PTY's bytes from that offset on.
    Output {
        offset: u64,
        bytes: Bytes,
    },
    /// What draws the screen anew, once it is cleared; the output goes on at `offset`.
    Snapshot {
        offset: u64,
        bytes: Bytes,
    },
    Hello(Hello),
    /// All of this client's input below has reached the PTY.
    InputAck(u64),
    /// All output has come; 128 + n for a signal.
    Exit(i32),
    Viewers(u16),
    /// To be answered at once, with [`pong`] of the same number.
    Ping(u64),
    /// Of no interest here, or of a later version.
    Other,
}

/// Reads a frame; None for a known kind with too short a body.
pub fn decode(frame: &Bytes) -> Option<Frame> {
    let kind = *frame.first()?;
    let body = frame.slice(1..);
    Some(match kind {
        0x01 => Frame::Output {
            offset: number(&body)?,
            bytes: body.slice(8..),
        },
        // Columns and rows, four bytes: the terminal is as large as it is.
        0x02 => Frame::Snapshot {
            offset: number(&body)?,
            bytes: (body.len() >= 12).then(|| body.slice(12..))?,
        },
        0x03 => Frame::Hello(serde_json::from_slice(&body).ok()?),
        0x04 => Frame::InputAck(number(&body)?),
        0x06 => Frame::Exit(i32::from_be_bytes(*body.first_chunk()?)),
        0x08 => Frame::Viewers(u16::from_be_bytes(*body.first_chunk()?)),
        0x09 => Frame::Ping(number(&body)?),
        _ => Frame::Other,
    })
}

fn number(body: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*body.first_chunk()?))
}

/// At most [`INPUT_MAX`] bytes; `offset` is that of the first in this client's input.
pub fn input(offset: u64, bytes: &[u8]) -> Bytes {
    with_number(0x81, offset, bytes)
}

pub fn resize(size: Size) -> Bytes {
    let mut frame = BytesMut::with_capacity(5);
    frame.put_u8(0x82);
    frame.put_u16(size.cols);
    frame.put_u16(size.rows);
    frame.freeze()
}

/// All output below has been shown: the node sends 512 KiB beyond that at most.
pub fn ack(offset: u64) -> Bytes {
    with_number(0x83, offset, &[])
}

/// Sent every 15 s, so that either side notices when the other has gone.
pub fn ping() -> Bytes {
    with_number(0x84, 0, &[])
}

/// `number` is the ping's.
pub fn pong(number: u64) -> Bytes {
    with_number(0x86, number, &[])
}

fn with_number(kind: u8, number: u64, bytes: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(9 + bytes.len());
    frame.put_u8(kind);
    frame.put_u64(number);
    frame.put_slice(bytes);
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn frames_are_read_as_the_protocol_says() {
        let output = Bytes::from_static(b"\x01\0\0\0\0\0\0\x01\x02hi");
        let bytes = Bytes::from_static(b"hi");
        assert_eq!(decode(&output), Some(Frame::Output { offset: 258, bytes }));
        let snapshot = Bytes::from_static(b"\x02\0\0\0\0\0\0\0\x09\0\x50\0\x18x");
        let bytes = Bytes::from_static(b"x");
        assert_eq!(
            decode(&snapshot),
            Some(Frame::Snapshot { offset: 9, bytes })
        );
        let exit = Bytes::from_static(b"\x06\0\0\0\x89more");
        assert_eq!(decode(&exit), Some(Frame::Exit(137)));
        assert_eq!(decode(&Bytes::from_static(b"\x77")), Some(Frame::Other));
    }

    #[test]
    fn a_hello_tells_what_was_taken_and_what_was_written() {
        let hello = |rest: &str| {
            let text = format!(r#"{{"version":1,"offset":7,"input_offset":5,"viewers":2{rest}}}"#);
            match decode(&Bytes::from(format!("\x03{text}"))) {
                Some(Frame::Hello(hello)) => (hello.input_offset, hello.input_written),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(hello(r#","input_written":3"#), (5, Some(3)));
        assert_eq!(hello(""), (5, None), "of an earlier version");
    }

    #[test]
    fn a_frame_too_short_is_none() {
        for kind in [0x01, 0x02, 0x03, 0x04, 0x06, 0x08, 0x09] {
            assert_eq!(decode(&Bytes::from(vec![kind, 0])), None, "{kind}");
        }
        assert_eq!(decode(&Bytes::new()), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_but_never_panic(raw in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode(&Bytes::from(raw));
        }
    }
}

//! Frames, as docs/shell-protocol.md lists them.

use serde::Deserialize;

/// Bytes of input in one frame at most.
pub const INPUT_MAX: usize = 64 * 1024;

/// The first frame of every connection.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Hello {
    /// Where the output goes on.
    pub offset: u64,
    /// The next input byte that the node expects of this client.
    pub input_offset: u64,
    /// How much of this client's input the program has; None of a node that does not tell.
    pub input_written: Option<u64>,
    /// This viewer owns the size.
    pub owner: bool,
}

/// What a node says.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// The PTY's bytes from that offset on.
    Output {
        offset: u64,
        bytes: &'a [u8],
    },
    /// What draws the screen anew, once it is cleared; the output goes on at `offset`.
    Snapshot {
        offset: u64,
        bytes: &'a [u8],
    },
    /// The next bytes of a snapshot, which comes with the last of them.
    SnapshotPart(&'a [u8]),
    Hello(Hello),
    /// All of this client's input below has reached the PTY.
    InputAck(u64),
    /// All output has come; 128 + n for a signal.
    Exit(i32),
    /// To our own ping; its number is of no interest.
    Pong,
    /// To be answered at once, with [`pong`] of the same number.
    Ping(u64),
    /// Of no interest here, or of a later version.
    Other,
}

/// Reads a frame; None for a known kind with too short a body.
pub fn decode(frame: &[u8]) -> Option<Frame<'_>> {
    let (kind, body) = frame.split_first()?;
    Some(match kind {
        0x01 => {
            let (offset, bytes) = u64_first(body)?;
            Frame::Output { offset, bytes }
        }
        0x02 => {
            let (offset, rest) = u64_first(body)?;
            // Columns and rows, four bytes: the terminal is as large as it is.
            Frame::Snapshot {
                offset,
                bytes: rest.get(4..)?,
            }
        }
        0x03 => Frame::Hello(serde_json::from_slice(body).ok()?),
        0x04 => Frame::InputAck(u64_first(body)?.0),
        0x06 => Frame::Exit(i32::from_be_bytes(*body.first_chunk()?)),
        0x07 => Frame::Pong,
        0x09 => Frame::Ping(u64_first(body)?.0),
        0x0a => Frame::SnapshotPart(body),
        _ => Frame::Other,
    })
}

fn u64_first(body: &[u8]) -> Option<(u64, &[u8])> {
    let (first, rest) = body.split_first_chunk()?;
    Some((u64::from_be_bytes(*first), rest))
}

/// At most [`INPUT_MAX`] bytes; `offset` is that of the first in this client's input.
pub fn input(offset: u64, bytes: &[u8]) -> Vec<u8> {
    with_u64(0x81, offset, bytes)
}

/// Changes the PTY only where this viewer owns the size.
pub fn resize((cols, rows): (u16, u16)) -> Vec<u8> {
    let mut frame = vec![0x82];
    frame.extend(cols.to_be_bytes());
    frame.extend(rows.to_be_bytes());
    frame
}

/// All output below is on the screen: the node sends 256 KiB beyond that at most.
pub fn ack(offset: u64) -> Vec<u8> {
    with_u64(0x83, offset, &[])
}

/// Sent every 15 s; the node must answer.
pub fn ping() -> Vec<u8> {
    with_u64(0x84, 0, &[])
}

/// This viewer wants to own the size; a [`resize`] then sets it.
pub fn take_size() -> Vec<u8> {
    vec![0x85]
}

/// `number` is the ping's.
pub fn pong(number: u64) -> Vec<u8> {
    with_u64(0x86, number, &[])
}

fn with_u64(kind: u8, number: u64, bytes: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(9 + bytes.len());
    frame.push(kind);
    frame.extend(number.to_be_bytes());
    frame.extend(bytes);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_the_protocol_says() {
        let mut output = vec![0x01, 0, 0, 0, 0, 0, 0, 1, 2];
        output.extend(b"hi");
        assert_eq!(
            decode(&output),
            Some(Frame::Output {
                offset: 258,
                bytes: b"hi"
            })
        );
        let mut snapshot = vec![0x02, 0, 0, 0, 0, 0, 0, 0, 9, 0, 80, 0, 24];
        snapshot.extend(b"x");
        assert_eq!(
            decode(&snapshot),
            Some(Frame::Snapshot {
                offset: 9,
                bytes: b"x"
            })
        );
        assert_eq!(decode(&[0x06, 0, 0, 0, 137, 99]), Some(Frame::Exit(137)));
        assert_eq!(decode(&[0x77]), Some(Frame::Other));
    }

    #[test]
    fn a_frame_too_short_is_none() {
        for kind in [0x01, 0x02, 0x03, 0x04, 0x06, 0x09] {
            assert_eq!(decode(&[kind, 0, 0]), None, "{kind}");
        }
        assert_eq!(decode(&[]), None);
    }
}

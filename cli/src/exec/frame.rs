//! Frames, as docs/exec-protocol.md lists them.

use serde::{Deserialize, Serialize};

/// Bytes of input in one frame at most.
pub const STDIN_MAX: usize = 64 * 1024;
/// Bytes of input that may be under way.
pub const WINDOW: u64 = 512 * 1024;

/// What is to run.
#[derive(Debug, Serialize)]
pub struct Start<'a> {
    pub argv: &'a [String],
}

/// Why a node did not run it.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Refused {
    /// The node's own, such as `conflict`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

/// What a node says.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    Stdout(&'a [u8]),
    Stderr(&'a [u8]),
    /// Bytes of input that the program has taken so far.
    Taken(u64),
    /// All output has come; 128 + n for a signal.
    Exit(i32),
    /// It was not started, or was lost; nothing comes after it.
    Refused(Refused),
    /// Of no interest here, or of a later version.
    Other,
}

/// Reads a frame; None for a known kind with a body that is none.
pub fn decode(frame: &[u8]) -> Option<Frame<'_>> {
    let (kind, body) = frame.split_first()?;
    Some(match kind {
        0x01 => Frame::Stdout(body),
        0x02 => Frame::Stderr(body),
        0x03 => Frame::Taken(u64::from_be_bytes(*body.first_chunk()?)),
        0x04 => Frame::Exit(i32::from_be_bytes(*body.first_chunk()?)),
        0x05 => Frame::Refused(serde_json::from_slice(body).ok()?),
        _ => Frame::Other,
    })
}

/// The first frame, within 10 s of the upgrade, and sent once.
pub fn start(start: &Start) -> Vec<u8> {
    // Words always become JSON.
    with_body(0x81, &serde_json::to_vec(start).unwrap_or_default())
}

/// At most [`STDIN_MAX`] bytes.
pub fn stdin(bytes: &[u8]) -> Vec<u8> {
    with_body(0x82, bytes)
}

/// No more input comes; output may go on.
pub fn stdin_end() -> Vec<u8> {
    with_body(0x83, &[])
}

/// Any frame within 60 s tells that we live; this one has nothing else to say.
pub fn ping() -> Vec<u8> {
    with_body(0x85, &0_u64.to_be_bytes())
}

fn with_body(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(1 + body.len());
    frame.push(kind);
    frame.extend_from_slice(body);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_kinds_are_read_and_cut_ones_are_not() {
        assert_eq!(decode(b"\x01\x00\xff"), Some(Frame::Stdout(b"\x00\xff")));
        assert_eq!(
            decode(&[3, 0, 0, 0, 0, 0, 0, 1, 0]),
            Some(Frame::Taken(256))
        );
        assert_eq!(decode(&[4, 0, 0, 0, 42]), Some(Frame::Exit(42)));
        assert_eq!(decode(&[4, 0]), None);
        assert_eq!(decode(b"\x05{"), None);
        assert_eq!(decode(b"\x7fnew"), Some(Frame::Other));
        assert_eq!(decode(b""), None);
    }
}

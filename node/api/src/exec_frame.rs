//! The frames of docs/exec-protocol.md as bytes, both directions. The first byte is the kind,
//! integers are big-endian.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{error::NodeError, exec::ExecStart};

/// Bytes of input that may be under way: sent by the caller, not yet told as taken by the command. Enough for
/// 400 MB/s where it takes 2.5 ms until the caller hears that they were taken.
pub const STDIN_WINDOW_BYTES: u64 = 512 * 1024;
/// The most a frame carries of a stream.
pub const STREAM_FRAME_BYTES: usize = 64 * 1024;
/// A caller that sends nothing for so long is taken for lost; it pings when it has nothing to say.
pub const SILENCE_S: u64 = 60;

const STDOUT: u8 = 0x01;
const STDERR: u8 = 0x02;
const STDIN_TAKEN: u8 = 0x03;
const EXIT: u8 = 0x04;
const REFUSED: u8 = 0x05;
const PONG: u8 = 0x06;
const OUTPUT_END: u8 = 0x07;
const START: u8 = 0x81;
const STDIN: u8 = 0x82;
const STDIN_END: u8 = 0x83;
const SIGNAL: u8 = 0x84;
const PING: u8 = 0x85;

/// What the caller of a command sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientFrame {
    /// The first frame, and the first only.
    Start(ExecStart),
    /// Input, at most [`STREAM_FRAME_BYTES`].
    Stdin(Bytes),
    /// No more input comes; output may go on.
    StdinEnd,
    /// A signal by its name without SIG (`TERM`), to every process of the command's session.
    Signal(String),
    /// Asks whether the node is there; the number comes back.
    Ping(u64),
    /// A kind this version does not know; to be ignored.
    Unknown(u8),
}

/// What a node sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeFrame {
    /// What it printed, at most [`STREAM_FRAME_BYTES`].
    Stdout(Bytes),
    /// What it printed as errors, at most [`STREAM_FRAME_BYTES`].
    Stderr(Bytes),
    /// How many bytes of input the command has taken since it began.
    StdinTaken(u64),
    /// The exit code, 128 + n for a signal; all output has come before it, nothing comes after.
    Exit(i32),
    /// The command was not started, or the engine lost it; nothing comes after.
    Refused(NodeError),
    /// The number of a ping.
    Pong(u64),
    /// No more output comes, but it has not ended: input is still taken. Sent only where the two are
    /// not the same moment.
    OutputEnd,
    /// A kind this version does not know; to be ignored.
    Unknown(u8),
}

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not even a kind.
    #[error("an empty frame")]
    Empty,
    /// The kind needs more bytes than there are.
    #[error("frame {0:#04x} is too short")]
    TooShort(u8),
    /// The kind, and how many bytes it carries.
    #[error("frame {0:#04x} carries {1} bytes; at most {STREAM_FRAME_BYTES} are taken")]
    TooLong(u8, usize),
    /// Not UTF-8, or not the JSON that the kind has.
    #[error("frame {0:#04x} is not the text it should be")]
    Text(u8),
}

impl ClientFrame {
    /// The frame as it is sent.
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Start(start) => json(START, start),
            Self::Stdin(bytes) => with_bytes(STDIN, bytes),
            Self::StdinEnd => with_bytes(STDIN_END, &[]),
            Self::Signal(name) => with_bytes(SIGNAL, name.as_bytes()),
            Self::Ping(value) => with_bytes(PING, &value.to_be_bytes()),
            Self::Unknown(kind) => with_bytes(*kind, &[]),
        }
    }

    /// [`Malformed`] where the bytes are no frame of a caller. An unknown kind is no error.
    pub fn decode(frame: &Bytes) -> Result<Self, Malformed> {
        let (kind, body) = split(frame)?;
        Ok(match kind {
            START => Self::Start(from_json(kind, &body)?),
            STDIN => Self::Stdin(stream(kind, body)?),
            STDIN_END => Self::StdinEnd,
            SIGNAL => {
                let name = std::str::from_utf8(&body).map_err(|_| Malformed::Text(kind))?;
                Self::Signal(name.to_owned())
            }
            PING => Self::Ping(u64::from_be_bytes(take(kind, &body)?)),
            kind => Self::Unknown(kind),
        })
    }
}

impl NodeFrame {
    /// The frame as it is sent.
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Stdout(bytes) => with_bytes(STDOUT, bytes),
            Self::Stderr(bytes) => with_bytes(STDERR, bytes),
            Self::StdinTaken(count) => with_bytes(STDIN_TAKEN, &count.to_be_bytes()),
            Self::Exit(code) => with_bytes(EXIT, &code.to_be_bytes()),
            Self::Refused(error) => json(REFUSED, error),
            Self::Pong(value) => with_bytes(PONG, &value.to_be_bytes()),
            Self::OutputEnd => with_bytes(OUTPUT_END, &[]),
            Self::Unknown(kind) => with_bytes(*kind, &[]),
        }
    }

    /// [`Malformed`] where the bytes are no frame of a node. An unknown kind is no error.
    pub fn decode(frame: &Bytes) -> Result<Self, Malformed> {
        let (kind, body) = split(frame)?;
        Ok(match kind {
            STDOUT => Self::Stdout(stream(kind, body)?),
            STDERR => Self::Stderr(stream(kind, body)?),
            STDIN_TAKEN => Self::StdinTaken(u64::from_be_bytes(take(kind, &body)?)),
            EXIT => Self::Exit(i32::from_be_bytes(take(kind, &body)?)),
            REFUSED => Self::Refused(from_json(kind, &body)?),
            PONG => Self::Pong(u64::from_be_bytes(take(kind, &body)?)),
            OUTPUT_END => Self::OutputEnd,
            kind => Self::Unknown(kind),
        })
    }
}

fn with_bytes(kind: u8, bytes: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(1 + bytes.len());
    out.put_u8(kind);
    out.put_slice(bytes);
    out.freeze()
}

fn json(kind: u8, value: &impl serde::Serialize) -> Bytes {
    // Structs of texts always become JSON.
    with_bytes(kind, &serde_json::to_vec(value).unwrap_or_default())
}

fn from_json<T: serde::de::DeserializeOwned>(kind: u8, body: &Bytes) -> Result<T, Malformed> {
    serde_json::from_slice(body).map_err(|_| Malformed::Text(kind))
}

fn split(frame: &Bytes) -> Result<(u8, Bytes), Malformed> {
    let kind = *frame.first().ok_or(Malformed::Empty)?;
    Ok((kind, frame.slice(1..)))
}

fn stream(kind: u8, body: Bytes) -> Result<Bytes, Malformed> {
    match body.len() {
        len if len > STREAM_FRAME_BYTES => Err(Malformed::TooLong(kind, len)),
        _ => Ok(body),
    }
}

/// Bytes past these are ignored, so that a later version can add fields.
fn take<const N: usize>(kind: u8, body: &Bytes) -> Result<[u8; N], Malformed> {
    let taken = body.get(..N).and_then(|bytes| bytes.try_into().ok());
    taken.ok_or(Malformed::TooShort(kind))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::NodeErrorCode;

    fn bytes() -> impl Strategy<Value = Bytes> {
        proptest::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from)
    }

    fn client_frame() -> impl Strategy<Value = ClientFrame> {
        let start = |(argv, env): (Vec<String>, Vec<(String, String)>)| {
            ClientFrame::Start(ExecStart { argv, env })
        };
        prop_oneof![
            any::<(Vec<String>, Vec<(String, String)>)>().prop_map(start),
            bytes().prop_map(ClientFrame::Stdin),
            Just(ClientFrame::StdinEnd),
            any::<String>().prop_map(ClientFrame::Signal),
            any::<u64>().prop_map(ClientFrame::Ping),
        ]
    }

    fn node_frame() -> impl Strategy<Value = NodeFrame> {
        let refused = |message| {
            NodeFrame::Refused(NodeError {
                code: NodeErrorCode::Conflict,
                message,
            })
        };
        prop_oneof![
            bytes().prop_map(NodeFrame::Stdout),
            bytes().prop_map(NodeFrame::Stderr),
            any::<u64>().prop_map(NodeFrame::StdinTaken),
            any::<i32>().prop_map(NodeFrame::Exit),
            any::<String>().prop_map(refused),
            any::<u64>().prop_map(NodeFrame::Pong),
            Just(NodeFrame::OutputEnd),
        ]
    }

    proptest! {
        #[test]
        fn client_frames_survive_the_wire(frame in client_frame()) {
            prop_assert_eq!(ClientFrame::decode(&frame.encode()), Ok(frame));
        }

        #[test]
        fn node_frames_survive_the_wire(frame in node_frame()) {
            prop_assert_eq!(NodeFrame::decode(&frame.encode()), Ok(frame));
        }

        #[test]
        fn any_bytes_are_read_or_refused_but_never_panic(raw in bytes()) {
            let _ = ClientFrame::decode(&raw);
            let _ = NodeFrame::decode(&raw);
        }
    }

    #[test]
    fn a_frame_over_its_limit_is_refused() {
        let long = Bytes::from(vec![0; STREAM_FRAME_BYTES + 1]);
        let refused = ClientFrame::decode(&ClientFrame::Stdin(long).encode());
        assert_eq!(
            refused,
            Err(Malformed::TooLong(STDIN, STREAM_FRAME_BYTES + 1))
        );
    }
}

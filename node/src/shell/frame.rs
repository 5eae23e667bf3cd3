//! The frames of docs/shell-protocol.md as bytes, both directions. The first byte is the kind,
//! integers are big-endian.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::limits::{INPUT_FRAME_BYTES, Size};

/// The protocol's version, told in the hello.
pub const VERSION: u32 = 1;

const OUTPUT: u8 = 0x01;
const SNAPSHOT: u8 = 0x02;
const HELLO: u8 = 0x03;
const INPUT_ACK: u8 = 0x04;
const SIZE: u8 = 0x05;
const EXIT: u8 = 0x06;
const PONG: u8 = 0x07;
const VIEWERS: u8 = 0x08;
const PING: u8 = 0x09;
const INPUT: u8 = 0x81;
const RESIZE: u8 = 0x82;
const ACK: u8 = 0x83;
const VIEWER_PING: u8 = 0x84;
const TAKE_SIZE: u8 = 0x85;
const VIEWER_PONG: u8 = 0x86;

/// The first frame a viewer gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub version: u32,
    pub shell_id: Uuid,
    pub cols: u16,
    pub rows: u16,
    /// Where the output goes on: `from`, or the offset of the snapshot that follows.
    pub offset: u64,
    /// How much of this client's input has been taken: the offset of the next byte it may send.
    pub input_offset: u64,
    /// How much of it the PTY has. The client may send up to `ShellLimits::unwritten_input_bytes` behind it.
    #[serde(default)]
    pub input_written: u64,
    /// Whether this viewer owns the size.
    pub owner: bool,
    pub viewers: u16,
}

/// What a node sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeFrame {
    Output {
        offset: u64,
        bytes: Bytes,
    },
    Snapshot {
        offset: u64,
        size: Size,
        bytes: Bytes,
    },
    Hello(Hello),
    InputAck(u64),
    Size {
        size: Size,
        owner: bool,
    },
    Exit(i32),
    Pong(u64),
    Viewers(u16),
    Ping(u64),
    /// A kind this version does not know; to be ignored.
    Unknown(u8),
}

/// What a viewer sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewerFrame {
    Input {
        offset: u64,
        bytes: Bytes,
    },
    /// As sent, not clamped yet.
    Resize {
        cols: u16,
        rows: u16,
    },
    Ack(u64),
    Ping(u64),
    TakeSize,
    Pong(u64),
    /// A kind this version does not know; to be ignored.
    Unknown(u8),
}

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("an empty frame")]
    Empty,
    #[error("frame {0:#04x} is too short")]
    TooShort(u8),
    #[error("an input frame holds {0} bytes; at most 65536 are taken")]
    InputTooLong(usize),
    #[error("the hello is not the JSON it should be")]
    Hello,
}

/// An output frame's header, for those who write the bytes behind it themselves.
pub fn output_header(offset: u64, out: &mut Vec<u8>) {
    out.push(OUTPUT);
    out.extend_from_slice(&offset.to_be_bytes());
}

impl NodeFrame {
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(16);
        match self {
            Self::Output { offset, bytes } => {
                out.reserve(9 + bytes.len());
                put_u64(&mut out, OUTPUT, *offset);
                out.put_slice(bytes);
            }
            Self::Snapshot {
                offset,
                size,
                bytes,
            } => {
                out.reserve(13 + bytes.len());
                put_u64(&mut out, SNAPSHOT, *offset);
                put_size(&mut out, *size);
                out.put_slice(bytes);
            }
            Self::Hello(hello) => {
                out.put_u8(HELLO);
                // A struct of numbers and an id always becomes JSON.
                out.put_slice(&serde_json::to_vec(hello).unwrap_or_default());
            }
            Self::InputAck(offset) => put_u64(&mut out, INPUT_ACK, *offset),
            Self::Size { size, owner } => {
                out.put_u8(SIZE);
                put_size(&mut out, *size);
                out.put_u8(u8::from(*owner));
            }
            Self::Exit(code) => {
                out.put_u8(EXIT);
                out.put_i32(*code);
            }
            Self::Pong(value) => put_u64(&mut out, PONG, *value),
            Self::Viewers(count) => {
                out.put_u8(VIEWERS);
                out.put_u16(*count);
            }
            Self::Ping(value) => put_u64(&mut out, PING, *value),
            Self::Unknown(kind) => out.put_u8(*kind),
        }
        out.freeze()
    }

    pub fn decode(frame: &Bytes) -> Result<Self, Malformed> {
        let mut body = Body::of(frame)?;
        Ok(match body.kind {
            OUTPUT => Self::Output {
                offset: body.u64()?,
                bytes: body.rest(),
            },
            SNAPSHOT => Self::Snapshot {
                offset: body.u64()?,
                size: Size::clamped(body.u16()?, body.u16()?),
                bytes: body.rest(),
            },
            HELLO => {
                Self::Hello(serde_json::from_slice(&body.rest()).map_err(|_| Malformed::Hello)?)
            }
            INPUT_ACK => Self::InputAck(body.u64()?),
            SIZE => Self::Size {
                size: Size::clamped(body.u16()?, body.u16()?),
                owner: body.take::<1>()? == [1],
            },
            EXIT => Self::Exit(i32::from_be_bytes(body.take()?)),
            PONG => Self::Pong(body.u64()?),
            VIEWERS => Self::Viewers(body.u16()?),
            PING => Self::Ping(body.u64()?),
            kind => Self::Unknown(kind),
        })
    }
}

impl ViewerFrame {
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(16);
        match self {
            Self::Input { offset, bytes } => {
                out.reserve(9 + bytes.len());
                put_u64(&mut out, INPUT, *offset);
                out.put_slice(bytes);
            }
            Self::Resize { cols, rows } => {
                out.put_u8(RESIZE);
                out.put_u16(*cols);
                out.put_u16(*rows);
            }
            Self::Ack(offset) => put_u64(&mut out, ACK, *offset),
            Self::Ping(value) => put_u64(&mut out, VIEWER_PING, *value),
            Self::TakeSize => out.put_u8(TAKE_SIZE),
            Self::Pong(value) => put_u64(&mut out, VIEWER_PONG, *value),
            Self::Unknown(kind) => out.put_u8(*kind),
        }
        out.freeze()
    }

    pub fn decode(frame: &Bytes) -> Result<Self, Malformed> {
        let mut body = Body::of(frame)?;
        Ok(match body.kind {
            INPUT => {
                let offset = body.u64()?;
                let bytes = body.rest();
                if bytes.len() > INPUT_FRAME_BYTES {
                    return Err(Malformed::InputTooLong(bytes.len()));
                }
                Self::Input { offset, bytes }
            }
            RESIZE => Self::Resize {
                cols: body.u16()?,
                rows: body.u16()?,
            },
            ACK => Self::Ack(body.u64()?),
            VIEWER_PING => Self::Ping(body.u64()?),
            TAKE_SIZE => Self::TakeSize,
            VIEWER_PONG => Self::Pong(body.u64()?),
            kind => Self::Unknown(kind),
        })
    }
}

fn put_u64(out: &mut BytesMut, kind: u8, value: u64) {
    out.put_u8(kind);
    out.put_u64(value);
}

fn put_size(out: &mut BytesMut, size: Size) {
    out.put_u16(size.cols);
    out.put_u16(size.rows);
}

/// What is left to read of a frame. Bytes past what a kind needs are ignored, so that a later
/// version can add fields.
struct Body<'a> {
    kind: u8,
    frame: &'a Bytes,
    at: usize,
}

impl<'a> Body<'a> {
    fn of(frame: &'a Bytes) -> Result<Self, Malformed> {
        let kind = *frame.first().ok_or(Malformed::Empty)?;
        Ok(Self { kind, frame, at: 1 })
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let taken = self
            .frame
            .get(self.at..self.at + N)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(Malformed::TooShort(self.kind))?;
        self.at += N;
        Ok(taken)
    }

    fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(self.take()?))
    }

    fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(self.take()?))
    }

    fn rest(&self) -> Bytes {
        self.frame.slice(self.at..)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size() -> impl Strategy<Value = Size> {
        (1_u16..=500, 1_u16..=500).prop_map(|(cols, rows)| Size { cols, rows })
    }

    fn bytes() -> impl Strategy<Value = Bytes> {
        proptest::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from)
    }

    fn node_frame() -> impl Strategy<Value = NodeFrame> {
        prop_oneof![
            (any::<u64>(), bytes()).prop_map(|(offset, bytes)| NodeFrame::Output { offset, bytes }),
            (any::<u64>(), size(), bytes()).prop_map(|(offset, size, bytes)| NodeFrame::Snapshot {
                offset,
                size,
                bytes
            }),
            (any::<u128>(), any::<u64>(), size()).prop_map(|(id, offset, size)| {
                NodeFrame::Hello(Hello {
                    version: VERSION,
                    shell_id: Uuid::from_u128(id),
                    cols: size.cols,
                    rows: size.rows,
                    offset,
                    input_offset: offset / 2,
                    input_written: offset / 3,
                    owner: offset % 2 == 0,
                    viewers: 3,
                })
            }),
            any::<u64>().prop_map(NodeFrame::InputAck),
            (size(), any::<bool>()).prop_map(|(size, owner)| NodeFrame::Size { size, owner }),
            any::<i32>().prop_map(NodeFrame::Exit),
            any::<u64>().prop_map(NodeFrame::Pong),
            any::<u16>().prop_map(NodeFrame::Viewers),
            any::<u64>().prop_map(NodeFrame::Ping),
        ]
    }

    fn viewer_frame() -> impl Strategy<Value = ViewerFrame> {
        prop_oneof![
            (any::<u64>(), bytes())
                .prop_map(|(offset, bytes)| ViewerFrame::Input { offset, bytes }),
            (any::<u16>(), any::<u16>())
                .prop_map(|(cols, rows)| ViewerFrame::Resize { cols, rows }),
            any::<u64>().prop_map(ViewerFrame::Ack),
            any::<u64>().prop_map(ViewerFrame::Ping),
            Just(ViewerFrame::TakeSize),
            any::<u64>().prop_map(ViewerFrame::Pong),
        ]
    }

    proptest! {
        #[test]
        fn node_frames_survive_the_wire(frame in node_frame()) {
            prop_assert_eq!(NodeFrame::decode(&frame.encode()), Ok(frame));
        }

        #[test]
        fn viewer_frames_survive_the_wire(frame in viewer_frame()) {
            prop_assert_eq!(ViewerFrame::decode(&frame.encode()), Ok(frame));
        }

        #[test]
        fn any_bytes_are_read_or_refused_but_never_panic(raw in bytes()) {
            let _ = NodeFrame::decode(&raw);
            let _ = ViewerFrame::decode(&raw);
        }

        #[test]
        fn a_known_kind_cut_short_is_malformed(frame in viewer_frame(), cut in 1_usize..9) {
            let whole = frame.encode();
            // The fixed part: what an input frame holds behind it may be empty.
            let fixed = match frame {
                ViewerFrame::Input { .. } => 9,
                _ => whole.len(),
            };
            if cut < fixed {
                let kind = whole[0];
                prop_assert_eq!(
                    ViewerFrame::decode(&whole.slice(..cut)),
                    Err(Malformed::TooShort(kind))
                );
            }
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_document() {
        let output = NodeFrame::Output {
            offset: 258,
            bytes: Bytes::from_static(b"hi"),
        };
        assert_eq!(&output.encode()[..], b"\x01\0\0\0\0\0\0\x01\x02hi");
        let resize = ViewerFrame::Resize { cols: 80, rows: 24 };
        assert_eq!(&resize.encode()[..], b"\x82\0\x50\0\x18");
        assert_eq!(&NodeFrame::Exit(-1).encode()[..], b"\x06\xff\xff\xff\xff");
    }

    #[test]
    fn unknown_kinds_are_told_apart_from_malformed_ones() {
        let unknown = Bytes::from_static(&[0x7f, 1, 2]);
        assert_eq!(
            ViewerFrame::decode(&unknown),
            Ok(ViewerFrame::Unknown(0x7f))
        );
        assert_eq!(ViewerFrame::decode(&Bytes::new()), Err(Malformed::Empty));
    }

    #[test]
    fn input_over_64_kib_is_refused() {
        let input = ViewerFrame::Input {
            offset: 0,
            bytes: vec![0; INPUT_FRAME_BYTES + 1].into(),
        };
        assert_eq!(
            ViewerFrame::decode(&input.encode()),
            Err(Malformed::InputTooLong(INPUT_FRAME_BYTES + 1))
        );
    }
}

//! Frames from a node.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Malformed,
    body::{Body, put_size, put_u64},
};
use crate::shell::limits::Size;

const OUTPUT: u8 = 0x01;
const SNAPSHOT: u8 = 0x02;
const HELLO: u8 = 0x03;
const INPUT_ACK: u8 = 0x04;
const SIZE: u8 = 0x05;
const EXIT: u8 = 0x06;
const PONG: u8 = 0x07;
const VIEWERS: u8 = 0x08;
const PING: u8 = 0x09;
const SNAPSHOT_PART: u8 = 0x0a;

/// The first frame a viewer gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The node's [`VERSION`](super::VERSION).
    pub version: u32,
    pub shell_id: Uuid,
    /// The PTY's size now.
    pub cols: u16,
    /// As `cols`.
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
    /// How many are attached, this one included.
    pub viewers: u16,
}

/// What a node sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeFrame {
    /// What the PTY printed from this offset on, as it came.
    Output {
        offset: u64,
        bytes: Bytes,
    },
    /// A drawing for a terminal that was just reset; output goes on at this offset.
    Snapshot {
        offset: u64,
        size: Size,
        bytes: Bytes,
    },
    /// The next bytes of a snapshot whose frame comes with the last of them.
    SnapshotPart(Bytes),
    Hello(Hello),
    /// The PTY has this client's input up to here.
    InputAck(u64),
    /// The PTY's size, and whether this viewer owns it.
    Size {
        size: Size,
        owner: bool,
    },
    /// 128 + n for a signal. All output has come, and a close follows.
    Exit(i32),
    /// The number of a viewer's ping.
    Pong(u64),
    Viewers(u16),
    /// The viewer was silent for long: it answers with the same number.
    Ping(u64),
    /// A kind this version does not know; to be ignored.
    Unknown(u8),
}

/// An output frame's header, for those who write the bytes behind it themselves.
pub fn output_header(offset: u64, out: &mut Vec<u8>) {
    out.push(OUTPUT);
    out.extend_from_slice(&offset.to_be_bytes());
}

impl NodeFrame {
    /// The frame as it is sent.
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
            Self::SnapshotPart(bytes) => {
                out.reserve(1 + bytes.len());
                out.put_u8(SNAPSHOT_PART);
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

    /// [`Malformed`] where the bytes are no frame of a node. An unknown kind is no error.
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
            SNAPSHOT_PART => Self::SnapshotPart(body.rest()),
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

//! Frames from a viewer.

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    Malformed,
    body::{Body, put_u64},
};
use crate::shell::limits::INPUT_FRAME_BYTES;

const INPUT: u8 = 0x81;
const RESIZE: u8 = 0x82;
const ACK: u8 = 0x83;
const VIEWER_PING: u8 = 0x84;
const TAKE_SIZE: u8 = 0x85;
const VIEWER_PONG: u8 = 0x86;

/// What a viewer sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewerFrame {
    /// Typed bytes, from this offset of the client's input on.
    Input {
        offset: u64,
        bytes: Bytes,
    },
    /// As sent, not clamped yet.
    Resize {
        cols: u16,
        rows: u16,
    },
    /// The viewer's terminal has shown the output up to here.
    Ack(u64),
    /// Answered by a pong with the same number.
    Ping(u64),
    /// The viewer wants to own the size.
    TakeSize,
    Pong(u64),
    /// A kind this version does not know; to be ignored.
    Unknown(u8),
}

impl ViewerFrame {
    /// The frame as it is sent.
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

    /// [`Malformed`] where the bytes are no frame of a viewer. An unknown kind is no error.
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

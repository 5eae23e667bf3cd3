//! What both directions read and write of a frame.

use bytes::{BufMut, Bytes, BytesMut};

use super::Malformed;
use crate::shell::limits::Size;

/// What is left to read of a frame. Bytes past what a kind needs are ignored, so that a later
/// version can add fields.
pub(super) struct Body<'a> {
    pub kind: u8,
    frame: &'a Bytes,
    at: usize,
}

impl<'a> Body<'a> {
    /// Takes the kind off; `Empty` where there is none.
    pub fn of(frame: &'a Bytes) -> Result<Self, Malformed> {
        let kind = *frame.first().ok_or(Malformed::Empty)?;
        Ok(Self { kind, frame, at: 1 })
    }

    /// The next bytes; `TooShort` where there are not so many, as with the numbers below.
    pub fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let taken = self
            .frame
            .get(self.at..self.at + N)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(Malformed::TooShort(self.kind))?;
        self.at += N;
        Ok(taken)
    }

    pub fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(self.take()?))
    }

    pub fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(self.take()?))
    }

    pub fn rest(&self) -> Bytes {
        self.frame.slice(self.at..)
    }
}

pub(super) fn put_u64(out: &mut BytesMut, kind: u8, value: u64) {
    out.put_u8(kind);
    out.put_u64(value);
}

pub(super) fn put_size(out: &mut BytesMut, size: Size) {
    out.put_u16(size.cols);
    out.put_u16(size.rows);
}

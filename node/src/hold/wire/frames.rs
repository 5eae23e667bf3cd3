//! Reading frames from a stream.

use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{Decode, FRAME_BYTES, OUTPUT_BYTES};

/// Room for so much is made when less than that is left: what was read and is still in use somewhere keeps
/// its whole buffer.
const READ_BYTES: usize = 16 * 1024;
const READ_LEAST: usize = 4 * 1024;
/// The buffer that has grown for a longer frame goes with it.
const LONG_BYTES: usize = OUTPUT_BYTES + 1024;

/// Reads frames one by one; nothing is lost when reading is given up and begun again.
pub struct Frames<R> {
    read: R,
    /// What was read and is no whole frame yet.
    pub(super) buffer: BytesMut,
    /// It has grown for a frame that was longer than usual.
    grown: bool,
    /// The last frame was none of a flood's.
    calm: bool,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    pub fn new(read: R) -> Self {
        Self {
            read,
            buffer: BytesMut::new(),
            grown: false,
            calm: true,
        }
    }

    /// The next frame; None at the end of the stream.
    pub async fn next<F: Decode>(&mut self) -> io::Result<Option<F>> {
        loop {
            if let Some(frame) = self.whole()? {
                return Ok(Some(frame));
            }
            self.make_room();
            if self.read.read_buf(&mut self.buffer).await? == 0 {
                return match self.buffer.is_empty() {
                    true => Ok(None),
                    false => Err(bad("the stream ended within a frame")),
                };
            }
        }
    }

    fn make_room(&mut self) {
        // What a flood has made of it would stay for as long as the connection.
        if self.grown && self.calm && self.buffer.is_empty() {
            (self.buffer, self.grown) = (BytesMut::new(), false);
        }
        if self.buffer.capacity() - self.buffer.len() < READ_LEAST {
            self.grown |= !self.buffer.is_empty();
            self.buffer.reserve(READ_BYTES);
        }
    }

    fn whole<F: Decode>(&mut self) -> io::Result<Option<F>> {
        let Some(head) = self.buffer.first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*head) as usize;
        if length == 0 || length > FRAME_BYTES {
            return Err(bad("a frame has an impossible length"));
        }
        if self.buffer.len() < 4 + length {
            return Ok(None);
        }
        self.buffer.advance(4);
        let mut body = self.buffer.split_to(length).freeze();
        if length > LONG_BYTES {
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
        self.calm = length < READ_LEAST;
        let kind = body.get_u8();
        match F::decode(kind, body) {
            Some(frame) => Ok(Some(frame)),
            None => Err(bad("a frame cannot be read")),
        }
    }
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

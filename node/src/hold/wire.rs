//! What node and holder say to each other, over a Unix socket.
//!
//! A frame is its length (u32, big-endian: kind and body), its kind, its body. The first one each way is a
//! hello with a version. A hello, the list and retiring mean the same in every version: so a node can
//! always end what a holder of another one has, and say so. Records are JSON, and what one side does not
//! know of them is passed over.

mod frames;
#[cfg(test)]
mod tests;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use node_api::error::NodeErrorCode;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

pub use self::frames::Frames;
use crate::driver::DriverError;

/// Raised when one side could no longer understand the other.
pub const VERSION: u8 = 1;
/// The longest frame, kind and body: a shell's command and environment as JSON.
pub const FRAME_BYTES: usize = 4 * 1024 * 1024;
/// The most output in one frame.
pub const OUTPUT_BYTES: usize = 64 * 1024;
/// A longer drawing of a screen is not kept.
pub const DRAWING_BYTES: usize = 1024 * 1024;

/// From the node.
#[derive(Clone, Debug, PartialEq)]
pub enum ToHolder {
    /// The version that the node speaks; comes first.
    Hello(u8),
    /// Answered by one `Held` for each shell, and `Listed`.
    List,
    /// Ends all shells, and the holder; why, in words.
    Retire(String),
    /// Answered by `Answer` with the same number.
    Ask(u64, Ask),
    /// From now on this connection is the shell's: its output from here on.
    Attach {
        shell: Uuid,
        from: u64,
    },
    /// Bytes of a viewer for the PTY; `end`: that viewer's input offset behind them.
    Input {
        client: u64,
        end: u64,
        bytes: Bytes,
    },
    /// This viewer's input offset need not be kept.
    Forget(u64),
    /// Answered by `Synced`: what was sent before has been taken.
    Sync(u64),
    /// Who owns the size.
    Owner(Option<u64>),
    Drawing(Drawing),
}

/// From the holder.
#[derive(Clone, Debug, PartialEq)]
pub enum FromHolder {
    /// The version that the holder speaks, whatever the node's is.
    Hello(u8),
    Held(Box<Held>),
    /// All of a list has come.
    Listed,
    /// To the ask of this number.
    Answer(u64, Result<Option<i32>, Fault>),
    /// What the PTY printed from this offset on. Where that is not the next one, what lies between is gone.
    Output {
        offset: u64,
        bytes: Bytes,
    },
    /// The PTY has this viewer's input up to here.
    Written {
        client: u64,
        end: u64,
    },
    /// To the sync of this number.
    Synced(u64),
    /// The PTY has ended, all output has come.
    Ended(Ended),
    /// The newest that the node gave; before any output.
    Drawing(Drawing),
}

/// A terminal as it was at an offset of the output, for a node that takes the shell up again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// Where output goes on: all before it is drawn.
    pub offset: u64,
    /// The size it was drawn at, in characters.
    pub cols: u16,
    /// As `cols`.
    pub rows: u16,
    /// For a terminal that was just reset.
    pub bytes: Bytes,
}

/// What the holder is asked to do; answered with an exit code where there is one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    Open(Open),
    /// Sets the PTY's size.
    Resize {
        shell: Uuid,
        cols: u16,
        rows: u16,
    },
    /// Ends every process of the session.
    Kill {
        shell: Uuid,
    },
    /// Answered with None while it runs.
    ExitCode {
        shell: Uuid,
    },
    /// The node needs it no more; it is ended if it lives.
    Forget {
        shell: Uuid,
    },
}

/// A shell to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// The id that the node's caller chose for it.
    pub shell: Uuid,
    pub vm_id: Uuid,
    /// Microseconds since the Unix epoch.
    pub created_at: i64,
    /// Its first size, in characters.
    pub cols: u16,
    /// As `cols`.
    pub rows: u16,
    /// What root's login shell runs in place of a login.
    #[serde(default)]
    pub command: Option<String>,
    /// Added to the environment, or in place of what it sets.
    #[serde(default)]
    pub env: Vec<(String, String)>,
    /// In the environment of all that runs in it, so that it is found without the holder.
    pub mark: String,
}

/// What a node needs to take a shell up again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    pub shell: Uuid,
    pub vm_id: Uuid,
    /// Microseconds since the Unix epoch.
    pub created_at: i64,
    /// When somebody typed last, likewise.
    pub active_at: i64,
    /// Its size now, in characters.
    pub cols: u16,
    /// As `cols`.
    pub rows: u16,
    /// The output that is here: from this offset up to that.
    pub start: u64,
    pub end: u64,
    /// Whether there is a drawing, too.
    #[serde(default)]
    pub drawn: bool,
    /// The client that the size belongs to, here or away.
    #[serde(default)]
    pub owner: Option<u64>,
    /// How far each viewer's input has come, the one used longest ago first.
    #[serde(default)]
    pub clients: Vec<Progress>,
}

/// How far a viewer's input has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The client's id, as viewers have it.
    pub client: u64,
    /// The holder has it.
    pub taken: u64,
    /// The PTY has it.
    pub written: u64,
}

/// How a PTY ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Where the engine has told it yet.
    pub code: Option<i32>,
    /// The engine's words, where it failed.
    pub failed: Option<String>,
}

/// A driver's error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub code: NodeErrorCode,
    pub message: String,
}

impl From<DriverError> for Fault {
    fn from(error: DriverError) -> Self {
        Self {
            code: error.code,
            message: error.message,
        }
    }
}

impl From<Fault> for DriverError {
    fn from(fault: Fault) -> Self {
        Self::new(fault.code, fault.message)
    }
}

/// A frame that can be written.
pub trait Encode {
    /// Appends the frame.
    fn encode(&self, out: &mut BytesMut);
}

/// A frame that can be read.
pub trait Decode: Sized {
    /// None where kind or body is not understood.
    fn decode(kind: u8, body: Bytes) -> Option<Self>;
}

impl Encode for ToHolder {
    fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Hello(version) => frame(out, 0x01, |out| out.put_u8(*version)),
            Self::List => frame(out, 0x02, |_| {}),
            Self::Retire(why) => frame(out, 0x03, |out| out.put_slice(why.as_bytes())),
            Self::Ask(number, ask) => frame(out, 0x04, |out| {
                out.put_u64(*number);
                json(out, ask);
            }),
            Self::Attach { shell, from } => frame(out, 0x05, |out| {
                out.put_slice(shell.as_bytes());
                out.put_u64(*from);
            }),
            Self::Input { client, end, bytes } => frame(out, 0x06, |out| {
                out.put_u64(*client);
                out.put_u64(*end);
                out.put_slice(bytes);
            }),
            Self::Forget(client) => frame(out, 0x07, |out| out.put_u64(*client)),
            Self::Sync(number) => frame(out, 0x08, |out| out.put_u64(*number)),
            Self::Owner(client) => frame(out, 0x09, |out| {
                if let Some(client) = client {
                    out.put_u64(*client);
                }
            }),
            Self::Drawing(drawing) => drawing.encode(out, 0x0a),
        }
    }
}

impl Decode for ToHolder {
    fn decode(kind: u8, mut body: Bytes) -> Option<Self> {
        Some(match kind {
            0x01 => Self::Hello(body.try_get_u8().ok()?),
            0x02 => Self::List,
            0x03 => Self::Retire(String::from_utf8_lossy(&body).into_owned()),
            0x04 => Self::Ask(body.try_get_u64().ok()?, parsed(&body)?),
            0x05 => Self::Attach {
                shell: Uuid::from_u128(body.try_get_u128().ok()?),
                from: body.try_get_u64().ok()?,
            },
            0x06 => Self::Input {
                client: body.try_get_u64().ok()?,
                end: body.try_get_u64().ok()?,
                bytes: body,
            },
            0x07 => Self::Forget(body.try_get_u64().ok()?),
            0x08 => Self::Sync(body.try_get_u64().ok()?),
            0x09 => Self::Owner(match body.is_empty() {
                true => None,
                false => Some(body.try_get_u64().ok()?),
            }),
            0x0a => Self::Drawing(Drawing::decode(body)?),
            _ => return None,
        })
    }
}

impl Encode for FromHolder {
    fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Hello(version) => frame(out, 0x81, |out| out.put_u8(*version)),
            Self::Held(held) => frame(out, 0x82, |out| json(out, held)),
            Self::Listed => frame(out, 0x83, |_| {}),
            Self::Answer(number, answer) => frame(out, 0x84, |out| {
                out.put_u64(*number);
                json(out, answer);
            }),
            Self::Output { offset, bytes } => frame(out, 0x85, |out| {
                out.put_u64(*offset);
                out.put_slice(bytes);
            }),
            Self::Written { client, end } => frame(out, 0x86, |out| {
                out.put_u64(*client);
                out.put_u64(*end);
            }),
            Self::Synced(number) => frame(out, 0x87, |out| out.put_u64(*number)),
            Self::Ended(ended) => frame(out, 0x88, |out| json(out, ended)),
            Self::Drawing(drawing) => drawing.encode(out, 0x89),
        }
    }
}

impl Decode for FromHolder {
    fn decode(kind: u8, mut body: Bytes) -> Option<Self> {
        Some(match kind {
            0x81 => Self::Hello(body.try_get_u8().ok()?),
            0x82 => Self::Held(Box::new(parsed(&body)?)),
            0x83 => Self::Listed,
            0x84 => Self::Answer(body.try_get_u64().ok()?, parsed(&body)?),
            0x85 => Self::Output {
                offset: body.try_get_u64().ok()?,
                bytes: body,
            },
            0x86 => Self::Written {
                client: body.try_get_u64().ok()?,
                end: body.try_get_u64().ok()?,
            },
            0x87 => Self::Synced(body.try_get_u64().ok()?),
            0x88 => Self::Ended(parsed(&body)?),
            0x89 => Self::Drawing(Drawing::decode(body)?),
            _ => return None,
        })
    }
}

impl Drawing {
    fn encode(&self, out: &mut BytesMut, kind: u8) {
        frame(out, kind, |out| {
            out.put_u64(self.offset);
            out.put_u16(self.cols);
            out.put_u16(self.rows);
            out.put_slice(&self.bytes);
        });
    }

    fn decode(mut body: Bytes) -> Option<Self> {
        Some(Self {
            offset: body.try_get_u64().ok()?,
            cols: body.try_get_u16().ok()?,
            rows: body.try_get_u16().ok()?,
            bytes: body,
        })
    }
}

fn frame(out: &mut BytesMut, kind: u8, body: impl FnOnce(&mut BytesMut)) {
    let at = out.len();
    out.put_u32(0);
    out.put_u8(kind);
    body(out);
    let length = u32::try_from(out.len() - at - 4).unwrap_or(u32::MAX);
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
}

fn json(out: &mut BytesMut, record: &impl Serialize) {
    // These records have nothing in them that JSON cannot say.
    if let Ok(text) = serde_json::to_vec(record) {
        out.put_slice(&text);
    }
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

/// One frame as bytes.
pub fn encoded(frame: &impl Encode) -> BytesMut {
    let mut out = BytesMut::new();
    frame.encode(&mut out);
    out
}

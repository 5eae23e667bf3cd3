//! A PTY as a shell has it: of this process, or with the holder.

use std::{io, pin::Pin, sync::Arc};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::io::AsyncWriteExt;

use super::input::{ClientId, Piece};
use crate::{
    driver::{DriverError, Tty, TtyControl, TtyInput},
    hold::{HeldInput, wire::ToHolder},
};

/// What comes from a PTY.
pub enum FromPty {
    Output(Bytes),
    /// Output goes on at this offset; what was before it is forgotten.
    Skipped(u64),
    /// The PTY has this client's input up to here.
    Written {
        client: ClientId,
        end: u64,
    },
    /// The holder has what was sent before the question of this number.
    Synced(u64),
    /// The holder is gone, and the PTY's stream with it.
    Lost,
}

/// All that comes; it ends when the program does.
pub type PtyOutput = Pin<Box<dyn Stream<Item = Result<FromPty, DriverError>> + Send>>;

/// Where input goes.
pub enum PtyInput {
    /// To the PTY itself, which ends with this process.
    Own(TtyInput),
    /// To the holder, which keeps it until the program reads it.
    Held(Arc<HeldInput>),
}

/// A PTY's streams and its control.
pub struct Pty {
    pub output: PtyOutput,
    /// Where what is typed goes.
    pub input: PtyInput,
    /// Its size, its exit code, its end.
    pub control: Box<dyn TtyControl>,
}

impl From<Tty> for Pty {
    fn from(tty: Tty) -> Self {
        Self {
            output: Box::pin(tty.output.map(|chunk| chunk.map(FromPty::Output))),
            input: PtyInput::Own(tty.input),
            control: tty.control,
        }
    }
}

impl PtyInput {
    /// Passes input on. True when the PTY has it; otherwise that is told by `FromPty::Written`.
    pub async fn put(&mut self, piece: &Piece) -> io::Result<bool> {
        match self {
            Self::Own(pty) => {
                pty.write_all(&piece.bytes).await?;
                pty.flush().await?;
                Ok(true)
            }
            Self::Held(holder) => {
                let input = ToHolder::Input {
                    client: piece.client.0,
                    end: piece.end,
                    bytes: piece.bytes.clone(),
                };
                holder.say(&input).await?;
                Ok(false)
            }
        }
    }

    /// The holder, where there is one.
    pub fn holder(&self) -> Option<Arc<HeldInput>> {
        match self {
            Self::Own(_) => None,
            Self::Held(holder) => Some(holder.clone()),
        }
    }
}

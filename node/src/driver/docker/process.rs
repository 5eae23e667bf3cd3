//! A command with its streams apart, through an exec of the engine.
//!
//! The engine sends stdout and stderr on one stream, each piece behind a head of eight bytes: the
//! stream's number, three zeros, the piece's length (big-endian).

use std::{pin::Pin, sync::Arc};

use bollard::exec::CreateExecOptions;
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, stream};
use node_api::{
    error::NodeErrorCode,
    exec::{ExecStart, FILES},
};
use tokio::io::{AsyncRead, AsyncWrite};
use uuid::Uuid;

use super::{
    api::EXEC,
    context::{Context, container_name, named},
    exec::environment,
    exec_control::{ExecControl, Unclaimed},
    files, full,
    hijack::{self, CHUNK},
};
use crate::driver::{DriverError, Piece, Process};

const HEAD: usize = 8;
const STDERR: u8 = 2;

/// What a command prints.
pub(super) type Output = Pin<Box<dyn Stream<Item = Result<Piece, DriverError>> + Send>>;

/// A command that was begun; it ends when this is dropped.
pub(super) struct Begun {
    /// What it prints, both streams in the order they came; `Conflict` where the VM has no room for it.
    pub output: Output,
    /// Shut down, it is the command's end of input.
    pub input: Pin<Box<dyn AsyncWrite + Send>>,
    /// Ends the command when it is dropped unclaimed.
    pub control: Unclaimed,
}

impl Begun {
    /// From now on it is the caller's.
    pub(super) fn claim(self) -> Process {
        Process {
            output: self.output,
            input: self.input,
            control: Box::new(self.control.claim()),
        }
    }
}

/// Begins the command, or the helper for files where [`FILES`] stands in its place, and hands it to the caller.
pub(super) async fn vm_process(
    context: &Arc<Context>,
    id: Uuid,
    start: &ExecStart,
) -> Result<Process, DriverError> {
    context.check_mine(id).await?;
    match start.argv.split_first() {
        Some((program, words)) if program == FILES => {
            files::open(context, id, words, &start.env).await
        }
        _ => Ok(begin(context, id, &start.argv, &start.env).await?.claim()),
    }
}

/// Begins a command under a mark of its own. Ended again where the caller goes away before it is known to run.
pub(super) async fn begin(
    context: &Arc<Context>,
    id: Uuid,
    argv: &[String],
    env: &[(String, String)],
) -> Result<Begun, DriverError> {
    let mark = Uuid::now_v7().simple().to_string();
    let name = container_name(id);
    let exec = context
        .api
        .call(EXEC, |docker| {
            docker.create_exec(&name, options(&mark, argv, env))
        })
        .await
        .map_err(|error| named(error, id))?
        .id;
    let control = ExecControl::new(context.clone(), id, exec.clone(), mark);
    // Whoever waits may go away, or give up, before it is known that it runs.
    let unclaimed = Unclaimed::new(control.clone());
    let stream = match hijack::start(context.api.socket(), &exec, false).await {
        Ok(stream) => stream,
        Err(error) => {
            if error.code != NodeErrorCode::Timeout {
                unclaimed.claim();
            }
            return Err(error);
        }
    };
    let (read, write) = tokio::io::split(stream);
    tokio::spawn(async move { control.settle().await });
    Ok(Begun {
        output: full::explained(context, id, pieces(read), was_refused, Err),
        input: Box::pin(write),
        control: unclaimed,
    })
}

fn options(mark: &str, argv: &[String], env: &[(String, String)]) -> CreateExecOptions<String> {
    CreateExecOptions {
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(false),
        cmd: Some(argv.to_vec()),
        env: Some(environment(mark, env)),
        user: Some("0:0".into()),
        ..Default::default()
    }
}

fn was_refused(first: Option<&Piece>) -> bool {
    first.is_some_and(|(Piece::Stdout(bytes) | Piece::Stderr(bytes))| full::is_refusal(bytes))
}

/// What it prints, as it comes.
fn pieces(read: impl AsyncRead + Send + Unpin + 'static) -> Output {
    let start = (read, Demux::default());
    Box::pin(stream::unfold(Some(start), async |state| {
        let (mut read, mut demux) = state?;
        loop {
            if let Some(piece) = demux.next() {
                return Some((Ok(piece), Some((read, demux))));
            }
            demux.buffer.reserve(CHUNK);
            match hijack::read(&mut read, &mut demux.buffer).await {
                Ok(0) if demux.is_at_a_border() => return None,
                Ok(0) => return Some((Err(cut()), None)),
                Ok(_) => {}
                Err(error) => return Some((Err(error), None)),
            }
        }
    }))
}

fn cut() -> DriverError {
    let message = "the engine's stream ended within a piece of output";
    DriverError::new(NodeErrorCode::EngineAway, message)
}

/// Takes the heads out. A piece is passed on as far as it is here, never waited for.
#[derive(Default)]
struct Demux {
    buffer: BytesMut,
    /// What is left of the piece that was begun.
    left: usize,
    stderr: bool,
}

impl Demux {
    fn next(&mut self) -> Option<Piece> {
        while self.left == 0 {
            let head: [u8; HEAD] = self.buffer.get(..HEAD)?.try_into().ok()?;
            let [number, _, _, _, a, b, c, d] = head;
            self.left = u32::from_be_bytes([a, b, c, d]) as usize;
            self.stderr = number == STDERR;
            self.buffer.advance(HEAD);
        }
        if self.buffer.is_empty() {
            return None;
        }
        let here = self.left.min(self.buffer.len());
        self.left -= here;
        let bytes: Bytes = self.buffer.split_to(here).freeze();
        Some(match self.stderr {
            true => Piece::Stderr(bytes),
            false => Piece::Stdout(bytes),
        })
    }

    fn is_at_a_border(&self) -> bool {
        self.left == 0 && self.buffer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(number: u8, len: u32) -> Vec<u8> {
        [&[number, 0, 0, 0], len.to_be_bytes().as_slice()].concat()
    }

    #[test]
    fn output_cut_anywhere_comes_out_in_order_and_on_its_stream() {
        let wire = [
            head(1, 3),
            b"out".to_vec(),
            head(2, 0),
            head(2, 4),
            b"\x01\x00\x00\xff".to_vec(),
            head(1, 1),
            b"!".to_vec(),
        ]
        .concat();
        for at in 0..=wire.len() {
            let mut demux = Demux::default();
            let (mut out, mut err) = (Vec::new(), Vec::new());
            for part in [&wire[..at], &wire[at..]] {
                demux.buffer.extend_from_slice(part);
                while let Some(piece) = demux.next() {
                    match piece {
                        Piece::Stdout(bytes) => out.extend_from_slice(&bytes),
                        Piece::Stderr(bytes) => err.extend_from_slice(&bytes),
                    }
                }
            }
            assert!(demux.is_at_a_border(), "cut at {at}");
            assert_eq!(
                (out.as_slice(), err.as_slice()),
                (&b"out!"[..], &b"\x01\x00\x00\xff"[..])
            );
        }
    }

    #[test]
    fn a_stream_that_ends_within_a_piece_is_not_whole() {
        let mut demux = Demux::default();
        demux.buffer.extend_from_slice(&head(1, 5));
        assert_eq!(demux.next(), None);
        assert!(!demux.is_at_a_border());
    }
}

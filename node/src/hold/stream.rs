//! A held shell as the node has it: a PTY like one of its own.

use std::{
    io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use node_api::error::NodeErrorCode;
use tokio::{
    io::AsyncWriteExt,
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    sync::Mutex as Turn,
    time::timeout,
};
use uuid::Uuid;

use super::{
    client::{Connection, Control},
    wire::{Ask, Drawing, Frames, FromHolder, Held, ToHolder, encoded},
};
use crate::{
    driver::{Driver, DriverError, ProcessControl, ProcessSignal, TtyControl},
    shell::{ClientId, FromPty, Pty, PtyInput, PtyOutput},
};

/// A holder that has just died is known to be gone within this.
const GONE_PATIENCE: Duration = Duration::from_millis(200);

/// Which shell it is, and who can do something to it.
pub(super) struct Place {
    /// To ask the holder by.
    pub control: Arc<Control>,
    /// Ends what runs in it, where the holder is gone.
    pub driver: Arc<dyn Driver>,
    pub shell: Uuid,
    pub vm_id: Uuid,
}

/// A shell that was taken up again.
pub struct Taken {
    /// Its output goes on at `end`.
    pub pty: Pty,
    /// The newest output before what the PTY will give; `end` is the offset behind it.
    pub past: Vec<u8>,
    pub end: u64,
    /// The newest that the holder had; of an offset of its own.
    pub drawing: Option<Drawing>,
}

/// Reads what the holder has kept, up to where it stood when it listed the shell.
pub(super) async fn take(
    mut connection: Connection,
    held: &Held,
    place: Place,
) -> io::Result<Taken> {
    let mut past = Vec::new();
    let mut drawing = None;
    let mut position = held.start;
    let mut ended = None;
    let mut later = Vec::new();
    while position < held.end || (held.drawn && drawing.is_none()) {
        match connection.frames.next().await? {
            Some(FromHolder::Output { offset, bytes }) if offset == position => {
                position += bytes.len() as u64;
                past.extend_from_slice(&bytes);
            }
            // With nobody here the ring went on between the list and now: all before is gone.
            Some(FromHolder::Output { offset, bytes }) => {
                position = offset + bytes.len() as u64;
                past.clear();
                past.extend_from_slice(&bytes);
            }
            Some(FromHolder::Drawing(found)) => drawing = Some(found),
            Some(FromHolder::Written { client, end }) => {
                let client = ClientId(client);
                later.push(Ok(FromPty::Written { client, end }));
            }
            Some(FromHolder::Ended(how)) => {
                ended = Some(how);
                break;
            }
            Some(_) => {}
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
    let mut pty = pty(connection, position, place);
    let output = std::mem::replace(&mut pty.output, Box::pin(stream::empty()));
    pty.output = match ended {
        None => Box::pin(stream::iter(later).chain(output)),
        // The exit code is asked for.
        Some(ended) => {
            later.extend(ended.failed.map(|words| Err(failed(words))));
            Box::pin(stream::iter(later))
        }
    };
    Ok(Taken {
        pty,
        past,
        end: position,
        drawing,
    })
}

/// A PTY over a connection that is this shell's, output from `position` on.
pub(super) fn pty(connection: Connection, position: u64, place: Place) -> Pty {
    let Connection { frames, write, .. } = connection;
    let code = Arc::new(OnceLock::new());
    Pty {
        output: output(frames, position, code.clone()),
        input: PtyInput::Held(Arc::new(HeldInput {
            write: Turn::new(write),
        })),
        control: Box::new(HeldControl { place, code }),
    }
}

fn output(frames: Frames<OwnedReadHalf>, position: u64, code: Arc<OnceLock<i32>>) -> PtyOutput {
    let start = Reading {
        frames,
        position,
        code,
        put_back: None,
    };
    Box::pin(stream::unfold(Some(start), async |state| {
        let mut reading = state?;
        match reading.next().await {
            Next::Came(event) => Some((Ok(event), Some(reading))),
            Next::Ended(None) => None,
            Next::Ended(Some(words)) => Some((Err(failed(words)), None)),
            Next::Lost => Some((Ok(FromPty::Lost), None)),
        }
    }))
}

/// The engine failed, in the words it had for the holder.
fn failed(words: String) -> DriverError {
    DriverError::new(NodeErrorCode::Internal, words)
}

struct Reading {
    frames: Frames<OwnedReadHalf>,
    position: u64,
    code: Arc<OnceLock<i32>>,
    /// Output behind a skip that was told first.
    put_back: Option<Bytes>,
}

enum Next {
    Came(FromPty),
    Ended(Option<String>),
    Lost,
}

impl Reading {
    async fn next(&mut self) -> Next {
        if let Some(bytes) = self.put_back.take() {
            return self.came(bytes);
        }
        loop {
            return match self.frames.next().await {
                Ok(Some(FromHolder::Output { offset, bytes })) if offset == self.position => {
                    self.came(bytes)
                }
                Ok(Some(FromHolder::Output { offset, bytes })) => {
                    self.position = offset;
                    self.put_back = Some(bytes);
                    Next::Came(FromPty::Skipped(offset))
                }
                Ok(Some(FromHolder::Written { client, end })) => Next::Came(FromPty::Written {
                    client: ClientId(client),
                    end,
                }),
                Ok(Some(FromHolder::Synced(number))) => Next::Came(FromPty::Synced(number)),
                Ok(Some(FromHolder::Ended(ended))) => {
                    if let Some(code) = ended.code {
                        let _ = self.code.set(code);
                    }
                    Next::Ended(ended.failed)
                }
                Ok(Some(_)) => continue,
                Ok(None) | Err(_) => Next::Lost,
            };
        }
    }

    fn came(&mut self, bytes: Bytes) -> Next {
        self.position += bytes.len() as u64;
        Next::Came(FromPty::Output(bytes))
    }
}

/// What the node tells the holder of a shell.
pub struct HeldInput {
    write: Turn<OwnedWriteHalf>,
}

impl HeldInput {
    /// No deadline: a holder always reads, and one that is gone takes its connection along.
    pub async fn say(&self, frame: &ToHolder) -> io::Result<()> {
        self.write.lock().await.write_all(&encoded(frame)).await
    }
}

struct HeldControl {
    place: Place,
    /// Once the holder has told it.
    code: Arc<OnceLock<i32>>,
}

#[async_trait]
impl TtyControl for HeldControl {
    async fn resize(&self, cols: u16, rows: u16) -> Result<(), DriverError> {
        let shell = self.place.shell;
        let resize = Ask::Resize { shell, cols, rows };
        self.place.control.ask(resize).await.map(drop)
    }
}

#[async_trait]
impl ProcessControl for HeldControl {
    async fn exit_code(&self) -> Result<Option<i32>, DriverError> {
        if let Some(code) = self.code.get() {
            return Ok(Some(*code));
        }
        let shell = self.place.shell;
        self.place.control.ask(Ask::ExitCode { shell }).await
    }

    /// Nobody signals a terminal: keys do.
    async fn signal(&self, _: ProcessSignal) -> Result<(), DriverError> {
        self.kill().await
    }

    /// Where the holder is gone, what it left is found by its mark.
    async fn kill(&self) -> Result<(), DriverError> {
        let Place {
            control,
            driver,
            shell,
            vm_id,
        } = &self.place;
        let Err(error) = control.ask(Ask::Kill { shell: *shell }).await else {
            return Ok(());
        };
        match timeout(GONE_PATIENCE, control.gone.cancelled()).await {
            Ok(()) => {
                let mark = shell.simple().to_string();
                driver.session_end(*vm_id, &mark).await
            }
            Err(_) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixStream;

    use super::*;
    use crate::hold::wire::Ended;

    #[tokio::test]
    async fn what_the_engine_says_of_its_failure_is_told_as_it_is() {
        let (node, mut holder) = UnixStream::pair().unwrap();
        let ended = Ended {
            code: None,
            failed: Some("the engine ended the stream".into()),
        };
        let frame = encoded(&FromHolder::Ended(ended));
        holder.write_all(&frame).await.unwrap();
        let (read, _write) = node.into_split();
        let mut output = output(Frames::new(read), 0, Arc::default());
        match output.next().await {
            Some(Err(error)) => assert_eq!(error.message, "the engine ended the stream"),
            _ => panic!("it failed"),
        }
        assert!(output.next().await.is_none());
    }
}

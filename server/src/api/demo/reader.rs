//! Reads shells for clients that poll: a viewer of the node's shell, and what it has printed since
//! the last poll, bounded.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    sync::{Notify, OnceCell, mpsc},
    time::{Instant, timeout},
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    balancer::NodeSocket,
    control::{ControlError, ShellPlace},
    state::AppState,
};

/// Bytes that wait for a poll; beyond that the oldest are dropped.
const BUFFER_MAX: usize = 256 * 1024;
/// Lines that may wait for the shell.
const INPUT_QUEUE: usize = 64;
/// A shell that nobody polls for so long is read no more; it lives on.
const IDLE: Duration = Duration::from_secs(600);
const SEND_TIMEOUT: Duration = Duration::from_secs(20);

/// Frames of docs/shell-protocol.md.
const OUTPUT: u8 = 0x01;
const SNAPSHOT: u8 = 0x02;
const EXIT: u8 = 0x06;
const PING: u8 = 0x09;
const INPUT: u8 = 0x81;
const ACK: u8 = 0x83;
const PONG: u8 = 0x86;

/// Shells that are read, by id; cheap to clone. Lost with the process: the next poll reads on.
#[derive(Clone, Default)]
pub struct Readers(Arc<Mutex<HashMap<String, Cell>>>);

type Cell = Arc<OnceCell<Arc<Reader>>>;

/// One shell that is read.
pub struct Reader {
    output: Mutex<Vec<u8>>,
    more: Notify,
    input: mpsc::Sender<String>,
    ended: AtomicBool,
    polled: Mutex<Instant>,
}

impl Readers {
    /// The reader of a shell. `new`: just opened, so everything it ever printed is wanted; else what
    /// it prints from now on.
    pub async fn get(
        &self,
        state: &AppState,
        place: &ShellPlace,
        new: bool,
    ) -> Result<Arc<Reader>, ControlError> {
        let cell = self
            .lock()
            .entry(place.shell_id.clone())
            .or_default()
            .clone();
        let made = cell
            .get_or_try_init(|| self.attach(state, place, new))
            .await;
        match made {
            Ok(reader) => {
                reader.polled();
                Ok(reader.clone())
            }
            Err(error) => {
                self.remove(&place.shell_id);
                Err(error)
            }
        }
    }

    /// Reads it no more.
    pub fn remove(&self, shell_id: &str) {
        self.lock().remove(shell_id);
    }

    async fn attach(
        &self,
        state: &AppState,
        place: &ShellPlace,
        new: bool,
    ) -> Result<Arc<Reader>, ControlError> {
        // The end of a UUIDv7 is random.
        let client = uuid::Uuid::now_v7().as_u128() as u64;
        let from = if new { "&from=0" } else { "" };
        let query = format!("client={client:016x}&cols=80&rows=24{from}");
        let socket = state.control.shell_attach(place, &query).await?;
        let (input, lines) = mpsc::channel(INPUT_QUEUE);
        let reader = Arc::new(Reader {
            output: Mutex::default(),
            more: Notify::new(),
            input,
            ended: AtomicBool::new(false),
            polled: Mutex::new(Instant::now()),
        });
        let (task, readers) = (reader.clone(), self.clone());
        let (stop, shell_id) = (state.stop.clone(), place.shell_id.clone());
        tokio::spawn(async move {
            stop.run_until_cancelled(task.read(socket, lines)).await;
            task.ended.store(true, Ordering::Release);
            task.more.notify_waiters();
            // What is left may be polled for a while.
            tokio::time::sleep(Duration::from_secs(60)).await;
            readers.remove(&shell_id);
        });
        Ok(reader)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Cell>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    /// Types a line; false when the shell has ended.
    pub async fn input(&self, line: String) -> bool {
        !self.ended.load(Ordering::Acquire)
            && matches!(
                timeout(SEND_TIMEOUT, self.input.send(line)).await,
                Ok(Ok(()))
            )
    }

    /// What came since the last time, after a wait for something to come. None when the shell has
    /// ended and all of it was read.
    pub async fn output(&self, wait: Duration) -> Option<String> {
        let more = self.more.notified();
        tokio::pin!(more);
        more.as_mut().enable();
        let mut text = self.take();
        if text.is_empty() && !self.ended.load(Ordering::Acquire) {
            let _ = timeout(wait, more).await;
            text = self.take();
        }
        let over = text.is_empty() && self.ended.load(Ordering::Acquire);
        (!over).then_some(text)
    }

    /// All that is there, but for a character whose rest has not come.
    fn take(&self) -> String {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = whole_characters(&output);
        let rest = output.split_off(whole);
        let text = String::from_utf8_lossy(&output).into_owned();
        *output = rest;
        text
    }

    fn polled(&self) {
        *self.polled.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn is_idle(&self) -> bool {
        let polled = self.polled.lock().unwrap_or_else(PoisonError::into_inner);
        polled.elapsed() > IDLE
    }

    /// Until the shell ends, its node goes away or nobody polls.
    async fn read(&self, socket: NodeSocket, mut lines: mpsc::Receiver<String>) {
        let (mut to_node, mut from_node) = socket.split();
        let mut typed = 0_u64;
        loop {
            let frame = tokio::select! {
                message = from_node.next() => match message {
                    Some(Ok(Message::Binary(frame))) => match self.take_in(&frame) {
                        Took::Answer(frame) => Some(frame),
                        Took::Nothing => None,
                        Took::End => return,
                    },
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => None,
                },
                Some(line) = lines.recv() => {
                    let frame = numbered(INPUT, typed, line.as_bytes());
                    typed += line.len() as u64;
                    Some(frame)
                }
            };
            if self.is_idle() {
                return;
            }
            let Some(frame) = frame else { continue };
            let sent = timeout(SEND_TIMEOUT, to_node.send(Message::Binary(frame))).await;
            if !matches!(sent, Ok(Ok(()))) {
                return;
            }
        }
    }

    fn take_in(&self, frame: &[u8]) -> Took {
        let number = |frame: &[u8]| {
            let bytes = frame.get(1..9)?.try_into().ok()?;
            Some(u64::from_be_bytes(bytes))
        };
        match (frame.first(), number(frame)) {
            (Some(&OUTPUT), Some(offset)) => {
                let bytes = &frame[9..];
                self.add(bytes);
                Took::Answer(numbered(ACK, offset + bytes.len() as u64, &[]))
            }
            // A drawing of the screen, for terminals: what it shows was printed before.
            (Some(&SNAPSHOT), Some(offset)) => Took::Answer(numbered(ACK, offset, &[])),
            (Some(&PING), Some(number)) => Took::Answer(numbered(PONG, number, &[])),
            (Some(&EXIT), _) => Took::End,
            _ => Took::Nothing,
        }
    }

    fn add(&self, bytes: &[u8]) {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        output.extend_from_slice(bytes);
        let over = output.len().saturating_sub(BUFFER_MAX);
        output.drain(..over);
        drop(output);
        self.more.notify_waiters();
    }
}

/// What a frame asks for.
enum Took {
    Answer(Bytes),
    Nothing,
    End,
}

fn numbered(kind: u8, number: u64, body: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(9 + body.len());
    frame.push(kind);
    frame.extend_from_slice(&number.to_be_bytes());
    frame.extend_from_slice(body);
    frame.into()
}

/// Bytes up to a character at the end whose rest is still missing.
fn whole_characters(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    for at in (tail..bytes.len()).rev() {
        let needs = match bytes[at] {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            0x80..=0xbf => continue,
            _ => return bytes.len(),
        };
        return if at + needs > bytes.len() {
            at
        } else {
            bytes.len()
        };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_not_cut_in_the_middle() {
        let euro = "a€".as_bytes();
        assert_eq!(whole_characters(euro), 4);
        assert_eq!(whole_characters(&euro[..3]), 1);
        assert_eq!(whole_characters(&euro[..2]), 1);
        assert_eq!(whole_characters(b"abc"), 3);
        assert_eq!(whole_characters(b""), 0);
        assert_eq!(whole_characters(&[0x80; 5]), 5);
    }
}

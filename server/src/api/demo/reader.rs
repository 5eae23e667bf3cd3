//! Reads shells for clients that poll: a viewer of the node's shell, and what it has printed since
//! the last poll, bounded.

mod wire;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    sync::{Notify, OnceCell, mpsc},
    time::{Instant, timeout},
};
use tokio_tungstenite::tungstenite::Message;

use self::wire::{
    ACK, At, EXIT, HELLO, INPUT, OUTPUT, PING, PONG, SNAPSHOT, Took, input_offset, is_final,
    numbered, whole_characters,
};
use crate::{
    balancer::NodeSocket,
    control::{Control, ControlError, ShellPlace},
    state::AppState,
};

/// Bytes that wait for a poll; beyond that the oldest are dropped.
const BUFFER_MAX: usize = 256 * 1024;
/// Lines that may wait for the shell.
const INPUT_QUEUE: usize = 64;
/// A shell that nobody polls for so long is read no more; it lives on.
const IDLE: Duration = Duration::from_secs(600);
const SEND_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a lost node is sought, and how often.
const LOST: Duration = Duration::from_secs(60);
const SEEK: Duration = Duration::from_millis(500);

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
        let query = format!("client={client:016x}&cols=80&rows=24");
        let socket = state
            .control
            .shell_attach(place, &format!("{query}{from}"))
            .await?;
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
        let (control, place) = (state.control.clone(), place.clone());
        tokio::spawn(async move {
            let read = task.read(&control, &place, &query, socket, lines);
            stop.run_until_cancelled(read).await;
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

    /// Until the shell ends, its node stays away or nobody polls. A lost connection is sought again,
    /// and goes on where it broke.
    async fn read(
        &self,
        control: &Control,
        place: &ShellPlace,
        query: &str,
        socket: NodeSocket,
        mut lines: mpsc::Receiver<String>,
    ) {
        let mut at = At::default();
        let mut socket = Some(socket);
        while let Some(open) = socket.take() {
            if self.connection(open, &mut lines, &mut at).await {
                return;
            }
            let lost = Instant::now();
            while socket.is_none() && lost.elapsed() < LOST && !self.is_idle() {
                tokio::time::sleep(SEEK).await;
                let from = format!("{query}&from={}", at.seen);
                match control.shell_attach(place, &from).await {
                    Ok(found) => socket = Some(found),
                    Err(ControlError::NotFound { .. }) => return,
                    Err(_) => {}
                }
            }
        }
    }

    /// One connection; true when there is nothing to come back to.
    async fn connection(
        &self,
        socket: NodeSocket,
        lines: &mut mpsc::Receiver<String>,
        at: &mut At,
    ) -> bool {
        let (mut to_node, mut from_node) = socket.split();
        loop {
            let frame = tokio::select! {
                message = from_node.next() => match message {
                    Some(Ok(Message::Binary(frame))) => match self.take_in(&frame, at) {
                        Took::Answer(frame) => Some(frame),
                        Took::Nothing => None,
                        Took::End => return true,
                    },
                    Some(Ok(Message::Close(Some(why)))) => return is_final(u16::from(why.code)),
                    Some(Ok(Message::Close(None)) | Err(_)) | None => return false,
                    Some(Ok(_)) => None,
                },
                Some(line) = lines.recv() => {
                    let frame = numbered(INPUT, at.typed, line.as_bytes());
                    at.typed += line.len() as u64;
                    Some(frame)
                }
            };
            if self.is_idle() {
                return true;
            }
            let Some(frame) = frame else { continue };
            let sent = timeout(SEND_TIMEOUT, to_node.send(Message::Binary(frame))).await;
            if !matches!(sent, Ok(Ok(()))) {
                return false;
            }
        }
    }

    fn take_in(&self, frame: &[u8], at: &mut At) -> Took {
        let number = |frame: &[u8]| {
            let bytes = frame.get(1..9)?.try_into().ok()?;
            Some(u64::from_be_bytes(bytes))
        };
        match (frame.first(), number(frame)) {
            (Some(&OUTPUT), Some(offset)) => {
                let bytes = &frame[9..];
                self.add(bytes);
                at.seen = offset + bytes.len() as u64;
                Took::Answer(numbered(ACK, at.seen, &[]))
            }
            // A drawing of the screen, for terminals: what it shows was printed before.
            (Some(&SNAPSHOT), Some(offset)) => {
                at.seen = offset;
                Took::Answer(numbered(ACK, offset, &[]))
            }
            // Lines that were under way when a connection broke are not typed again: a script that
            // polls has been told that they were sent, and asks for their output.
            (Some(&HELLO), _) => {
                at.typed = input_offset(&frame[1..]).unwrap_or(at.typed);
                Took::Nothing
            }
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

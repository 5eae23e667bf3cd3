//! The caller's side of a command: its frames, and its input on the way to the command.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::extract::ws::{Message, WebSocket};
use bytes::Bytes;
use futures_util::{StreamExt, stream::SplitStream};
use node_api::exec_frame::{ClientFrame, SILENCE_S, STDIN_WINDOW_BYTES};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::{Notify, mpsc},
    time::timeout,
};

use super::signals::{REST, Signals};
use crate::driver::ProcessControl;

/// A caller that sends nothing for so long is lost.
pub const SILENCE: Duration = Duration::from_secs(SILENCE_S);

/// Close codes of docs/exec-protocol.md.
pub const MALFORMED: u16 = 4400;
/// Nothing came from the caller for [`SILENCE`], or no start in time.
pub const SILENT: u16 = 4408;

/// What comes from the caller's socket.
pub type Stream = SplitStream<WebSocket>;

/// Why a socket is closed.
pub struct Close(pub u16, pub String);

/// What the parts tell each other.
#[derive(Default)]
pub struct Shared {
    /// Input bytes that came, and that the command took.
    came: AtomicU64,
    taken: AtomicU64,
    /// The newest ping, to be answered.
    ping: Mutex<Option<u64>>,
    news: Notify,
}

impl Shared {
    /// A ping to be answered.
    pub fn ping(&self) -> Option<u64> {
        self.lock_ping().take()
    }

    /// Input bytes that the command has taken.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Acquire)
    }

    /// Resolves when there is something new to tell the caller.
    pub async fn news(&self) {
        self.news.notified().await;
    }

    fn lock_ping(&self) -> MutexGuard<'_, Option<u64>> {
        self.ping.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the caller's frames until it has gone; why it is to go, where it is still there.
pub async fn read(
    stream: &mut (impl futures_util::Stream<Item = Result<Message, axum::Error>> + Unpin),
    control: &dyn ProcessControl,
    shared: &Shared,
    fed: mpsc::UnboundedSender<Bytes>,
) -> Option<Close> {
    let mut fed = Some(fed);
    let mut signals = Signals::new(control, REST);
    loop {
        let came = tokio::select! {
            came = timeout(SILENCE, stream.next()) => came,
            () = signals.due() => {
                signals.send().await;
                continue;
            }
        };
        let message = match came {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(_)) | None) => return None,
            Err(_) => return Some(Close(SILENT, format!("nothing came for {SILENCE_S} s"))),
        };
        let frame = match message {
            Message::Binary(bytes) => {
                ClientFrame::decode(&bytes).map_err(|error| error.to_string())
            }
            Message::Close(_) => return None,
            Message::Text(_) => Err("frames are binary; a text came".into()),
            Message::Ping(_) | Message::Pong(_) => continue,
        };
        let obeyed = match frame {
            Ok(ClientFrame::Signal(name)) => signals.take(&name).await,
            Ok(frame) => obey(frame, shared, &mut fed),
            Err(what) => Err(what),
        };
        if let Err(what) = obeyed {
            return Some(Close(MALFORMED, what));
        }
    }
}

fn obey(
    frame: ClientFrame,
    shared: &Shared,
    fed: &mut Option<mpsc::UnboundedSender<Bytes>>,
) -> Result<(), String> {
    match frame {
        ClientFrame::Start(_) => return Err("a second start".into()),
        ClientFrame::Stdin(bytes) => {
            let fed = fed.as_ref().ok_or("input after its end")?;
            let came =
                shared.came.fetch_add(bytes.len() as u64, Ordering::AcqRel) + bytes.len() as u64;
            if came - shared.taken.load(Ordering::Acquire) > STDIN_WINDOW_BYTES {
                return Err(format!(
                    "more than {STDIN_WINDOW_BYTES} bytes of input under way"
                ));
            }
            if !bytes.is_empty() {
                // The feeder lives as long as this.
                let _ = fed.send(bytes);
            }
        }
        ClientFrame::StdinEnd => *fed = None,
        ClientFrame::Ping(value) => {
            *shared.lock_ping() = Some(value);
            shared.news.notify_one();
        }
        ClientFrame::Signal(_) | ClientFrame::Unknown(_) => {}
    }
    Ok(())
}

/// Writes input as fast as the command takes it. Once it takes none, the rest is thrown away, as a
/// closed pipe would.
pub async fn feed(
    mut input: Pin<Box<dyn AsyncWrite + Send>>,
    mut food: mpsc::UnboundedReceiver<Bytes>,
    shared: &Shared,
) -> Infallible {
    let mut is_open = true;
    while let Some(bytes) = food.recv().await {
        is_open = is_open && input.write_all(&bytes).await.is_ok() && input.flush().await.is_ok();
        shared.taken.fetch_add(bytes.len() as u64, Ordering::AcqRel);
        shared.news.notify_one();
    }
    if is_open && let Err(error) = input.shutdown().await {
        tracing::debug!("the end of a command's input was not told: {error}");
    }
    std::future::pending().await
}

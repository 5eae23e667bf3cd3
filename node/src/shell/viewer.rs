//! One viewer's WebSocket: what is typed goes to the shell, what the shell prints comes back.
//!
//! Reading and writing go on apart, so that a key is taken while output waits for a slow network.
//! A viewer keeps nothing but its position: output is copied from the shell's ring when the network
//! takes it.

mod reader;
mod writer;

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::extract::ws::WebSocket;
use futures_util::StreamExt;
use tokio::sync::Notify;

use super::{
    close::Close,
    input::ClientId,
    limits::Size,
    session::{Seat, Shell, lock},
};

/// How long a viewer may take to answer a close.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// What a viewer asks for when it attaches.
#[derive(Clone, Copy, Debug)]
pub struct Attach {
    pub client: ClientId,
    /// Offset of the first output byte that it lacks; None: it has nothing yet, and gets a snapshot.
    pub from: Option<u64>,
    /// Its window's; the PTY's, too, where it comes to own the size.
    pub size: Size,
    /// Its input and its sizes are ignored.
    pub watch_only: bool,
    /// What is long comes to it in parts.
    pub parts: bool,
}

/// What the two halves tell each other.
#[derive(Debug, Default)]
struct Shared {
    /// Output up to here was sent, and up to there parsed by the viewer's terminal.
    sent: AtomicU64,
    acked: AtomicU64,
    /// The newest ping of the viewer, to be answered.
    ping: Mutex<Option<u64>>,
    /// The viewer has been silent long enough to be asked.
    ask: AtomicBool,
    close: Mutex<Option<Close>>,
    news: Notify,
}

impl Shared {
    fn close(&self, close: Close) {
        lock(&self.close).get_or_insert(close);
        self.news.notify_one();
    }

    fn acked(&self, offset: u64) {
        self.acked.fetch_max(offset, Ordering::AcqRel);
        self.news.notify_one();
    }
}

/// Serves a viewer until it leaves or is closed.
pub async fn serve(shell: std::sync::Arc<Shell>, socket: WebSocket, attach: Attach) {
    let (sink, stream) = socket.split();
    let seat = match shell.attach(attach.client, attach.size, attach.watch_only) {
        Ok(seat) => seat,
        Err(close) => return refuse(sink, stream, &close).await,
    };
    let shared = Shared::default();
    let writing = async {
        writer::Writer::new(&shell, &seat, &shared, sink, attach.parts)
            .run(attach.from)
            .await;
        drop_after_close().await;
    };
    tokio::select! {
        () = reader::read(&shell, &seat, &shared, attach.watch_only, stream) => {}
        () = writing => {}
    }
}

/// Closes a socket that is not served.
pub async fn refuse_socket(socket: WebSocket, close: &Close) {
    let (sink, stream) = socket.split();
    refuse(sink, stream, close).await;
}

type Sink = futures_util::stream::SplitSink<WebSocket, axum::extract::ws::Message>;
type Stream = futures_util::stream::SplitStream<WebSocket>;

async fn refuse(mut sink: Sink, mut stream: Stream, close: &Close) {
    use futures_util::SinkExt;
    let told = async {
        // A viewer that is gone already needs no telling.
        if sink.send(close.message()).await.is_ok() {
            while let Some(Ok(_)) = stream.next().await {}
        }
    };
    let _ = tokio::time::timeout(CLOSE_DEADLINE, told).await;
}

/// The reader ends when the viewer answers the close; this is how long it may take.
async fn drop_after_close() {
    tokio::time::sleep(CLOSE_DEADLINE).await;
}

impl Seat {
    /// For log lines.
    fn describe(&self, shell: &Shell) -> String {
        format!("viewer {:016x} of shell {}", self.client.0, shell.id)
    }
}

//! A client's channel and a line to a node, each carried to the other: a command's streams, or a
//! port's.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use node_api::exec_frame::{
    ClientFrame, NodeFrame, SILENCE_S, STDIN_WINDOW_BYTES, STREAM_FRAME_BYTES,
};
use tokio::{
    sync::Notify,
    time::{Instant, interval_at, sleep, timeout},
};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::{
    channel::{Event, Inbox},
    outbox::{Gone, Outbox},
};
use crate::{
    balancer::NodeSocket,
    control::{ExecLine, ExecTurn},
};

/// For one frame to be taken by the node.
const SEND: Duration = Duration::from_secs(30);
/// How often the node is told that somebody is there.
const PING: Duration = Duration::from_secs(SILENCE_S / 3);
/// A node that answers no ping for so long is lost.
const SILENCE: Duration = Duration::from_secs(SILENCE_S);
/// For what a client sent before it closed the channel: so long after the last of it was taken.
const DRAIN: Duration = Duration::from_secs(3);
/// And no longer than this in all: who reads a byte now and then would keep the command's place for ever.
const DRAIN_ALL: Duration = Duration::from_secs(60);
/// For the node to hear that it is over.
const CLOSE: Duration = Duration::from_secs(2);

/// Said of a command as of a connection to a port.
pub const LOST: &str = "the connection to the VM's node was lost, and the command with it. Try again; if it stays so, \
    the VM's page tells of its node";

/// A line to a node, with its turn.
pub struct Line {
    sink: Sink,
    stream: SplitStream<NodeSocket>,
    _turn: ExecTurn,
}

type Sink = SplitSink<NodeSocket, Message>;

/// What the two directions tell each other.
#[derive(Default)]
struct Shared {
    /// Input bytes that the other end has taken.
    taken: AtomicU64,
    news: Notify,
}

impl Line {
    /// Keeps the turn until it is dropped.
    pub fn new(attached: ExecLine) -> Self {
        let (sink, stream) = attached.socket.split();
        Self {
            sink,
            stream,
            _turn: attached.turn,
        }
    }

    /// False: the node does not take it.
    pub async fn send(&mut self, frame: &ClientFrame) -> bool {
        send(&mut self.sink, frame).await
    }

    /// The next frame of the node; Err is why there is none.
    pub async fn next(&mut self) -> Result<NodeFrame, String> {
        next(&mut self.stream).await
    }

    /// Carries bytes both ways until it has ended over there, with an exit code or a reason, or the
    /// client has gone.
    pub async fn pump(
        &mut self,
        inbox: &mut Inbox,
        out: &Outbox,
        closed: &CancellationToken,
    ) -> Result<Result<i32, String>, Gone> {
        let shared = Shared::default();
        tokio::select! {
            ended = print(&mut self.stream, out, &shared) => Ok(ended),
            gone = feed(inbox, &mut self.sink, &shared) => Err(gone),
            gone = left(closed, &shared) => Err(gone),
        }
    }

    /// Lets the node know that it is over.
    pub async fn close(mut self) {
        // One that does not hear notices the silence.
        let _ = timeout(CLOSE, self.sink.close()).await;
    }
}

async fn next(stream: &mut SplitStream<NodeSocket>) -> Result<NodeFrame, String> {
    while let Ok(Some(Ok(message))) = timeout(SILENCE, stream.next()).await {
        if let Message::Binary(bytes) = message {
            let unreadable = "the node sent what cannot be read; is it of another version?";
            return NodeFrame::decode(&bytes).map_err(|_| unreadable.into());
        }
    }
    Err(LOST.into())
}

/// Some clients close a channel right behind their last bytes: these have time to arrive, as long as the
/// other end takes some of them.
async fn left(closed: &CancellationToken, shared: &Shared) -> Gone {
    closed.cancelled().await;
    let drained = async {
        let mut before = None;
        loop {
            let now = shared.taken.load(Ordering::Relaxed);
            if before == Some(now) {
                return;
            }
            before = Some(now);
            sleep(DRAIN).await;
        }
    };
    // What is left after that is given up.
    let _ = timeout(DRAIN_ALL, drained).await;
    Gone
}

/// The output, to its exit code; Err is why there is none. Of a client that has gone only the input is
/// still of interest, and `feed` knows when that is done.
async fn print(
    stream: &mut SplitStream<NodeSocket>,
    out: &Outbox,
    shared: &Shared,
) -> Result<i32, String> {
    loop {
        match next(stream).await {
            Ok(NodeFrame::Stdout(bytes)) => drop(out.out(bytes).await),
            Ok(NodeFrame::Stderr(bytes)) => drop(out.err(bytes).await),
            Ok(NodeFrame::StdinTaken(taken)) => {
                shared.taken.store(taken, Ordering::Relaxed);
                shared.news.notify_one();
            }
            Ok(NodeFrame::OutputEnd) => out.eof().await,
            Ok(NodeFrame::Exit(code)) => return Ok(code),
            Ok(NodeFrame::Refused(error)) => return Err(error.message),
            Ok(NodeFrame::Pong(_) | NodeFrame::Unknown(_)) => {}
            Err(why) => return Err(why),
        }
    }
}

/// The client's input and signals, until the client has gone and all of it was taken. A node that takes no more may have sent
/// what the client has not read yet: `print` decides.
async fn feed(inbox: &mut Inbox, sink: &mut Sink, shared: &Shared) -> Gone {
    let (mut sent, mut pending) = (0_u64, Bytes::new());
    let (mut ended, mut gone) = (false, false);
    // Also while input trickles in: a node that is not asked says nothing of input nobody takes.
    let mut ping = interval_at(Instant::now() + PING, PING);
    loop {
        let under_way = sent - shared.taken.load(Ordering::Relaxed).min(sent);
        if gone && under_way == 0 {
            return Gone;
        }
        let room = usize::try_from(STDIN_WINDOW_BYTES.saturating_sub(under_way)).unwrap_or(0);
        let part = pending.split_to(pending.len().min(room).min(STREAM_FRAME_BYTES));
        let frame = match part.is_empty() {
            false => {
                sent += part.len() as u64;
                inbox.sent_on(part.len());
                Some(ClientFrame::Stdin(part))
            }
            true => tokio::select! {
                event = inbox.next(), if pending.is_empty() && !gone => match event {
                    None => {
                        gone = true;
                        (!ended).then_some(ClientFrame::StdinEnd)
                    }
                    Some(Event::Data(_)) if ended => None,
                    Some(Event::Data(bytes)) => {
                        pending = bytes;
                        None
                    }
                    Some(Event::Eof) => {
                        ended = true;
                        Some(ClientFrame::StdinEnd)
                    }
                    Some(Event::Signal(name)) => Some(ClientFrame::Signal(name)),
                    Some(Event::Pty { .. } | Event::Env(..) | Event::Start(_) | Event::Resize(_)) => None,
                },
                () = shared.news.notified() => None,
                _ = ping.tick() => Some(ClientFrame::Ping(0)),
            },
        };
        if let Some(frame) = frame
            && !send(sink, &frame).await
        {
            return std::future::pending().await;
        }
    }
}

/// False: the node does not take it.
async fn send(sink: &mut Sink, frame: &ClientFrame) -> bool {
    let sent = timeout(SEND, sink.send(Message::Binary(frame.encode()))).await;
    matches!(sent, Ok(Ok(())))
}

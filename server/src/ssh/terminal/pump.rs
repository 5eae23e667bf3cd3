//! One connection to a shell on its node: the PTY's bytes to the client as they are, the client's to
//! the PTY exactly once.

use std::{sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};

use super::{End, Shared};
use crate::{
    balancer::NodeSocket,
    ssh::{
        channel::{Event, Inbox},
        frame::{self, Frame},
        outbox::{Gone, Outbox},
    },
};

/// For one frame to be taken by the node.
const SEND: Duration = Duration::from_secs(30);
/// How often the node is asked whether it is there, and how long it may say nothing.
const PING: Duration = Duration::from_secs(15);
const SILENCE: Duration = Duration::from_secs(40);
/// For the node to hear that it is over.
const CLOSE: Duration = Duration::from_secs(2);
/// Clears a terminal for a picture of the screen.
const CLEAR: &[u8] = b"\x1bc\x1b[3J";

type Sink = SplitSink<NodeSocket, Message>;

/// Pumps until either side ends.
pub async fn pump(
    socket: NodeSocket,
    shared: &Shared,
    inbox: &mut Inbox,
    out: &Outbox,
) -> Result<End, Gone> {
    let (mut sink, stream) = socket.split();
    shared.greeted.store(false, Ordering::Relaxed);
    let end = tokio::select! {
        end = down(stream, shared, out) => end,
        end = up(&mut sink, shared, inbox) => end,
    };
    let _ = timeout(CLOSE, sink.close()).await;
    end
}

async fn down(
    mut stream: SplitStream<NodeSocket>,
    shared: &Shared,
    out: &Outbox,
) -> Result<End, Gone> {
    while let Ok(Some(Ok(message))) = timeout(SILENCE, stream.next()).await {
        let bytes = match message {
            Message::Binary(bytes) => bytes,
            Message::Close(why) => return Ok(closed(why)),
            _ => continue,
        };
        let Some(frame) = frame::decode(&bytes) else {
            let words = "the node sent what cannot be read; is it of another version?";
            return Ok(End::Refused(words.into()));
        };
        if let Frame::Exit(code) = frame {
            return Ok(End::Exited(code));
        }
        take(frame, shared, out).await?;
        shared.news.notify_one();
    }
    Ok(End::Lost)
}

/// Does what a frame says, all but the exit.
async fn take(frame: Frame, shared: &Shared, out: &Outbox) -> Result<(), Gone> {
    match frame {
        Frame::Hello(hello) => {
            let (taken, written) = (hello.input_offset, hello.input_written);
            // A node of an earlier version does not tell.
            shared.input().connected(taken, written.unwrap_or(taken));
            shared.viewers.store(hello.viewers, Ordering::Relaxed);
            shared.greeted.store(true, Ordering::Relaxed);
        }
        Frame::Output { offset, bytes } => {
            let end = offset + bytes.len() as u64;
            out.out(bytes).await?;
            shared.shown.store(end, Ordering::Relaxed);
        }
        Frame::Snapshot { offset, bytes } => {
            out.out(CLEAR).await?;
            out.out(bytes).await?;
            shared.shown.store(offset, Ordering::Relaxed);
        }
        Frame::InputAck(offset) => shared.input().acknowledged(offset),
        Frame::Viewers(viewers) => shared.viewers.store(viewers, Ordering::Relaxed),
        Frame::Ping(number) => *shared.ping() = Some(number),
        Frame::Exit(_) | Frame::Other => {}
    }
    Ok(())
}

async fn up(sink: &mut Sink, shared: &Shared, inbox: &mut Inbox) -> Result<End, Gone> {
    let mut acked = shared.shown.load(Ordering::Relaxed);
    loop {
        let frame = match next(shared, &mut acked) {
            Some(frame) => Some(frame),
            None => tokio::select! {
                event = inbox.next(), if shared.input().room() > 0 => typed(event.ok_or(Gone)?, shared, inbox)?,
                () = shared.news.notified() => None,
                () = sleep(PING) => Some(frame::ping()),
            },
        };
        if let Some(frame) = frame {
            let sent = timeout(SEND, sink.send(Message::Binary(frame))).await;
            if !matches!(sent, Ok(Ok(()))) {
                return Ok(End::Lost);
            }
        }
    }
}

/// What is to be sent, if anything is.
fn next(shared: &Shared, acked: &mut u64) -> Option<Bytes> {
    if let Some(number) = shared.ping().take() {
        return Some(frame::pong(number));
    }
    let shown = shared.shown.load(Ordering::Relaxed);
    if std::mem::replace(acked, shown) != shown {
        return Some(frame::ack(shown));
    }
    let greeted = shared.greeted.load(Ordering::Relaxed);
    greeted.then(|| shared.input().frame()).flatten()
}

/// What the client's event is to the shell; Gone: it is to end.
fn typed(event: Event, shared: &Shared, inbox: &mut Inbox) -> Result<Option<Bytes>, Gone> {
    match event {
        // What is read at once may be far more than a node takes.
        Event::Data(mut bytes) => {
            let part = shared.input().take(&mut bytes);
            inbox.sent_on(part);
            inbox.give_back(bytes);
        }
        Event::Resize(size) => {
            *shared.size() = size;
            return Ok(Some(frame::resize(size)));
        }
        // As the keys that send them.
        Event::Signal(name) => match name.as_str() {
            "INT" => shared.input().push(b"\x03"),
            "QUIT" => shared.input().push(b"\x1c"),
            "HUP" | "TERM" | "KILL" => return Err(Gone),
            _ => {}
        },
        // A terminal's input has no end; who wants one types it.
        Event::Eof | Event::Pty { .. } | Event::Env(..) | Event::Start(_) => {}
    }
    Ok(None)
}

fn closed(why: Option<CloseFrame>) -> End {
    let Some(why) = why else {
        return End::Lost;
    };
    let words = match u16::from(why.code) {
        4003 => "access to this shell was taken back".into(),
        4004 => format!("the shell is gone: {}", why.reason),
        4010 => "the VM was shut down".into(),
        4400 => return End::Refused(format!("the node did not understand: {}", why.reason)),
        4429 => return End::Refused("too many look at this shell already".into()),
        // 1013, too: what the program has not read is sent again.
        _ => return End::Lost,
    };
    End::Over(words)
}

//! A command without a terminal: its streams are the client's, byte by byte, and end as it ends
//! (docs/exec-protocol.md).

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use node_api::{
    exec::ExecStart,
    exec_frame::{ClientFrame, NodeFrame, SILENCE_S, STDIN_WINDOW_BYTES, STREAM_FRAME_BYTES},
};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_tungstenite::tungstenite::Message;

use super::{
    channel::{Event, Inbox},
    outbox::{Gone, Outbox},
    session::{FAILED, Guest},
};
use crate::balancer::NodeSocket;

/// For one frame to be taken by the node.
const SEND: Duration = Duration::from_secs(30);
/// How often the node is told that somebody is there.
const PING: Duration = Duration::from_secs(SILENCE_S / 3);
/// A node that answers no ping for so long is lost.
const SILENCE: Duration = Duration::from_secs(SILENCE_S);
/// For the node to hear that it is over.
const CLOSE: Duration = Duration::from_secs(2);

/// What is to be run.
pub struct Line<'a> {
    /// None: a shell that reads what to do from its input.
    pub command: Option<&'a str>,
    pub env: Vec<(String, String)>,
}

/// What the two directions tell each other.
#[derive(Default)]
struct Shared {
    /// Input bytes that the command has taken.
    taken: AtomicU64,
    news: Notify,
}

type Sink = SplitSink<NodeSocket, Message>;

/// Runs a command in a VM that runs. When the client leaves, the socket closes, and the node ends
/// every process of the command's session.
pub async fn serve(
    guest: &Guest,
    vm: &str,
    line: Line<'_>,
    inbox: &mut Inbox,
    out: &Outbox,
) -> Result<i32, Gone> {
    let attached = guest
        .plane
        .state
        .control
        .vm_exec_attach(&guest.actor, vm)
        .await;
    let attached = match guest.plane.control_answer(attached) {
        Ok(attached) => attached,
        Err(error) => {
            out.say(&error.message).await?;
            return Ok(FAILED);
        }
    };
    let (mut sink, stream) = attached.socket.split();
    let shared = Shared::default();
    let start = ClientFrame::Start(start(line));
    let ended = async {
        if !send(&mut sink, &start).await {
            return Ok(Err(LOST.to_owned()));
        }
        tokio::select! {
            ended = print(stream, out, &shared) => ended,
            gone = feed(inbox, &mut sink, &shared) => Err(gone),
        }
    };
    let ended = guest.closed.run_until_cancelled(ended).await;
    let _ = timeout(CLOSE, sink.close()).await;
    drop(attached.turn);
    match ended.ok_or(Gone)?? {
        Ok(code) => Ok(code),
        Err(why) => {
            out.say(&why).await?;
            Ok(FAILED)
        }
    }
}

const LOST: &str = "the connection to the VM's node was lost, and the command with it";

/// Goes home and becomes root's shell, as terminals do: with a command line as its one argument, or
/// reading from its input.
const WRAPPER: &str = r#"cd /root 2>/dev/null || cd /
while IFS=: read -r n p u g c h s; do [ "$u" = 0 ] && break; done </etc/passwd 2>/dev/null
[ -x "$s" ] || s=/bin/sh
SHELL=$s; export SHELL; unset n p u g c h
[ $# -gt 0 ] && exec "$s" -c "$1"
exec "$s" -l"#;

/// As sshd does it. The command line is an argument: nothing is put together for a shell to read.
fn start(line: Line<'_>) -> ExecStart {
    let fixed = ["/bin/sh", "-c", WRAPPER, "mc"];
    let words = fixed.into_iter().chain(line.command);
    ExecStart {
        argv: words.map(str::to_owned).collect(),
        env: line.env,
    }
}

/// The command's output, to its exit code; Err is why there is none.
async fn print(
    mut stream: SplitStream<NodeSocket>,
    out: &Outbox,
    shared: &Shared,
) -> Result<Result<i32, String>, Gone> {
    while let Ok(Some(Ok(message))) = timeout(SILENCE, stream.next()).await {
        let Message::Binary(bytes) = message else {
            continue;
        };
        let Ok(frame) = NodeFrame::decode(&bytes) else {
            return Ok(Err(
                "the node sent what cannot be read; is it of another version?".into(),
            ));
        };
        match frame {
            NodeFrame::Stdout(bytes) => out.out(bytes).await?,
            NodeFrame::Stderr(bytes) => out.err(bytes).await?,
            NodeFrame::StdinTaken(taken) => {
                shared.taken.store(taken, Ordering::Relaxed);
                shared.news.notify_one();
            }
            NodeFrame::Exit(code) => return Ok(Ok(code)),
            NodeFrame::Refused(error) => return Ok(Err(error.message)),
            NodeFrame::Pong(_) | NodeFrame::Unknown(_) => {}
        }
    }
    Ok(Err(LOST.into()))
}

/// The client's input and signals, until the client has gone. A node that takes no more may have sent
/// what the client has not read yet: `print` decides.
async fn feed(inbox: &mut Inbox, sink: &mut Sink, shared: &Shared) -> Gone {
    let (mut sent, mut pending) = (0_u64, Bytes::new());
    let mut ended = false;
    loop {
        let under_way = sent - shared.taken.load(Ordering::Relaxed).min(sent);
        let room = usize::try_from(STDIN_WINDOW_BYTES.saturating_sub(under_way)).unwrap_or(0);
        let part = pending.split_to(pending.len().min(room).min(STREAM_FRAME_BYTES));
        let frame = match part.is_empty() {
            false => {
                sent += part.len() as u64;
                Some(ClientFrame::Stdin(part))
            }
            true => tokio::select! {
                event = inbox.next(), if pending.is_empty() => match event {
                    None => return Gone,
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
                () = sleep(PING) => Some(ClientFrame::Ping(0)),
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

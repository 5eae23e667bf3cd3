//! A program in a VM with our own standard streams: the caller's half of docs/exec-protocol.md.

mod frame;

use std::{
    io::{Read as _, Write as _},
    thread,
    time::Duration,
};

use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use server_api::problem::Problem;
use tokio::{
    sync::{mpsc, watch},
    time::{interval, timeout},
};
use tokio_tungstenite::tungstenite::Message;

use self::frame::{Frame, Refused, STDIN_MAX, Start, WINDOW};
use crate::{
    client::{Client, vm::vm_path},
    error::{CliError, exit},
    socket::{self, Socket},
};

/// The caller says that it lives (docs/exec-protocol.md, Liveness).
const PING_EVERY: Duration = Duration::from_secs(15);
/// A node that answers no ping for so long is lost.
const SILENCE: Duration = Duration::from_secs(60);
/// Time to say goodbye.
const CLOSE: Duration = Duration::from_secs(1);
/// Parts of standard input that may wait.
const PARTS: usize = 2;

/// What is to be run.
pub struct Run<'a> {
    /// One's own, by its name.
    pub vm: &'a str,
    /// The program and its arguments; never empty.
    pub argv: &'a [String],
    /// Standard input is passed on.
    pub stdin: bool,
    /// Seconds, after which it is ended; None: as long as it takes.
    pub timeout_s: Option<u32>,
}

/// Runs it to its end; answers its exit code. What goes wrong on the way ends it, too.
pub async fn run(client: &Client, run: &Run<'_>) -> Result<u8, CliError> {
    let path = format!("{}/exec/attach", vm_path(run.vm));
    let socket = socket::connect(client, &path).await?;
    let ended = attached(client, socket, run);
    let Some(seconds) = run.timeout_s else {
        return ended.await;
    };
    let late = || {
        let (program, vm) = (&run.argv[0], run.vm);
        CliError::TookTooLong(format!(
            "{program} did not end within {seconds} s in {vm}; it was ended"
        ))
    };
    timeout(Duration::from_secs(seconds.into()), ended)
        .await
        .map_err(|_| late())?
}

async fn attached(client: &Client, socket: Socket, run: &Run<'_>) -> Result<u8, CliError> {
    let (mut sink, stream) = socket.split();
    let lost = || CliError::Unreachable {
        server: client.server().to_owned(),
        reason: "the connection was lost; the program was ended".into(),
    };
    let start = frame::start(&Start { argv: run.argv });
    sink.send(Message::binary(start))
        .await
        .map_err(|_| lost())?;
    let (taken, taken_seen) = watch::channel(0);
    let outcome = tokio::select! {
        outcome = show(stream, &taken) => outcome,
        () = give(&mut sink, run.stdin, taken_seen) => None,
    };
    let _ = timeout(CLOSE, sink.close()).await;
    outcome.unwrap_or_else(|| Err(lost()))
}

/// Writes what the program writes, until its exit code comes. None when the connection is lost.
async fn show(
    mut stream: SplitStream<Socket>,
    taken: &watch::Sender<u64>,
) -> Option<Result<u8, CliError>> {
    while let Ok(Some(Ok(message))) = timeout(SILENCE, stream.next()).await {
        let Message::Binary(bytes) = message else {
            continue;
        };
        let mut written = Ok(());
        match frame::decode(&bytes) {
            Some(Frame::Taken(count)) => {
                taken.send_replace(count);
            }
            Some(Frame::Exit(code)) => {
                return Some(Ok(u8::try_from(code).unwrap_or(exit::FAILURE)));
            }
            Some(Frame::Refused(refused)) => return Some(Err(refusal(refused))),
            Some(Frame::Stdout(bytes)) => written = write(bytes.to_vec(), false).await,
            Some(Frame::Stderr(bytes)) => written = write(bytes.to_vec(), true).await,
            Some(Frame::Other) => {}
            None => {
                let words = "the node sent a frame that cannot be read; is it of another version?";
                return Some(Err(CliError::Failed(words.into())));
            }
        }
        if let Err(error) = written {
            return Some(Err(error.into()));
        }
    }
    None
}

/// Writes to our own standard output or error, aside: a reader that takes its time must not keep us
/// from saying that we live.
async fn write(bytes: Vec<u8>, to_stderr: bool) -> std::io::Result<()> {
    let writing = tokio::task::spawn_blocking(move || {
        if to_stderr {
            return std::io::stderr().lock().write_all(&bytes);
        }
        let mut out = std::io::stdout().lock();
        out.write_all(&bytes)?;
        out.flush()
    });
    writing
        .await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

/// Sends our standard input as fast as the program takes it, and a sign of life now and then. Ends
/// only when nobody shows what comes any more.
async fn give(sink: &mut SplitSink<Socket, Message>, stdin: bool, mut taken: watch::Receiver<u64>) {
    let mut parts = stdin.then(parts).and_then(Result::ok);
    let mut alive = interval(PING_EVERY);
    let mut sent = 0_u64;
    let mut ended = false;
    loop {
        let is_full = sent + STDIN_MAX as u64 > *taken.borrow() + WINDOW;
        let frame = tokio::select! {
            _ = alive.tick() => frame::ping(),
            changed = taken.changed(), if is_full => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            part = next(&mut parts), if !ended && !is_full => match part {
                Some(part) => {
                    sent += part.len() as u64;
                    frame::stdin(&part)
                }
                None => {
                    ended = true;
                    frame::stdin_end()
                }
            },
        };
        if sink.send(Message::binary(frame)).await.is_err() {
            // What has come before the connection broke is still to be shown.
            return std::future::pending().await;
        }
    }
}

async fn next(parts: &mut Option<mpsc::Receiver<Vec<u8>>>) -> Option<Vec<u8>> {
    parts.as_mut()?.recv().await
}

/// Reads in a thread of its own, because a read of a pipe cannot be called off.
fn parts() -> std::io::Result<mpsc::Receiver<Vec<u8>>> {
    let (to, from) = mpsc::channel(PARTS);
    thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut part = vec![0; STDIN_MAX];
        // An error is the end of the input.
        while let Ok(length @ 1..) = std::io::stdin().lock().read(&mut part) {
            if to.blocking_send(part[..length].to_vec()).is_err() {
                return;
            }
        }
    })?;
    Ok(from)
}

/// The node's refusal, as the server would have told it.
fn refusal(refused: Refused) -> CliError {
    let (status, title) = match refused.code.as_str() {
        "not_found" => (404, "Not Found"),
        "conflict" => (409, "Conflict"),
        "too_many" => (429, "Too Many Requests"),
        "bad_request" => (400, "Bad Request"),
        "timeout" => (504, "Gateway Timeout"),
        _ => (502, "Bad Gateway"),
    };
    CliError::Api(Box::new(Problem {
        code: refused.code,
        title: title.into(),
        status,
        detail: refused.message,
        field: None,
        request_id: None,
    }))
}

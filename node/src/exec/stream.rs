//! One command on its caller's socket.

use std::{pin::Pin, time::Duration};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::Bytes;
use futures_util::{
    SinkExt, StreamExt,
    stream::{self, SplitSink},
};
use node_api::{
    error::NodeError,
    exec::ExecStart,
    exec_frame::{ClientFrame, NodeFrame, STREAM_FRAME_BYTES},
};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::{
    caller::{Close, MALFORMED, SILENCE, SILENT, Shared, Stream, feed, read},
    opening::{self, OPEN},
};
use crate::{
    driver::{DriverError, Piece, Process, ProcessControl},
    handler::check,
    state::AppState,
};

/// From the upgrade to the first frame.
const START: Duration = Duration::from_secs(10);
/// A command's exit is known so soon after its output has ended, mostly.
const MOMENT: Duration = Duration::from_millis(50);
/// How long a call about a command may take.
const CONTROL: Duration = Duration::from_secs(15);

/// Close codes of docs/exec-protocol.md, beside those for callers.
const DONE: u16 = 1000;
const RESTART: u16 = 1012;

type Sink = SplitSink<WebSocket, Message>;

/// How a command's time on its socket ended.
enum End {
    /// Everything was told.
    Done,
    /// The caller has gone, or is to go.
    HungUp(Option<Close>),
}

/// Runs a command for a caller, to its end or the caller's.
pub async fn serve(state: &AppState, vm_id: Uuid, socket: WebSocket) {
    let (mut sink, mut stream) = socket.split();
    let close = match first(&mut stream).await {
        Ok(start) => {
            let opening = open(state, vm_id, &start);
            run(state, vm_id, opening, &mut sink, &mut stream).await
        }
        Err(close) => Some(close),
    };
    end(close, sink, stream).await;
}

/// Carries a caller's bytes to a port of the VM and back.
pub async fn serve_port(state: &AppState, vm_id: Uuid, port: u16, socket: WebSocket) {
    let (mut sink, mut stream) = socket.split();
    let opening = async {
        let opened = state.driver.vm_connect(vm_id, port).await;
        opened.map_err(|error| told(&error))
    };
    let close = run(state, vm_id, opening, &mut sink, &mut stream).await;
    end(close, sink, stream).await;
}

/// Tells why it is over, where somebody is still there to be told.
async fn end(close: Option<Close>, mut sink: Sink, mut stream: Stream) {
    let Some(Close(code, reason)) = close else {
        return;
    };
    let frame = CloseFrame {
        code,
        reason: reason.into(),
    };
    // Read on until the caller has closed, too, or is silent: a slow reader may not have come to the
    // end yet, and what it sends meanwhile would have the system throw away what it has not read.
    if sink.send(Message::Close(Some(frame))).await.is_ok() {
        while let Ok(Some(Ok(_))) = timeout(SILENCE, stream.next()).await {}
    }
}

async fn first(stream: &mut Stream) -> Result<ExecStart, Close> {
    let malformed = |what: String| Close(MALFORMED, what);
    let message = timeout(START, stream.next()).await;
    match message {
        Ok(Some(Ok(Message::Binary(bytes)))) => match ClientFrame::decode(&bytes) {
            Ok(ClientFrame::Start(start)) => Ok(start),
            Ok(_) => Err(malformed("the first frame is not a start".into())),
            Err(error) => Err(malformed(error.to_string())),
        },
        Ok(_) => Err(malformed("no start came".into())),
        Err(_) => Err(Close(SILENT, "no start came in time".into())),
    }
}

async fn run(
    state: &AppState,
    vm_id: Uuid,
    opening: impl Future<Output = Result<Process, NodeError>>,
    sink: &mut Sink,
    stream: &mut Stream,
) -> Option<Close> {
    let restart = || Some(Close(RESTART, "the node ends".into()));
    let mut early = Vec::new();
    let opened = tokio::select! {
        opened = opening::wait(opening, OPEN, stream, &mut early) => opened,
        () = state.shutdown.cancelled() => return restart(),
    };
    let process = match opened {
        Some(Ok(process)) => process,
        Some(Err(error)) => return refuse(sink, error).await,
        None => return None,
    };
    let mut frames = stream::iter(early.into_iter().map(Ok)).chain(stream);
    let shared = Shared::default();
    let (fed, food) = mpsc::unbounded_channel();
    let control = &*process.control;
    let end = tokio::select! {
        end = print(process.output, control, &shared, sink) => end,
        close = read(&mut frames, control, &shared, fed) => End::HungUp(close),
        never = feed(process.input, food, &shared) => match never {},
        () = state.shutdown.cancelled() => End::HungUp(restart()),
    };
    match end {
        End::Done => Some(Close(DONE, "the command has ended".into())),
        End::HungUp(close) => {
            end_all(vm_id, control).await;
            close
        }
    }
}

async fn open(state: &AppState, vm_id: Uuid, start: &ExecStart) -> Result<Process, NodeError> {
    check::exec_start(start)?;
    let process = state.driver.vm_process(vm_id, start).await;
    process.map_err(|error| told(&error))
}

fn told(error: &DriverError) -> NodeError {
    NodeError {
        code: error.code,
        message: error.message.clone(),
    }
}

async fn refuse(sink: &mut Sink, error: NodeError) -> Option<Close> {
    let sent = send(sink, &NodeFrame::Refused(error)).await;
    sent.then(|| Close(DONE, "the command was not started".into()))
}

/// Nothing of a command stays when nobody is there for it.
async fn end_all(vm_id: Uuid, control: &dyn ProcessControl) {
    match timeout(CONTROL, control.kill()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%vm_id, "a command's processes were not ended: {error}"),
        Err(_) => tracing::warn!(%vm_id, "a command's processes were not ended in time"),
    }
}

/// Sends what the command prints, then its exit code.
async fn print(
    mut output: Pin<Box<dyn futures_util::Stream<Item = Result<Piece, DriverError>> + Send>>,
    control: &dyn ProcessControl,
    shared: &Shared,
    sink: &mut Sink,
) -> End {
    loop {
        let sent = tokio::select! {
            piece = output.next() => match piece {
                Some(Ok(Piece::Stdout(bytes))) => send_all(sink, bytes, NodeFrame::Stdout).await,
                Some(Ok(Piece::Stderr(bytes))) => send_all(sink, bytes, NodeFrame::Stderr).await,
                Some(Err(error)) => {
                    send(sink, &NodeFrame::Refused(told(&error))).await;
                    return End::HungUp(Some(Close(DONE, "the command was lost".into())));
                }
                None => break,
            },
            () = shared.news() => send_news(sink, shared).await,
        };
        if !sent {
            return End::HungUp(None);
        }
    }
    let Some(last) = last(control, shared, sink).await else {
        return End::HungUp(None);
    };
    match send_news(sink, shared).await && send(sink, &last).await {
        true => End::Done,
        false => End::HungUp(None),
    }
}

/// The last frame; None when the caller has gone. What has closed its output may still take input.
async fn last(control: &dyn ProcessControl, shared: &Shared, sink: &mut Sink) -> Option<NodeFrame> {
    let mut ended = std::pin::pin!(exit_code(control));
    let mut told_of_end = false;
    loop {
        let sent = tokio::select! {
            code = &mut ended => return Some(match code {
                Ok(code) => NodeFrame::Exit(code),
                Err(error) => NodeFrame::Refused(told(&error)),
            }),
            () = sleep(MOMENT), if !told_of_end => {
                told_of_end = true;
                send(sink, &NodeFrame::OutputEnd).await
            }
            () = shared.news() => send_news(sink, shared).await,
        };
        if !sent {
            return None;
        }
    }
}

/// The output ends a moment before the engine knows the exit code; longer, where the command closed
/// its output and went on.
async fn exit_code(control: &dyn ProcessControl) -> Result<i32, DriverError> {
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(code) = control.exit_code().await? {
            return Ok(code);
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

async fn send_news(sink: &mut Sink, shared: &Shared) -> bool {
    let pong = match shared.ping() {
        Some(value) => send(sink, &NodeFrame::Pong(value)).await,
        None => true,
    };
    pong && send(sink, &NodeFrame::StdinTaken(shared.taken())).await
}

async fn send_all(sink: &mut Sink, mut bytes: Bytes, frame: fn(Bytes) -> NodeFrame) -> bool {
    while !bytes.is_empty() {
        let part = bytes.split_to(bytes.len().min(STREAM_FRAME_BYTES));
        if !send(sink, &frame(part)).await {
            return false;
        }
    }
    true
}

/// False when the caller has gone. A slow one is waited for: `read` knows whether it lives.
async fn send(sink: &mut Sink, frame: &NodeFrame) -> bool {
    sink.send(Message::Binary(frame.encode())).await.is_ok()
}

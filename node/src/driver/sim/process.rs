//! Commands of the simulated engine with streams: `cat` gives back what it is given, all else prints
//! what it prints at its end.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use node_api::exec::ExecStart;
use tokio::{
    io::{AsyncReadExt, DuplexStream, duplex},
    sync::{mpsc, watch},
};
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use uuid::Uuid;

use super::{
    engine::SimEngine,
    program::{self, Place},
};
use crate::driver::{DriverError, Piece, Process, ProcessControl, ProcessSignal};

/// The engine's hold on a command.
#[derive(Clone)]
pub(super) struct ProcessHandle {
    exit: watch::Sender<Option<i32>>,
}

impl ProcessHandle {
    pub(super) fn has_ended(&self) -> bool {
        self.exit.borrow().is_some()
    }

    /// Ends it, unless it has ended.
    pub(super) fn end(&self, code: i32) {
        self.exit.send_if_modified(|exit| {
            let first = exit.is_none();
            *exit = exit.or(Some(code));
            first
        });
    }
}

#[async_trait]
impl ProcessControl for ProcessHandle {
    async fn exit_code(&self) -> Result<Option<i32>, DriverError> {
        Ok(*self.exit.borrow())
    }

    async fn signal(&self, signal: ProcessSignal) -> Result<(), DriverError> {
        self.end(128 + signal.number());
        Ok(())
    }

    async fn kill(&self) -> Result<(), DriverError> {
        self.end(129);
        Ok(())
    }
}

/// The port that every simulated VM listens on: it gives back what it is given.
pub(super) const ECHO: u16 = 7;

/// A connection to that port.
pub(super) fn echo(engine: Arc<SimEngine>, vm_id: Uuid) -> (Process, ProcessHandle) {
    let start = ExecStart {
        argv: vec!["cat".into()],
        env: Vec::new(),
    };
    open(engine, vm_id, &start)
}

/// Starts a command.
pub(super) fn open(
    engine: Arc<SimEngine>,
    vm_id: Uuid,
    start: &ExecStart,
) -> (Process, ProcessHandle) {
    let (input, given) = duplex(64 * 1024);
    let (printed, output) = mpsc::channel(4);
    let handle = ProcessHandle {
        exit: watch::Sender::new(None),
    };
    let place = Place {
        engine,
        vm_id,
        size: None,
    };
    tokio::spawn(live(
        place,
        script(&start.argv),
        given,
        printed,
        handle.clone(),
    ));
    let process = Process {
        output: Box::pin(ReceiverStream::new(output).map(Ok)),
        input: Box::pin(input),
        control: Box::new(handle.clone()),
    };
    (process, handle)
}

/// What `argv` runs, as a script.
pub(super) fn script(argv: &[String]) -> String {
    match argv {
        // A shell that another becomes: the last word is what that runs.
        [shell, flag, wrapper, _, script]
            if shell.ends_with("sh") && flag == "-c" && wrapper.contains("exec ") =>
        {
            script.clone()
        }
        [shell, flag, script, ..] if shell.ends_with("sh") && flag == "-c" => script.clone(),
        words => quote(words),
    }
}

/// Words as a script of one command.
fn quote(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    quoted.join(" ")
}

async fn live(
    place: Place,
    script: String,
    given: DuplexStream,
    printed: mpsc::Sender<Piece>,
    handle: ProcessHandle,
) {
    let mut ended = handle.exit.subscribe();
    tokio::select! {
        code = run(&place, &script, given, printed) => handle.end(code),
        _ = ended.wait_for(Option::is_some) => {}
    }
}

async fn run(
    place: &Place,
    script: &str,
    given: DuplexStream,
    printed: mpsc::Sender<Piece>,
) -> i32 {
    if program::words(script) == ["cat"] {
        return give_back(given, &printed).await;
    }
    let outcome = program::run(place, script).await;
    if !outcome.text.is_empty() {
        // A reader that has gone away has no use for it.
        let _ = printed.send(Piece::Stdout(outcome.text.into())).await;
    }
    outcome.code
}

async fn give_back(mut given: DuplexStream, printed: &mpsc::Sender<Piece>) -> i32 {
    let mut buffer = vec![0; 32 * 1024];
    loop {
        let count = match given.read(&mut buffer).await {
            Ok(0) | Err(_) => return 0,
            Ok(count) => count,
        };
        let piece = Piece::Stdout(Bytes::copy_from_slice(&buffer[..count]));
        if printed.send(piece).await.is_err() {
            return 141;
        }
    }
}

//! Terminals of the simulated engine: typed characters are echoed, lines are run.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
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
use crate::driver::{DriverError, ProcessControl, ProcessSignal, Tty, TtyControl, TtySpec};

const PROMPT: &str = "/root # ";

/// The engine's hold on a terminal.
#[derive(Clone)]
pub(super) struct TtyHandle {
    exit: watch::Sender<Option<i32>>,
    size: Arc<Mutex<(u16, u16)>>,
    trap: Arc<Mutex<Option<String>>>,
}

impl TtyHandle {
    /// Ends it, unless it has ended.
    pub(super) fn end(&self, code: i32) {
        self.exit.send_if_modified(|exit| {
            let first = exit.is_none();
            *exit = exit.or(Some(code));
            first
        });
    }

    /// What it runs at TERM.
    pub(super) fn trap(&self) -> Option<String> {
        lock(&self.trap).clone()
    }
}

/// Opens a terminal and runs a shell on it.
pub(super) fn open(engine: Arc<SimEngine>, vm_id: Uuid, spec: &TtySpec) -> (Tty, TtyHandle) {
    let (input, typed) = duplex(64 * 1024);
    let (printed, output) = mpsc::channel(64);
    let handle = TtyHandle {
        exit: watch::Sender::new(None),
        size: Arc::new(Mutex::new((spec.cols, spec.rows))),
        trap: Arc::default(),
    };
    let shell = Shell {
        engine,
        vm_id,
        handle: handle.clone(),
        printed,
        line: Vec::new(),
    };
    tokio::spawn(shell.live(typed, spec.command.clone()));
    let tty = Tty {
        output: Box::pin(ReceiverStream::new(output).map(Ok)),
        input: Box::pin(input),
        control: Box::new(handle.clone()),
    };
    (tty, handle)
}

#[async_trait]
impl TtyControl for TtyHandle {
    async fn resize(&self, cols: u16, rows: u16) -> Result<(), DriverError> {
        *lock(&self.size) = (cols, rows);
        Ok(())
    }
}

#[async_trait]
impl ProcessControl for TtyHandle {
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

struct Shell {
    engine: Arc<SimEngine>,
    vm_id: Uuid,
    handle: TtyHandle,
    printed: mpsc::Sender<Bytes>,
    line: Vec<u8>,
}

impl Shell {
    /// Lives until `exit`, end of input, or the terminal's end.
    async fn live(mut self, typed: DuplexStream, command: Option<String>) {
        let mut exit = self.handle.exit.subscribe();
        let handle = self.handle.clone();
        tokio::select! {
            code = self.work(typed, command) => handle.end(code),
            _ = exit.wait_for(Option::is_some) => {}
        }
    }

    /// Runs the command it was opened for, or whatever is typed.
    async fn work(&mut self, typed: DuplexStream, command: Option<String>) -> i32 {
        match command {
            Some(command) => self.run(&command).await.code,
            None => self.talk(typed).await,
        }
    }

    async fn talk(&mut self, mut typed: DuplexStream) -> i32 {
        self.print(PROMPT).await;
        let mut buffer = [0; 4096];
        loop {
            match typed.read(&mut buffer).await {
                Ok(0) | Err(_) => return 0,
                Ok(count) => {
                    for byte in &buffer[..count] {
                        if let Some(code) = self.key(*byte).await {
                            return code;
                        }
                    }
                }
            }
        }
    }

    /// One key; the exit code when it ends the shell.
    async fn key(&mut self, byte: u8) -> Option<i32> {
        match byte {
            b'\r' | b'\n' => {
                self.print("\r\n").await;
                return self.enter().await;
            }
            0x03 => {
                self.line.clear();
                self.print(&format!("^C\r\n{PROMPT}")).await;
            }
            0x04 if self.line.is_empty() => return Some(0),
            0x7f if self.line.pop().is_some() => self.print("\x08 \x08").await,
            0x04 | 0x7f => {}
            byte => {
                self.line.push(byte);
                self.print_bytes(Bytes::copy_from_slice(&[byte])).await;
            }
        }
        None
    }

    async fn enter(&mut self) -> Option<i32> {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
        let outcome = self.run(&line).await;
        if outcome.exits {
            return Some(outcome.code);
        }
        self.print(PROMPT).await;
        None
    }

    async fn run(&mut self, script: &str) -> program::Outcome {
        let place = Place {
            engine: self.engine.clone(),
            vm_id: self.vm_id,
            size: Some(*lock(&self.handle.size)),
        };
        let outcome = program::run(&place, script).await;
        if outcome.trap.is_some() {
            lock(&self.handle.trap).clone_from(&outcome.trap);
        }
        self.print(&outcome.text.replace('\n', "\r\n")).await;
        outcome
    }

    async fn print(&self, text: &str) {
        self.print_bytes(Bytes::copy_from_slice(text.as_bytes()))
            .await;
    }

    async fn print_bytes(&self, bytes: Bytes) {
        if !bytes.is_empty() {
            // A reader that has gone away has no use for it.
            let _ = self.printed.send(bytes).await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

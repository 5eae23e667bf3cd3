//! What a session's task writes to its client.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use russh::{ChannelWriteHalf, server::Msg};
use tokio_util::sync::CancellationToken;

/// Standard error's number among a channel's streams.
const STDERR: u32 = 1;

/// The client has gone.
#[derive(Debug, thiserror::Error)]
#[error("the client has gone")]
pub struct Gone;

/// A channel's writing half. Each call waits for the client's window.
pub struct Outbox {
    half: ChannelWriteHalf<Msg>,
    /// Cancelled when the client has closed the channel: nobody would ever open its window again.
    closed: CancellationToken,
    /// The client's terminal is raw: lines of ours need a carriage return.
    raw: bool,
    /// The channel is not open yet: here is our last word.
    held: Option<Mutex<String>>,
    /// The client was told that no more comes: that is said once.
    ended: AtomicBool,
}

impl Outbox {
    /// `closed` is cancelled when the client has closed the channel; whatever waits for its window then
    /// gives up.
    pub fn new(half: ChannelWriteHalf<Msg>, closed: CancellationToken) -> Self {
        Self {
            half,
            closed,
            raw: false,
            held: None,
            ended: AtomicBool::new(false),
        }
    }

    /// From now on words of ours are kept: the client has not been let in.
    pub fn hold(&mut self) {
        self.held = Some(Mutex::default());
    }

    /// The last word that was kept; those to come are sent.
    pub fn let_go(&mut self) -> String {
        let held = self.held.take().unwrap_or_default();
        held.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the client's terminal is raw.
    pub fn set_raw(&mut self) {
        self.raw = true;
    }

    /// Bytes as they are, to standard output.
    pub async fn out(&self, bytes: impl Into<Bytes>) -> Result<(), Gone> {
        let sent = self.closed.run_until_cancelled(self.half.data_bytes(bytes));
        sent.await.ok_or(Gone)?.map_err(|_| Gone)
    }

    /// Bytes as they are, to standard error.
    pub async fn err(&self, bytes: impl Into<Bytes>) -> Result<(), Gone> {
        let sent = self.half.extended_data_bytes(STDERR, bytes);
        let sent = self.closed.run_until_cancelled(sent);
        sent.await.ok_or(Gone)?.map_err(|_| Gone)
    }

    /// Lines of ours, to standard output.
    pub async fn print(&self, text: &str) -> Result<(), Gone> {
        self.out(self.lines(text)).await
    }

    /// A word from the gateway itself, to standard error.
    pub async fn say(&self, words: &str) -> Result<(), Gone> {
        if let Some(held) = &self.held {
            words.clone_into(&mut held.lock().unwrap_or_else(PoisonError::into_inner));
            return Ok(());
        }
        self.err(self.lines(&format!("minicloud: {words}\n"))).await
    }

    /// The end, in the order that no client loses anything by: all output is out already, then the
    /// exit status, then that no more comes, then the close.
    pub async fn finish(self, code: i32) {
        // A client that has gone needs no end.
        let _ = self.half.exit_status(code.cast_unsigned()).await;
        self.hang_up().await;
    }

    /// The end of a channel that is not a command's.
    pub async fn hang_up(self) {
        self.eof().await;
        let _ = self.half.close().await;
    }

    /// No more comes from here; the client may still send.
    pub async fn eof(&self) {
        if !self.ended.swap(true, Ordering::Relaxed) {
            // A client that has gone needs no end.
            let _ = self.half.eof().await;
        }
    }

    fn lines(&self, text: &str) -> String {
        match self.raw {
            true => text.replace('\n', "\r\n"),
            false => text.to_owned(),
        }
    }
}

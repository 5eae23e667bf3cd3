//! The live log: the newest records that match, then more as they come, in batches; an empty one as a sign of life.

use std::time::Duration;

use app::model::{LIVE_EVERY, Live, LogFilter, LogView};
use axum::extract::ws::{Message, WebSocket};
use tokio::time::{Instant, sleep_until, timeout};

use super::socket;
use crate::{log::Batch, pages::RequestPlane};

/// Records that come within this time travel in one message.
const BATCH_PAUSE: Duration = Duration::from_millis(100);
const BATCH_MAX: usize = 500;

/// Follows until the browser leaves or access ends.
pub async fn follow(mut socket: WebSocket, plane: &RequestPlane, filter: &LogFilter) {
    let mut live = plane.state.logs.subscribe();
    let mut revoked = plane.state.auth.revocations();
    let start = plane.state.logs.list(filter).records;
    let mut batch = Batch::new(filter, start.last().map_or(0, |record| record.seq));
    if !send(&mut socket, start).await {
        return;
    }
    let mut told = Instant::now();
    let mut heard = socket::Heard::now();
    loop {
        let is_due = tokio::select! {
            came = live.recv() => {
                if !batch.take(came) {
                    return;
                }
                false
            }
            () = sleep_until(told + LIVE_EVERY) => true,
            () = revoked.wait(&plane.caller) => return socket::close_revoked(socket).await,
            () = plane.state.stop.cancelled() => return socket::close_restart(socket).await,
            message = socket.recv() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(message)) => {
                    heard = socket::Heard::now();
                    !matches!(message, Message::Pong(_))
                }
            },
        };
        let more =
            async { while batch.records.len() < BATCH_MAX && batch.take(live.recv().await) {} };
        let _ = timeout(BATCH_PAUSE, more).await;
        let records = std::mem::take(&mut batch.records);
        if records.is_empty() && !is_due {
            continue;
        }
        told = Instant::now();
        if !send(&mut socket, records).await || !heard.look(&mut socket).await {
            return;
        }
    }
}

async fn send(socket: &mut WebSocket, records: Vec<LogView>) -> bool {
    match serde_json::to_string(&Live::Logs(records)) {
        Ok(text) => socket::send(socket, Message::text(text)).await,
        Err(_) => false,
    }
}

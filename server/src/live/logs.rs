//! The live log: the newest records that match, then more as they come, in batches.

use std::{sync::Arc, time::Duration};

use app::{
    format::count,
    model::{Live, LogFilter, LogLevel, LogView},
};
use axum::extract::ws::{Message, WebSocket};
use tokio::{sync::broadcast::error::RecvError, time::timeout};

use super::socket;
use crate::{log::matches, pages::RequestPlane};

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
    loop {
        tokio::select! {
            came = live.recv() => if !batch.take(came) {
                return;
            },
            () = revoked.wait(&plane.caller) => return socket::close_revoked(socket).await,
            () = plane.state.stop.cancelled() => return socket::close_restart(socket).await,
            message = socket.recv() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
        }
        let more =
            async { while batch.records.len() < BATCH_MAX && batch.take(live.recv().await) {} };
        let _ = timeout(BATCH_PAUSE, more).await;
        let records = std::mem::take(&mut batch.records);
        if !records.is_empty() && !send(&mut socket, records).await {
            return;
        }
    }
}

/// What is sent together.
struct Batch<'a> {
    filter: &'a LogFilter,
    /// The last record that the browser had at the start.
    start: u64,
    /// Records that came too fast to be read, since the last that was.
    left_out: u64,
    records: Vec<LogView>,
}

impl<'a> Batch<'a> {
    fn new(filter: &'a LogFilter, start: u64) -> Self {
        Self {
            filter,
            start,
            left_out: 0,
            records: Vec::new(),
        }
    }

    /// Takes in what came; false when nothing comes any more.
    fn take(&mut self, came: Result<Arc<LogView>, RecvError>) -> bool {
        match came {
            Ok(record) => self.put(&record),
            Err(RecvError::Lagged(lines)) => self.left_out += lines,
            Err(RecvError::Closed) => return false,
        }
        true
    }

    fn put(&mut self, record: &LogView) {
        let left_out = std::mem::take(&mut self.left_out);
        if record.seq <= self.start {
            return;
        }
        if left_out > 0 {
            self.records.push(gap(left_out, record));
        }
        if matches(self.filter, record) {
            self.records.push(record.clone());
        }
    }
}

/// The line that stands for those before `next` that were left out, whatever the filter says of them.
fn gap(lines: u64, next: &LogView) -> LogView {
    let lines = count(u32::try_from(lines).unwrap_or(u32::MAX), "line");
    LogView {
        seq: next.seq.saturating_sub(1),
        at: next.at,
        source: "server".into(),
        level: LogLevel::Warn,
        message: format!(
            "left out here: {lines} of any source and level, because more came at once than could be sent"
        ),
        request_id: None,
    }
}

async fn send(socket: &mut WebSocket, records: Vec<LogView>) -> bool {
    match serde_json::to_string(&Live::Logs(records)) {
        Ok(text) => socket::send(socket, Message::text(text)).await,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::LogHub;

    #[tokio::test]
    async fn who_falls_behind_is_told_how_many_lines_were_left_out() {
        let hub = LogHub::default();
        let mut live = hub.subscribe();
        for n in 0..5_000 {
            hub.push("node-1", 0, LogLevel::Info, &n.to_string(), None);
        }
        let filter = LogFilter {
            text: Some("4999".into()),
            ..LogFilter::default()
        };
        let mut batch = Batch::new(&filter, 0);
        while !live.is_empty() && batch.take(live.recv().await) {}
        let [gap, last] = &batch.records[..] else {
            panic!("{:?}", batch.records)
        };
        // Lines are numbered from 1: so many are missing as the number of the last missing one.
        let words = format!("left out here: {} lines", gap.seq);
        assert!(gap.message.starts_with(&words), "{}", gap.message);
        assert!(gap.seq > 0 && gap.seq < last.seq);
        assert_eq!(last.message, "4999");
    }
}

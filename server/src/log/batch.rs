//! What a reader of the live log is sent together, with a line in place of what it was too slow for.

use std::sync::Arc;

use app::{
    format::count,
    model::{LogFilter, LogLevel, LogView},
};
use tokio::sync::broadcast::error::RecvError;

use super::matches;

/// Records that one reader wants.
pub struct Batch<'a> {
    filter: &'a LogFilter,
    /// The last record that the reader had at the start.
    start: u64,
    /// Records that came too fast to be read, since the last that was.
    left_out: u64,
    /// What was taken in and is not sent yet, oldest first; the reader's to empty.
    pub records: Vec<LogView>,
}

impl<'a> Batch<'a> {
    /// For a reader that has all that matches up to the record of the number `start`.
    pub fn new(filter: &'a LogFilter, start: u64) -> Self {
        Self {
            filter,
            start,
            left_out: 0,
            records: Vec::new(),
        }
    }

    /// Takes in what came; false when nothing comes any more.
    pub fn take(&mut self, came: Result<Arc<LogView>, RecvError>) -> bool {
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

//! A feed as server-sent events, to be resumed by `Last-Event-ID`.
//!
//! Ids are `<boot id>-<number>`; a bare number is taken too. What has left the ring is told as a
//! comment (`: missed 17`). The stream ends when the node does.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::feed::{Batch, Feed};

/// A comment goes out after this long without an item, so that both sides see a dead connection.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Where a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Everything the ring holds.
    Oldest,
    /// What comes from now on.
    Now,
}

/// What a stream needs to know beside its feed.
pub struct Origin {
    /// Begins the id of each event; a caller's id with another one is of an earlier run.
    pub boot_id: String,
    /// Cancelled, it ends the stream.
    pub shutdown: CancellationToken,
}

/// The feed from where the caller stopped, or from `start` for a new caller.
pub fn follow<T>(
    feed: Arc<Feed<T>>,
    headers: &HeaderMap,
    start: Start,
    origin: Origin,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<T>>
where
    T: Serialize + Clone + Send + Sync + 'static,
{
    let next = resume(headers, &origin.boot_id).map_or_else(
        || match start {
            Start::Oldest => 0,
            Start::Now => feed.next(),
        },
        |last| last.saturating_add(1),
    );
    let reader = Reader {
        watch: feed.watch(),
        feed,
        next,
        boot_id: origin.boot_id,
    };
    let events = stream::unfold(reader, Reader::batch)
        .flat_map(stream::iter)
        .take_until(origin.shutdown.cancelled_owned())
        .map(Ok);
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

struct Reader<T> {
    feed: Arc<Feed<T>>,
    watch: watch::Receiver<u64>,
    next: u64,
    boot_id: String,
}

impl<T: Serialize + Clone> Reader<T> {
    /// Waits for the next batch; None when the feed is gone.
    async fn batch(mut self) -> Option<(Vec<Event>, Self)> {
        loop {
            self.watch.borrow_and_update();
            let batch = self.feed.read(self.next);
            if !batch.items.is_empty() {
                let events = self.render(&batch);
                self.next = batch.next;
                return Some((events, self));
            }
            self.watch.changed().await.ok()?;
        }
    }

    fn render(&self, batch: &Batch<T>) -> Vec<Event> {
        let first = batch.next - batch.items.len() as u64;
        let gap = (batch.missed > 0)
            .then(|| Event::default().comment(format!("missed {}", batch.missed)));
        let items = batch.items.iter().zip(first..).filter_map(|(item, seq)| {
            let data = serde_json::to_string(item).ok()?;
            let id = format!("{}-{seq}", self.boot_id);
            Some(Event::default().id(id).data(data))
        });
        gap.into_iter().chain(items).collect()
    }
}

/// The number of the caller's last item, when it is of this run of the node.
fn resume(headers: &HeaderMap, boot_id: &str) -> Option<u64> {
    let last = headers.get("last-event-id")?.to_str().ok()?;
    match last.rsplit_once('-') {
        Some((boot, seq)) if boot == boot_id => seq.parse().ok(),
        // Of an earlier run: all that this one has told is new to the caller.
        Some(_) => Some(0),
        None => last.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resumed(value: &'static str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert("last-event-id", value.parse().expect("a header"));
        resume(&headers, "b00f")
    }

    #[test]
    fn a_last_event_id_counts_only_within_its_run() {
        assert_eq!(resumed("b00f-7"), Some(7));
        assert_eq!(resumed("7"), Some(7));
        assert_eq!(resumed("dead-7"), Some(0));
        assert_eq!(resumed("what"), None);
    }
}

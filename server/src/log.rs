//! The log hub: what the server and every node log, in one bounded ring and as a live stream.
//! `balancer` is a source of its own. Lines are escaped, so that a log shows what it holds and
//! cannot move a terminal's cursor.

mod batch;
mod layer;

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use app::model::{LogFilter, LogLevel, LogPage, LogView};
use node_api::log::NodeLog;
use tokio::sync::broadcast;

pub use batch::Batch;
pub use layer::HubLayer;

/// Records kept: at some 200 bytes each, about 4 MB.
const RING: usize = 20_000;
/// Records a slow reader may lag behind before it misses some.
const LAG: usize = 4_096;
/// Characters of a message that are kept.
const MESSAGE_MAX: usize = 4_096;
/// Records a page starts with.
const PAGE: usize = 500;

/// A handle on the hub; cheap to clone.
#[derive(Clone)]
pub struct LogHub(Arc<Hub>);

struct Hub {
    ring: Mutex<Ring>,
    live: broadcast::Sender<Arc<LogView>>,
}

#[derive(Default)]
struct Ring {
    seq: u64,
    records: VecDeque<Arc<LogView>>,
    sources: BTreeSet<String>,
}

impl Default for LogHub {
    fn default() -> Self {
        let (live, _) = broadcast::channel(LAG);
        Self(Arc::new(Hub {
            ring: Mutex::new(Ring::default()),
            live,
        }))
    }
}

impl LogHub {
    /// Takes in one record.
    pub fn push(
        &self,
        source: &str,
        at: i64,
        level: LogLevel,
        message: &str,
        request_id: Option<String>,
    ) {
        let record = {
            let mut ring = self.ring();
            ring.seq += 1;
            let record = Arc::new(LogView {
                seq: ring.seq,
                at,
                source: source.to_owned(),
                level,
                message: escape(message),
                request_id,
            });
            if ring.records.len() == RING {
                ring.records.pop_front();
            }
            ring.records.push_back(record.clone());
            if !ring.sources.contains(source) {
                ring.sources.insert(source.to_owned());
            }
            record
        };
        // Fails when nobody listens, which is fine.
        let _ = self.0.live.send(record);
    }

    /// Takes in what a node logged.
    pub fn push_node(&self, node: &str, log: NodeLog) {
        self.push(
            node,
            log.at,
            level(&log.level),
            &log.message,
            log.request_id,
        );
    }

    /// The newest records that match, oldest first.
    pub fn list(&self, filter: &LogFilter) -> LogPage {
        let ring = self.ring();
        let mut records: Vec<LogView> = ring
            .records
            .iter()
            .rev()
            .filter(|record| matches(filter, record))
            .take(PAGE)
            .map(|record| (**record).clone())
            .collect();
        records.reverse();
        LogPage {
            records,
            sources: ring.sources.iter().cloned().collect(),
        }
    }

    /// Records from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<LogView>> {
        self.0.live.subscribe()
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// True when the record passes every part of the filter.
pub fn matches(filter: &LogFilter, record: &LogView) -> bool {
    filter
        .source
        .as_ref()
        .is_none_or(|source| *source == record.source)
        && filter.level.is_none_or(|level| record.level >= level)
        && filter
            .text
            .as_ref()
            .is_none_or(|text| record.message.to_lowercase().contains(&text.to_lowercase()))
}

/// Control characters become visible, and a long message is cut.
fn escape(message: &str) -> String {
    let mut escaped = String::with_capacity(message.len());
    for character in message.chars().take(MESSAGE_MAX) {
        if character.is_control() {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

fn level(word: &str) -> LogLevel {
    match word {
        "error" => LogLevel::Error,
        "warn" => LogLevel::Warn,
        "debug" => LogLevel::Debug,
        "trace" => LogLevel::Trace,
        _ => LogLevel::Info,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub_with(messages: &[(&str, LogLevel, &str)]) -> LogHub {
        let hub = LogHub::default();
        for (source, level, message) in messages {
            hub.push(source, 0, *level, message, None);
        }
        hub
    }

    #[test]
    fn control_characters_are_shown_and_not_obeyed() {
        let hub = hub_with(&[("server", LogLevel::Info, "a\u{1b}[2Jb\nc")]);
        assert_eq!(
            hub.list(&LogFilter::default()).records[0].message,
            "a\\u{1b}[2Jb\\nc"
        );
    }

    #[test]
    fn a_filter_holds_source_level_and_text() {
        let hub = hub_with(&[
            ("server", LogLevel::Info, "One thing"),
            ("node-1", LogLevel::Warn, "Another thing"),
            ("node-1", LogLevel::Info, "Another thing"),
        ]);
        let filter = LogFilter {
            source: Some("node-1".into()),
            level: Some(LogLevel::Warn),
            text: Some("another".into()),
        };
        let page = hub.list(&filter);
        assert_eq!(page.records.len(), 1);
        assert_eq!(page.records[0].seq, 2);
        assert_eq!(page.sources, ["node-1", "server"]);
    }

    #[test]
    fn the_ring_is_bounded_and_keeps_the_newest() {
        let hub = LogHub::default();
        for n in 0..RING + 10 {
            hub.push("server", 0, LogLevel::Info, &n.to_string(), None);
        }
        assert_eq!(hub.ring().records.len(), RING);
        let page = hub.list(&LogFilter::default());
        assert_eq!(
            page.records.last().map(|r| r.message.clone()),
            Some((RING + 9).to_string())
        );
    }
}

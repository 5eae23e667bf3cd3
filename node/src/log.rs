//! The node's log: lines on stderr, and a ring that `/v1/logs` follows.

use std::{
    fmt::{self, Write},
    sync::Arc,
};

use node_api::log::NodeLog;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{
    EnvFilter, Layer, layer::Context, layer::SubscriberExt, registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::{clock::now_us, feed::Feed};

/// Records kept for readers who come back.
pub const LOGS_KEPT: usize = 5_000;
/// Most bytes of one message.
const MESSAGE_LIMIT: usize = 4096;

/// An empty ring of the usual size.
pub fn ring() -> Arc<Feed<NodeLog>> {
    Arc::new(Feed::new(LOGS_KEPT))
}

/// Sends what this process logs to stderr and to `ring`; the level is `MINICLOUD_LOG`'s (`info`).
pub fn install(ring: Arc<Feed<NodeLog>>) -> anyhow::Result<()> {
    let filter = EnvFilter::builder()
        .with_env_var("MINICLOUD_LOG")
        .with_default_directive(tracing::level_filters::LevelFilter::INFO.into())
        .from_env()?;
    tracing_subscriber::registry()
        .with(filter)
        .with(RingLayer(ring))
        .with(
            tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .with_ansi(false),
        )
        .try_init()?;
    Ok(())
}

/// Puts each record into the ring.
pub struct RingLayer(pub Arc<Feed<NodeLog>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for RingLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut found = RequestId(None);
        attributes.record(&mut found);
        if let (RequestId(Some(_)), Some(span)) = (&found, context.span(id)) {
            span.extensions_mut().insert(found);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        let request_id = context.event_scope(event).and_then(|scope| {
            scope
                .into_iter()
                .find_map(|span| span.extensions().get::<RequestId>()?.0.clone())
        });
        let level = event.metadata().level().as_str().to_ascii_lowercase();
        let at = now_us();
        self.0.push(|seq| NodeLog {
            seq,
            at,
            level,
            message: line.text(),
            request_id,
        });
    }
}

/// The `request_id` field of a span.
struct RequestId(Option<String>);

impl Visit for RequestId {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "request_id" {
            self.0 = Some(format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "request_id" {
            self.0 = Some(value.to_owned());
        }
    }
}

/// A record's message, then its fields as ` name=value`.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Line {
    fn text(&self) -> String {
        escape(&format!("{}{}", self.message, self.fields))
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name if name.starts_with("log.") => Ok(()),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

/// Control characters as `\n`, `\u{1b}` and so on, and cut at 4 KiB: a log line is one line.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MESSAGE_LIMIT));
    for c in text.chars() {
        if out.len() + 12 > MESSAGE_LIMIT {
            out.push('…');
            break;
        }
        // Marks that reorder what a reader sees are control characters for a log, too.
        if c.is_control()
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_carries_its_request_id_and_no_control_character() {
        let ring = ring();
        let subscriber = tracing_subscriber::registry().with(RingLayer(ring.clone()));
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("request", request_id = %"r-1");
            let _inside = span.enter();
            tracing::warn!(took_ms = 7, "red \x1b[31m\nline");
        });
        let record = ring.read(0).items.remove(0);
        assert_eq!(record.message, "red \\u{1b}[31m\\nline took_ms=7");
        assert_eq!(record.request_id.as_deref(), Some("r-1"));
        assert_eq!(record.level, "warn");
    }

    #[test]
    fn a_long_message_is_cut() {
        let text = escape(&"é\x07".repeat(5_000));
        assert!(text.len() <= MESSAGE_LIMIT && text.ends_with('…'));
    }
}

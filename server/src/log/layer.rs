//! From `tracing` to the hub.

use std::fmt::Write as _;

use app::model::LogLevel;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use super::LogHub;
use crate::clock;

/// The balancer logs under this target and is shown as a source of its own.
const BALANCER: &str = "minicloud::balancer";

/// Puts every event into the hub.
pub struct HubLayer(pub LogHub);

/// The request a span belongs to.
struct RequestId(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for HubLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut words = Words::default();
        attributes.record(&mut words);
        if let (Some(request_id), Some(span)) = (words.request_id, context.span(id)) {
            span.extensions_mut().insert(RequestId(request_id));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut words = Words::default();
        event.record(&mut words);
        let request_id = words.request_id.or_else(|| {
            let scope = context.event_scope(event)?;
            scope
                .into_iter()
                .find_map(|span| span.extensions().get::<RequestId>().map(|id| id.0.clone()))
        });
        let target = event.metadata().target();
        let source = if target.starts_with(BALANCER) {
            "balancer"
        } else {
            "server"
        };
        let message = format!("{}{}", words.message, words.fields);
        self.0.push(
            source,
            clock::now(),
            level(*event.metadata().level()),
            &message,
            request_id,
        );
    }
}

/// The message, and the other fields as ` name=value`.
#[derive(Default)]
struct Words {
    message: String,
    fields: String,
    request_id: Option<String>,
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(value),
            "request_id" => self.request_id = Some(value.to_owned()),
            name => drop(write!(self.fields, " {name}={value}")),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "message" => drop(write!(self.message, "{value:?}")),
            "request_id" => self.request_id = Some(format!("{value:?}")),
            name => drop(write!(self.fields, " {name}={value:?}")),
        }
    }
}

fn level(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    }
}

//! The engine's own events, followed for as long as the driver lives.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use bollard::{models::EventMessage, query_parameters::EventsOptions};
use futures_util::StreamExt;
use node_api::event::NodeEventKind;
use uuid::Uuid;

use super::{api::translate, context::Context, label};
use crate::{clock::now_us, driver::DriverError};

/// Time between two attempts while the engine is away.
const RETRY: Duration = Duration::from_secs(1);

/// Follows events until the driver is dropped: all since it began (microseconds since the Unix epoch).
pub(super) async fn follow(context: Weak<Context>, begun: i64) {
    // Where the last stream ended: nothing in between is lost, nor what came before the first one.
    let mut since = moment(begun.saturating_mul(1_000));
    loop {
        let Some(context) = context.upgrade() else {
            return;
        };
        // What happened while nobody listened is not known.
        context.cache.clear();
        stream(&context, &mut since).await;
        // An engine that restarts breaks the stream, however short it is away.
        context.touch(false);
        drop(context);
        tokio::time::sleep(RETRY).await;
    }
}

/// Follows what becomes of images until the driver is dropped.
pub(super) async fn follow_images(context: Weak<Context>) {
    loop {
        let Some(context) = context.upgrade() else {
            return;
        };
        let since = moment(now_us().saturating_mul(1_000));
        // What changed while nobody listened is not known.
        context.facts.forget_images();
        if let Err(error) = images(&context, since).await {
            tracing::debug!("the engine's events of images ended: {error}");
        }
        drop(context);
        tokio::time::sleep(RETRY).await;
    }
}

async fn images(context: &Context, since: String) -> Result<(), DriverError> {
    let filters = [("type".to_owned(), vec!["image".to_owned()])];
    let options = EventsOptions {
        since: Some(since),
        filters: Some(filters.into()),
        ..Default::default()
    };
    let docker = context.api.docker()?;
    let mut events = std::pin::pin!(docker.events(Some(options)));
    while let Some(event) = events.next().await {
        event.map_err(|error| translate(&error))?;
        context.facts.forget_images();
    }
    Ok(())
}

async fn stream(context: &Arc<Context>, since: &mut String) {
    let docker = match context.api.docker() {
        Ok(docker) => docker,
        Err(error) => return tracing::debug!("no events: {error}"),
    };
    let actions = ["create", "start", "die", "destroy", "oom"];
    let filters = [
        ("type", vec!["container".to_owned()]),
        ("event", actions.map(str::to_owned).into()),
        (
            "label",
            vec![format!("{}={}", label::NODE, context.config.node)],
        ),
    ];
    let options = EventsOptions {
        since: Some(since.clone()),
        until: None,
        filters: Some(filters.map(|(key, values)| (key.to_owned(), values)).into()),
    };
    let mut events = std::pin::pin!(docker.events(Some(options)));
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                if let Some(after) = after(&event) {
                    *since = after;
                }
                take(context, &event);
            }
            Err(error) => return tracing::debug!("the engine's events ended: {error}"),
        }
    }
}

/// The moment after an event.
fn after(event: &EventMessage) -> Option<String> {
    event.time_nano?.checked_add(1).map(moment)
}

/// As the engine wants it, of nanoseconds since the Unix epoch.
fn moment(nanos: i64) -> String {
    format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

fn take(context: &Context, event: &EventMessage) {
    let attributes = event
        .actor
        .as_ref()
        .and_then(|actor| actor.attributes.as_ref());
    let Some(id) = attributes
        .and_then(|attributes| attributes.get(label::VM))
        .and_then(|id| id.parse::<Uuid>().ok())
    else {
        return;
    };
    let Some(kind) = event.action.as_deref().and_then(kind) else {
        return;
    };
    match kind {
        NodeEventKind::VmDeleted => {
            context.cache.remove(id);
            context.silent.heard(id);
        }
        _ => {
            context.cache.spoil(id);
            context.silent.hint(id);
        }
    }
    count(context, id, kind);
    context.tell(id, kind);
}

/// Counts what has run out of memory; a start begins anew.
fn count(context: &Context, id: Uuid, kind: NodeEventKind) {
    let mut state = context.state();
    match kind {
        NodeEventKind::VmOom => {
            let (kills, since_start) = state.ooms.entry(id).or_default();
            *kills += 1;
            *since_start = true;
        }
        NodeEventKind::VmStarted => {
            if let Some((_, since_start)) = state.ooms.get_mut(&id) {
                *since_start = false;
            }
        }
        NodeEventKind::VmDeleted => {
            state.ooms.remove(&id);
        }
        _ => {}
    }
}

fn kind(action: &str) -> Option<NodeEventKind> {
    match action {
        "create" => Some(NodeEventKind::VmCreated),
        "start" => Some(NodeEventKind::VmStarted),
        "die" => Some(NodeEventKind::VmExited),
        "destroy" => Some(NodeEventKind::VmDeleted),
        "oom" => Some(NodeEventKind::VmOom),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_goes_on_a_nanosecond_after_the_last_event() {
        let event = EventMessage {
            time_nano: Some(1_700_000_000_999_999_999),
            ..Default::default()
        };
        assert_eq!(after(&event).as_deref(), Some("1700000001.000000000"));
        assert_eq!(moment(1_700_000_000_000_001_000), "1700000000.000001000");
    }
}

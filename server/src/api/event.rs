//! Events.

use app::{
    control_plane::AdminPlane as _,
    model::{EventFilter, EventPage, EventView},
};
use axum::Json;
use serde::Deserialize;
use server_api::{event::Event, page::Page};
use utoipa::IntoParams;

use super::{
    input::{Admin, Query},
    page::PageQuery,
    problem::Answer,
};

/// Which events are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// Who did it.
    actor: Option<String>,
    /// The name of what it was done to.
    subject: Option<String>,
    /// Such as `vm_create`.
    kind: Option<String>,
    /// What the page before said as `next`.
    cursor: Option<String>,
    /// Items at most; events come 50 at once at most.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Everything that happened, newest first; pages have at most 50.
#[utoipa::path(get, path = "/api/v1/admin/events", tag = "admin", params(EventQuery),
    responses((status = 200, body = Page<Event>)))]
pub async fn event_list(
    Admin(plane): Admin,
    Query(query): Query<EventQuery>,
) -> Answer<Page<Event>> {
    let part = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let limit = part.limit()?;
    let filter = EventFilter {
        actor: query.actor,
        subject: query.subject,
        kind: query.kind,
        before: part.before()?,
        ..EventFilter::default()
    };
    Ok(Json(page(plane.event_list(&filter).await?, limit)))
}

/// At most `limit` of a page of control's.
pub fn page(page: EventPage, limit: usize) -> Page<Event> {
    let more = page.events.len() > limit || page.next.is_some();
    let items: Vec<Event> = page.events.into_iter().take(limit).map(event).collect();
    let next = items.last().filter(|_| more).map(|event| event.id.clone());
    Page { items, next }
}

fn event(view: EventView) -> Event {
    Event {
        id: view.id.to_string(),
        at: view.at,
        actor: view.actor,
        kind: view.kind,
        subject: view.subject,
        sentence: view.sentence,
        ok: view.ok,
    }
}

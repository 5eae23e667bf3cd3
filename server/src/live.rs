//! Live state over WebSockets: a tab gets the whole small picture at once, after every change and every few seconds.
//! Sockets, because browsers allow only six open HTTP/1.1 requests a host, and people keep more
//! tabs than that.

mod logs;
mod socket;

use app::model::{AppError, LogFilter};
use axum::{
    Extension, Router,
    extract::{Query, State, WebSocketUpgrade},
    response::{IntoResponse, Response},
    routing::get,
};

use self::socket::Pictures;
use crate::{actor::Actor, auth::Caller, control::ExecTurn, pages::RequestPlane, state::AppState};

/// `/live` for one's own VMs, `/live/admin` and `/live/logs` for admins. Who may not is refused before the
/// upgrade; to others than admins the latter two are not there.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/live", get(vms))
        .route("/live/admin", get(overview))
        .route("/live/logs", get(log_records))
}

/// One's own VMs.
async fn vms(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let (actor, turn) = match follower(&state, &caller, Caller::require) {
        Ok(follower) => follower,
        Err(error) => return refuse(&error),
    };
    let plane = RequestPlane { state, caller };
    let pictures = Pictures::Vms {
        owner_id: actor.user_id,
    };
    small(upgrade).on_upgrade(async move |socket| {
        socket::pictures(socket, &plane, &pictures).await;
        drop(turn);
    })
}

/// The admin's overview.
async fn overview(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let turn = match follower(&state, &caller, Caller::require_admin) {
        Ok((_, turn)) => turn,
        Err(error) => return refuse(&error),
    };
    let plane = RequestPlane { state, caller };
    small(upgrade).on_upgrade(async move |socket| {
        socket::pictures(socket, &plane, &Pictures::Overview).await;
        drop(turn);
    })
}

/// Log records that match the filter in the query.
async fn log_records(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Query(filter): Query<LogFilter>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let turn = match follower(&state, &caller, Caller::require_admin) {
        Ok((_, turn)) => turn,
        Err(error) => return refuse(&error),
    };
    let plane = RequestPlane { state, caller };
    small(upgrade).on_upgrade(async move |socket| {
        logs::follow(socket, &plane, &filter).await;
        drop(turn);
    })
}

/// Who may follow, with a place among those who do.
fn follower(
    state: &AppState,
    caller: &Caller,
    may: impl FnOnce(&Caller) -> Result<&Actor, AppError>,
) -> Result<(Actor, ExecTurn), AppError> {
    let actor = may(caller)?.clone();
    let turn = state.control.live_turn(&actor);
    Ok((
        actor,
        turn.map_err(|error| error.answer(&caller.request_id))?,
    ))
}

/// Browsers say nothing on these sockets but that they want to hear something: what is larger is not kept in memory.
fn small(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    const MAX: usize = 4096;
    upgrade
        .max_message_size(MAX)
        .max_frame_size(MAX)
        .read_buffer_size(MAX)
}

/// A refusal before the upgrade, as JSON.
pub fn refuse(error: &AppError) -> Response {
    let status = axum::http::StatusCode::from_u16(error.kind.status())
        .unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, axum::Json(error.clone())).into_response();
    // The JSON API puts it into its own form.
    response.extensions_mut().insert(error.clone());
    response
}

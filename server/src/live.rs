//! Live state over WebSockets: a tab gets the whole small picture at once, after every change and every few seconds.
//! Sockets, because browsers allow only six open HTTP/1.1 requests a host, and people keep more
//! tabs than that.

mod logs;
mod socket;

use app::model::{AppError, LogFilter};
use axum::{
    Extension, Router,
    extract::{Query, State, WebSocketUpgrade, ws::WebSocket},
    response::{IntoResponse, Response},
    routing::get,
};

use self::socket::Pictures;
use crate::{actor::Actor, auth::Caller, pages::RequestPlane, state::AppState};

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
    state: State<AppState>,
    caller: Extension<Caller>,
    upgrade: WebSocketUpgrade,
) -> Response {
    follow(
        state,
        caller,
        upgrade,
        Caller::require,
        async |socket, plane, actor| {
            let pictures = Pictures::Vms {
                owner_id: actor.user_id,
            };
            socket::pictures(socket, &plane, &pictures).await;
        },
    )
}

/// The admin's overview.
async fn overview(
    state: State<AppState>,
    caller: Extension<Caller>,
    upgrade: WebSocketUpgrade,
) -> Response {
    follow(
        state,
        caller,
        upgrade,
        Caller::require_admin,
        async |socket, plane, _| {
            socket::pictures(socket, &plane, &Pictures::Overview).await;
        },
    )
}

/// Log records that match the filter in the query.
async fn log_records(
    state: State<AppState>,
    caller: Extension<Caller>,
    Query(filter): Query<LogFilter>,
    upgrade: WebSocketUpgrade,
) -> Response {
    follow(
        state,
        caller,
        upgrade,
        Caller::require_admin,
        async move |socket, plane, _| {
            logs::follow(socket, &plane, &filter).await;
        },
    )
}

/// Upgrades for who may follow. Who has too many sockets already is told so by a close code: a browser shows a page
/// nothing of what is refused before the upgrade.
fn follow<W, F>(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    upgrade: WebSocketUpgrade,
    may: impl FnOnce(&Caller) -> Result<&Actor, AppError>,
    work: W,
) -> Response
where
    W: FnOnce(WebSocket, RequestPlane, Actor) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let actor = match may(&caller) {
        Ok(actor) => actor.clone(),
        Err(error) => return refuse(&error),
    };
    let turn = state.control.live_turn(&actor);
    let plane = RequestPlane { state, caller };
    small(upgrade).on_upgrade(async move |socket| match turn {
        Some(turn) => {
            work(socket, plane, actor).await;
            drop(turn);
        }
        None => socket::close_too_many(socket).await,
    })
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

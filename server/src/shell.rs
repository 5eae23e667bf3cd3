//! The bridge to shells and commands: authorises a viewer or caller, then copies frames between it and
//! the node without reading them (docs/shell-protocol.md, docs/exec-protocol.md).

mod pump;

use axum::{
    Extension, Router,
    extract::{Path, RawQuery, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};

use crate::{auth::Caller, live::refuse, state::AppState};

/// A frame of a viewer holds at most 64 KiB of input; more is malformed.
const FRAME_MAX: usize = 256 * 1024;
/// What is read at once of keys, and of a command's input. The default (128 KiB, which stay for as long as the
/// socket) would be most of what a shell takes.
const KEYS_BUFFER: usize = 4 * 1024;
const STREAM_BUFFER: usize = 64 * 1024;

/// Sockets to shells; that to commands stands among the routes of the API, which has its path.
pub fn router() -> Router<AppState> {
    Router::new().route("/shells/{id}/attach", get(shell_attach))
}

/// Upgrades when the shell is the caller's, or shared with them, or the caller an admin; 404 otherwise.
pub async fn shell_attach(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let actor = match caller.require() {
        Ok(actor) => actor.clone(),
        Err(error) => return refuse(&error),
    };
    let seat = match state.control.shell_seat(&actor, &id).await {
        Ok(seat) => seat,
        Err(error) => return refuse(&error.answer(&caller.request_id)),
    };
    // Only now: who may not see the shell learns nothing from how the upgrade fails.
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return no_upgrade(rejection),
    };
    upgrade
        .max_message_size(FRAME_MAX)
        .max_frame_size(FRAME_MAX)
        .read_buffer_size(KEYS_BUFFER)
        .on_upgrade(async move |socket| {
            pump::bridge(
                socket,
                &state,
                &caller,
                &actor,
                &seat,
                query.as_deref().unwrap_or_default(),
            )
            .await;
        })
}

/// A command with streams in one of the caller's VMs; 404 where it is not the caller's.
pub async fn vm_exec_attach(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let actor = match caller.require() {
        Ok(actor) => actor.clone(),
        Err(error) => return refuse(&error),
    };
    if let Err(error) = state.control.vm_find(&actor, &name).await {
        return refuse(&error.answer(&caller.request_id));
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return no_upgrade(rejection),
    };
    let line = match state.control.vm_exec_attach(&actor, &name).await {
        Ok(line) => line,
        Err(error) => return refuse(&error.answer(&caller.request_id)),
    };
    upgrade
        .max_message_size(FRAME_MAX)
        .max_frame_size(FRAME_MAX)
        .read_buffer_size(STREAM_BUFFER)
        .on_upgrade(async move |socket| {
            pump::bridge_exec(socket, &state, &caller, &actor, &name, line).await;
        })
}

/// The answer to who asks for no socket, or for one that cannot be.
fn no_upgrade(rejection: WebSocketUpgradeRejection) -> Response {
    use WebSocketUpgradeRejection as Rejection;
    match rejection {
        Rejection::InvalidConnectionHeader(_)
        | Rejection::InvalidUpgradeHeader(_)
        | Rejection::ConnectionNotUpgradable(_) => {
            let upgrade = [(header::UPGRADE, "websocket")];
            (StatusCode::UPGRADE_REQUIRED, upgrade).into_response()
        }
        other => other.into_response(),
    }
}

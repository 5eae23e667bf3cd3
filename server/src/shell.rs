//! The bridge to shells and commands: authorises a viewer or caller, then copies frames between it and
//! the node without reading them (docs/shell-protocol.md, docs/exec-protocol.md).

mod pump;

use axum::{
    Extension, Router,
    extract::{Path, RawQuery, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    response::{IntoResponse as _, Response},
    routing::get,
};

use crate::{auth::Caller, live::refuse, state::AppState};

/// A frame of a viewer holds at most 64 KiB of input; more is malformed.
const FRAME_MAX: usize = 256 * 1024;

pub fn router() -> Router<AppState> {
    Router::new().route("/shells/{id}/attach", get(shell_attach))
}

/// Upgrades when the shell is the caller's (or the caller an admin), 404 otherwise.
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
    let place = match state.control.shell_find(&actor, &id).await {
        Ok(place) => place,
        Err(error) => return refuse(&error.answer(&caller.request_id)),
    };
    // Only now: who may not see the shell learns nothing from how the upgrade fails.
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    upgrade
        .max_message_size(FRAME_MAX)
        .max_frame_size(FRAME_MAX)
        .on_upgrade(async move |socket| {
            pump::bridge(
                socket,
                &state,
                &caller,
                &actor,
                place,
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
        Err(rejection) => return rejection.into_response(),
    };
    let line = match state.control.vm_exec_attach(&actor, &name).await {
        Ok(line) => line,
        Err(error) => return refuse(&error.answer(&caller.request_id)),
    };
    upgrade
        .max_message_size(FRAME_MAX)
        .max_frame_size(FRAME_MAX)
        .on_upgrade(async move |socket| {
            pump::bridge_exec(socket, &state, &caller, &actor, &name, line).await;
        })
}

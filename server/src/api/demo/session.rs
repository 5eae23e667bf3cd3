//! The demo's shells: a session is one of the node's shells, which the server reads ahead.

use std::time::Duration;

use app::{
    control_plane::{AdminPlane as _, VmPlane as _},
    model::ErrorKind,
};
use axum::{
    Json,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde_json::{Map, Value, json};

use super::{Answer, fields, is_own, named, old, plain, refusal, text};
use crate::{
    api::{input::Own, problem::ApiError},
    control::ShellPlace,
};

/// How long `shell_output` waits for something to come.
const POLL: Duration = Duration::from_millis(100);

/// Opens a new shell, which is read from its first byte on; 201 with its id as `session_id`.
pub async fn shell_session(own: Own, request: Request) -> Answer {
    let (vm, _) = named(&own, request, "VM not found").await?.1;
    let opened = match is_own(&own, &vm) {
        true => own.plane.shell_open(&vm.name, None, true).await,
        false => own.plane.admin_shell_open(&vm.id, None, true).await,
    };
    let id = opened.map_err(old)?.shell.id;
    let place = own.plane.state.control.shell_find(&own.actor, &id).await;
    let place = own.plane.control_answer(place)?;
    let state = &own.plane.state;
    let reader = state.readers.get(state, &place, true).await;
    own.plane.control_answer(reader)?;
    let answer = Json(json!({ "session_id": id, "status": "active" }));
    Ok((StatusCode::CREATED, answer).into_response())
}

/// Types a line, with its end, into the shell; 404 once that has ended.
pub async fn shell_input(own: Own, request: Request) -> Answer {
    let (body, place) = session(&own, request).await?;
    let line = body.get("input").and_then(Value::as_str);
    let line = line.unwrap_or_default();
    let state = &own.plane.state;
    let reader = state.readers.get(state, &place, false).await;
    let reader = own.plane.control_answer(reader)?;
    if !reader.input(format!("{line}\n")).await {
        return Err(not_found());
    }
    Ok(Json(json!({ "status": "sent" })).into_response())
}

/// What was printed since the last poll, as plain text: after 100 ms at the latest, and then perhaps
/// nothing. 404 once the shell has ended and all of it was fetched.
pub async fn shell_output(own: Own, request: Request) -> Answer {
    let (_, place) = session(&own, request).await?;
    let state = &own.plane.state;
    let reader = state.readers.get(state, &place, false).await;
    let reader = own.plane.control_answer(reader)?;
    match reader.output(POLL).await {
        Some(text) => Ok(plain(text)),
        None => Err(not_found()),
    }
}

/// Ends the shell and what runs in it.
pub async fn shell_close(own: Own, request: Request) -> Answer {
    let (_, place) = session(&own, request).await?;
    own.plane.state.readers.remove(&place.shell_id);
    own.plane
        .shell_close(&place.shell_id)
        .await
        .map_err(|error| match error.kind {
            ErrorKind::NotFound => not_found(),
            _ => error.into(),
        })?;
    Ok::<Response, ApiError>(Json(json!({ "status": "closed" })).into_response())
}

/// The shell that `session_id` names, if the caller may have it and it is on that server.
async fn session(
    own: &Own,
    request: Request,
) -> Result<(Map<String, Value>, ShellPlace), ApiError> {
    let body = fields(request, &own.plane.state).await?;
    let id = text(&body, "session_id")
        .ok_or_else(|| refusal(StatusCode::BAD_REQUEST, "Missing server or session_id"))?;
    let found = own.plane.state.control.shell_seat(&own.actor, &id).await;
    let seat = own
        .plane
        .control_answer(found)
        .map_err(|error| match error.kind {
            ErrorKind::NotFound => not_found(),
            _ => error.into(),
        })?;
    // What is read ahead is there once: a guest would take it from the owner. Nor may an admin type here
    // who was invited to watch.
    if seat.grant.is_some() {
        return Err(not_found());
    }
    let place = seat.place;
    let server = text(&body, "server");
    let elsewhere = server.is_some_and(|server| server.trim_end_matches('/') != place.address());
    if elsewhere {
        return Err(not_found());
    }
    Ok((body, place))
}

fn not_found() -> ApiError {
    refusal(StatusCode::NOT_FOUND, "Session not found")
}

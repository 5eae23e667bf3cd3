//! The endpoints of the Python demo that MiniCloud replaced, as its clients use them, with
//! credentials added. Bodies are read leniently: the demo took whatever was JSON.

mod reader;
mod session;

use app::{
    control_plane::VmPlane as _,
    model::{AppError, ErrorKind, VmState, VmView},
};
use axum::{
    Json, Router,
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde_json::{Map, Value, json};
use server_api::vm::VmCreate;

pub use reader::Readers;

use super::{
    input::{Own, bytes},
    nul::json_check,
    problem::ApiError,
    vm_change::chosen,
    wait::settled,
};
use crate::state::AppState;

type Answer = Result<Response, ApiError>;

/// At the demo's own paths, without `/api/v1`; `auth::credential` has the same list for sign-ins.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/create_vm", post(create_vm))
        .route("/list_all", get(list_all))
        .route("/delete_vm", post(delete_vm))
        .route("/shutdown_vm", post(shutdown_vm))
        .route("/exec_vm", post(exec_vm))
        .route("/shell_session", post(session::shell_session))
        .route("/shell_input", post(session::shell_input))
        .route("/shell_output", post(session::shell_output))
        .route("/shell_close", post(session::shell_close))
}

async fn create_vm(own: Own, request: Request) -> Answer {
    let body = fields(request, &own.plane.state).await?;
    let create = VmCreate {
        name: text(&body, "name"),
        ..VmCreate::default()
    };
    let (name, flavor, image) = chosen(&own.plane, create).await?;
    let made = own.plane.vm_create(&name, &flavor, &image, false).await;
    let made = made.map_err(|error| match error.code.as_str() {
        "vm_name_taken" => refusal(StatusCode::BAD_REQUEST, "VM already exists"),
        _ => old(error),
    })?;
    until(&own, made, &name, Some(VmState::Running)).await?;
    let answer = Json(json!({ "status": "created", "name": name }));
    Ok((StatusCode::CREATED, answer).into_response())
}

async fn list_all(own: Own) -> Answer {
    let listed = own.plane.state.control.vm_list_by_node(&own.actor).await;
    let nodes = own.plane.control_answer(listed)?;
    let all: Map<String, Value> = nodes
        .into_iter()
        .map(|node| {
            let value = match node.trouble {
                Some(trouble) => json!(format!("Error: {trouble}")),
                None => node
                    .vms
                    .iter()
                    .map(|(vm, engine_id)| {
                        let name = match own.actor.is_admin() {
                            true => format!("{}/{}", vm.owner, vm.name),
                            false => vm.name.clone(),
                        };
                        json!({ "name": name, "id": engine_id, "status": word(vm.state) })
                    })
                    .collect(),
            };
            (node.address, value)
        })
        .collect();
    Ok(Json(all).into_response())
}

async fn delete_vm(own: Own, request: Request) -> Answer {
    let (vm, name) = named(&own, request, "Not found").await?.1;
    match is_own(&own, &vm) {
        true => own.plane.vm_delete(&vm.name).await.map_err(old)?,
        false => {
            let control = &own.plane.state.control;
            let done = control.admin_vm_delete(&own.actor, &vm.id).await;
            own.plane.control_answer(done).map_err(old)?;
        }
    }
    until(&own, vm, &name, None).await?;
    Ok(Json(json!({ "status": "deleted", "name": name })).into_response())
}

async fn shutdown_vm(own: Own, request: Request) -> Answer {
    let (vm, name) = named(&own, request, "Not found").await?.1;
    let stopping = match is_own(&own, &vm) {
        true => own.plane.vm_stop(&vm.name).await.map_err(old)?,
        false => {
            let control = &own.plane.state.control;
            let done = control.admin_vm_stop(&own.actor, &vm.id).await;
            own.plane.control_answer(done).map_err(old)?
        }
    };
    until(&own, stopping, &name, Some(VmState::Stopped)).await?;
    Ok(Json(json!({ "status": "stopped", "name": name })).into_response())
}

/// Waits until the VM is in that state, or gone (None): the demo answered when the thing was done. Where that
/// takes too long or is not to be, the answer says how far it has come, and is no success.
async fn until(own: &Own, vm: VmView, name: &str, wanted: Option<VmState>) -> Result<(), ApiError> {
    let patience = own.plane.state.patience.get();
    let now = settled(&own.plane, vm, Some(patience)).await?;
    if now.as_ref().map(|vm| vm.state) == wanted {
        return Ok(());
    }
    let words = match now {
        None => format!("{name} was deleted meanwhile"),
        Some(vm) => {
            let how = match vm.state {
                VmState::Failed => "has failed".to_owned(),
                state => format!("is still {}", word(state)),
            };
            let reason = vm.reason.map(|reason| format!(": {reason}"));
            format!("{name} {how}{}", reason.unwrap_or_default())
        }
    };
    Err(refusal(StatusCode::SERVICE_UNAVAILABLE, &words))
}

/// No shell is run; the command is only split as a shell would.
async fn exec_vm(own: Own, request: Request) -> Answer {
    let (body, (vm, _)) = named(&own, request, "VM not found").await?;
    let cmd = text(&body, "cmd").unwrap_or_else(|| "/bin/sh".to_owned());
    let argv = shlex::split(&cmd).ok_or_else(|| {
        let words = "The command cannot be split into words: a quote is not closed.";
        refusal(StatusCode::BAD_REQUEST, words)
    })?;
    let control = &own.plane.state.control;
    let done = match is_own(&own, &vm) {
        true => control.vm_exec(&own.actor, &vm.name, argv, None).await,
        false => control.admin_vm_exec(&own.actor, &vm.id, argv, None).await,
    };
    let output = own.plane.control_answer(done).map_err(old)?;
    Ok(plain(output.mixed))
}

/// The VM that `server` and `name` say, with the name as it was given; the body goes along.
async fn named(
    own: &Own,
    request: Request,
    not_found: &'static str,
) -> Result<(Map<String, Value>, (VmView, String)), ApiError> {
    let body = fields(request, &own.plane.state).await?;
    let (Some(server), Some(name)) = (text(&body, "server"), text(&body, "name")) else {
        return Err(refusal(StatusCode::BAD_REQUEST, "Missing server or name"));
    };
    let missing = || refusal(StatusCode::NOT_FOUND, not_found);
    let control = &own.plane.state.control;
    let found = control.vm_find_named(&own.actor, &name).await;
    let vm = own
        .plane
        .control_answer(found)
        .map_err(|error| match error.kind {
            ErrorKind::NotFound => missing(),
            _ => error.into(),
        })?;
    let there = own
        .plane
        .control_answer(control.vm_is_on(&vm, &server).await)?;
    if !there {
        return Err(missing());
    }
    Ok((body, (vm, name)))
}

fn is_own(own: &Own, vm: &VmView) -> bool {
    vm.owner == own.actor.name
}

/// A JSON object; nothing at all is an empty one.
async fn fields(request: Request, state: &AppState) -> Result<Map<String, Value>, ApiError> {
    let bytes = bytes(request, state).await?;
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    json_check(&bytes).map_err(old)?;
    serde_json::from_slice(&bytes)
        .map_err(|_| refusal(StatusCode::BAD_REQUEST, "The body is not a JSON object"))
}

/// A field of text that is not empty.
fn text(body: &Map<String, Value>, name: &str) -> Option<String> {
    let text = body.get(name)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn plain(text: String) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (kind, text).into_response()
}

fn refusal(status: StatusCode, words: &str) -> ApiError {
    ApiError::with_status(status, AppError::new(ErrorKind::Invalid, "refused", words))
}

/// The demo's clients know 400 for bad input.
fn old(error: AppError) -> ApiError {
    match error.kind {
        ErrorKind::Invalid => ApiError::with_status(StatusCode::BAD_REQUEST, error),
        _ => error.into(),
    }
}

fn word(state: VmState) -> String {
    state.word().to_lowercase()
}

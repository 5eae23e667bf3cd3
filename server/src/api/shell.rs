//! Shells. They are attached to by WebSocket (docs/shell-protocol.md).

use app::{
    control_plane::VmPlane as _,
    model::{AppError, ErrorKind, ShellView},
};
use axum::{
    Json,
    extract::Path,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use server_api::shell::Shell;

use super::{
    idempotency::{Attempt, Made, once},
    input::Own,
    problem::{Answer, ApiError},
};

/// A VM's live shells, newest first; empty while it does not run, 503 while its node does not tell.
#[utoipa::path(get, path = "/api/v1/vms/{name}/shells", tag = "shells",
    params(("name" = String, Path)), responses((status = 200, body = Vec<Shell>)))]
pub async fn shell_list(own: Own, Path(name): Path<String>) -> Answer<Vec<Shell>> {
    let detail = own.plane.vm_get(&name).await?;
    let shells = detail.shells.ok_or_else(|| {
        let words =
            format!("The node of {name} does not answer: its shells are not known now. Try again.");
        AppError::new(ErrorKind::Unavailable, "node_unavailable", words)
    })?;
    Ok(Json(shells.into_iter().map(shell).collect()))
}

/// Opens a new shell in a VM that runs.
#[utoipa::path(post, path = "/api/v1/vms/{name}/shells", tag = "shells",
    params(("name" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = Shell)))]
pub async fn shell_create(
    own: Own,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (plane, actor) = (own.plane.clone(), own.actor.clone());
    let vm = name.clone();
    let make = |attempt: Attempt| async move {
        let control = &plane.state.control;
        let made = control.shell_create_as(&actor, &attempt.id, &vm).await;
        Ok(Made {
            answer: shell(plane.control_answer(made)?),
            kept: true,
        })
    };
    once(&own, &headers, ("shell_create", &name), make).await
}

/// Closes a shell and ends what runs in it.
#[utoipa::path(delete, path = "/api/v1/shells/{id}", tag = "shells",
    params(("id" = String, Path)), responses((status = 204)))]
pub async fn shell_close(own: Own, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    own.plane.shell_close(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shell(view: ShellView) -> Shell {
    Shell {
        attach: format!("/api/v1/shells/{}/attach", view.id),
        id: view.id,
        vm: view.vm,
        created_at: view.created_at,
        active_at: view.active_at,
        viewers: view.viewers,
    }
}

//! Every route of the node, as one table.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{Method, Uri},
    middleware::{from_fn, from_fn_with_state},
    routing::{delete, get, post, put},
};
use node_api::{error::NodeErrorCode, path};

use crate::{
    auth,
    error::{self, ApiError},
    extract::BODY_LIMIT,
    handler::*,
    request, shell,
    state::AppState,
};

/// The routes behind their layers: request id and log outermost, then the credential.
pub fn router(state: AppState) -> Router {
    Router::new()
        .route(path::STATUS, get(status::status_get))
        .route(path::VMS, get(vm::vm_list))
        .route(
            path::VM,
            put(vm::vm_put).get(vm::vm_get).delete(vm::vm_delete),
        )
        .route(path::VM_START, post(vm::vm_start))
        .route(path::VM_STOP, post(vm::vm_stop))
        .route(path::VM_SSH, put(vm::vm_ssh_serve))
        .route(path::VM_EXEC, post(exec::vm_exec))
        .route(path::VM_EXEC_ATTACH, get(crate::exec::vm_exec_attach))
        .route(path::VM_CONNECT, get(crate::exec::vm_connect))
        .route(path::VM_USAGE, get(vm::vm_usage))
        .route(
            path::VM_SHELLS,
            get(shells::shell_list).post(shells::shell_create),
        )
        .route(path::SHELL, delete(shells::shell_close))
        .route(path::EVENTS, get(stream::events))
        .route(path::LOGS, get(stream::logs))
        .route(path::IMAGE, put(image::image_ensure))
        .route(path::METRICS, get(status::metrics))
        .route(path::HEALTHZ, get(|| async { "ok\n" }))
        .with_state(state.clone())
        .merge(shell::router(state.shells.clone()))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(state.clone(), auth::require_credential))
        .layer(from_fn(error::always_json))
        .layer(from_fn_with_state(state, request::observe))
}

async fn no_route(uri: Uri) -> ApiError {
    ApiError::not_found(format!("this node has no route {}", uri.path()))
}

async fn no_method(method: Method, uri: Uri) -> ApiError {
    let message = format!("{method} is not possible on {}", uri.path());
    ApiError::new(NodeErrorCode::MethodNotAllowed, message)
}

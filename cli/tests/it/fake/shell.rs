//! Shells, but for what runs over their sockets.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use server_api::shell::Shell;

use super::{AT, Fake, no, vm::not_found};

pub async fn shell_list(State(fake): State<Fake>, Path(vm): Path<String>) -> Response {
    let world = fake.world.lock().unwrap();
    if !world.vms.contains_key(&vm) {
        return not_found(&vm);
    }
    if world.mute.as_ref() == Some(&vm) {
        return no(503, "node_unreachable", "node-1 does not answer.");
    }
    Json(vec![shell(&vm)]).into_response()
}

pub async fn shell_create(State(fake): State<Fake>, Path(vm): Path<String>) -> Response {
    if !fake.world.lock().unwrap().vms.contains_key(&vm) {
        return not_found(&vm);
    }
    (StatusCode::CREATED, Json(shell(&vm))).into_response()
}

pub fn shell(vm: &str) -> Shell {
    Shell {
        id: "s1".into(),
        vm: vm.into(),
        created_at: AT,
        active_at: AT,
        viewers: 1,
        attach: "/api/v1/shells/s1/attach".into(),
    }
}

pub async fn shell_delete(Path(id): Path<String>) -> Response {
    match id.as_str() {
        "s1" => StatusCode::NO_CONTENT.into_response(),
        _ => no(404, "not_found", "This shell is not there."),
    }
}

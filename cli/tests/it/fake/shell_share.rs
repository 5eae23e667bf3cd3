//! Shells that are shared: links that are good once, and grants.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use server_api::shell_share::{
    ShellGrant, ShellInvitation, ShellInvitationCreate, ShellInvitationCreated,
    ShellInvitationLink, ShellMode, ShellShare,
};

use super::{AT, Fake, no};

pub async fn invitation_create(
    State(fake): State<Fake>,
    Path(shell): Path<String>,
    Json(create): Json<ShellInvitationCreate>,
) -> Response {
    if shell != "s1" {
        return no(404, "not_found", "This shell is not there.");
    }
    let mut world = fake.world.lock().unwrap();
    let id = format!("i{}", world.invitations.len() + 1);
    let invitation = ShellInvitation {
        shell_id: shell,
        vm: "web1".into(),
        owner: "ann".into(),
        mode: create.mode,
        created_at: AT,
        expires_at: AT + 24 * 3_600_000_000,
        id,
    };
    let link = format!("{}/invitations/of-{}", fake.url, invitation.id);
    world.invitations.push(invitation.clone());
    let made = ShellInvitationCreated { invitation, link };
    (StatusCode::CREATED, Json(made)).into_response()
}

pub async fn invitation_delete(State(fake): State<Fake>, Path(id): Path<String>) -> Response {
    let mut world = fake.world.lock().unwrap();
    match world.invitations.iter().position(|open| open.id == id) {
        Some(at) => {
            world.invitations.remove(at);
            StatusCode::NO_CONTENT.into_response()
        }
        None => no(404, "not_found", "This invitation is not there."),
    }
}

pub async fn share_get(State(fake): State<Fake>, Path(_): Path<String>) -> Json<ShellShare> {
    let world = fake.world.lock().unwrap();
    Json(ShellShare {
        invitations: world.invitations.clone(),
        grants: world.grants.clone(),
    })
}

pub async fn grant_list(State(fake): State<Fake>) -> Json<Vec<ShellGrant>> {
    Json(fake.world.lock().unwrap().grants.clone())
}

pub async fn grant_create(
    State(fake): State<Fake>,
    Json(accepted): Json<ShellInvitationLink>,
) -> Response {
    let mut world = fake.world.lock().unwrap();
    let is_of = |open: &ShellInvitation| accepted.link.ends_with(&format!("/of-{}", open.id));
    let Some(at) = world.invitations.iter().position(is_of) else {
        return no(
            404,
            "invitation_closed",
            "This invitation is not open any more.",
        );
    };
    let open = world.invitations.remove(at);
    let grant = ShellGrant {
        id: format!("g{}", world.grants.len() + 1),
        attach: format!("/api/v1/shells/{}/attach", open.shell_id),
        shell_id: open.shell_id,
        vm: open.vm,
        owner: open.owner,
        user: "bob".into(),
        mode: open.mode,
        created_at: AT,
        present: open.mode == ShellMode::Type,
    };
    world.grants.push(grant.clone());
    (StatusCode::CREATED, Json(grant)).into_response()
}

pub async fn grant_delete(State(fake): State<Fake>, Path(id): Path<String>) -> Response {
    let mut world = fake.world.lock().unwrap();
    match world.grants.iter().position(|grant| grant.id == id) {
        Some(at) => {
            world.grants.remove(at);
            StatusCode::NO_CONTENT.into_response()
        }
        None => no(404, "not_found", "This grant is not there."),
    }
}

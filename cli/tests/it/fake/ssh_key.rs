//! SSH keys.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use server_api::ssh_key::{SshKey, SshKeyAdd};

use super::{AT, Fake, no};

pub async fn ssh_key_list(State(fake): State<Fake>) -> Json<Vec<SshKey>> {
    Json(fake.world.lock().unwrap().ssh_keys.clone())
}

/// Knows one kind of key; its words are the fingerprint and the comment.
pub async fn ssh_key_add(State(fake): State<Fake>, Json(wish): Json<SshKeyAdd>) -> Response {
    let mut words = wish.public_key.split(' ');
    let (Some("ssh-ed25519"), Some(key)) = (words.next(), words.next()) else {
        return no(422, "ssh_key_invalid", "This is no whole public key.");
    };
    let mut world = fake.world.lock().unwrap();
    let added = SshKey {
        id: format!("k{}", world.ssh_keys.len() + 1),
        fingerprint: format!("SHA256:{key}"),
        public_key: format!("ssh-ed25519 {key}"),
        comment: wish
            .comment
            .unwrap_or_else(|| words.next().unwrap_or_default().into()),
        created_at: AT,
        used_at: None,
    };
    world.ssh_keys.push(added.clone());
    (StatusCode::CREATED, Json(added)).into_response()
}

pub async fn ssh_key_delete(State(fake): State<Fake>, Path(id): Path<String>) -> StatusCode {
    let mut world = fake.world.lock().unwrap();
    world.ssh_keys.retain(|key| key.id != id);
    StatusCode::NO_CONTENT
}

//! The caller's SSH keys.

use axum::{
    Json,
    extract::Path,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use server_api::ssh_key::{SshKey, SshKeyAdd};

use super::{
    idempotency::{Attempt, Made, once},
    input::{Body, Own},
    problem::{Answer, ApiError},
};
use crate::db::ssh_key::SshKeyRow;

/// The caller's SSH keys, newest first.
#[utoipa::path(get, path = "/api/v1/me/keys", tag = "me",
    responses((status = 200, body = Vec<SshKey>)))]
pub async fn ssh_key_list(own: Own) -> Answer<Vec<SshKey>> {
    let rows = own.plane.state.auth.ssh_key_list(&own.plane.caller).await;
    let rows = own.plane.account_answer(rows)?;
    Ok(Json(rows.into_iter().map(ssh_key).collect()))
}

/// Lets the caller sign in by SSH with a key, by its public half.
#[utoipa::path(post, path = "/api/v1/me/keys", tag = "me",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = SshKeyAdd, responses((status = 201, body = SshKey)))]
pub async fn ssh_key_add(
    own: Own,
    headers: HeaderMap,
    Body(add): Body<SshKeyAdd>,
) -> Result<Response, ApiError> {
    let plane = own.plane.clone();
    let wish = add.clone();
    let make = |attempt: Attempt| async move {
        let (text, comment) = (&add.public_key, add.comment.as_deref());
        let auth = &plane.state.auth;
        let added = auth
            .ssh_key_add(&plane.caller, &attempt.id, text, comment)
            .await;
        Ok(Made {
            answer: ssh_key(plane.account_answer(added)?),
            kept: true,
        })
    };
    once(&own, &headers, ("ssh_key_add", &wish), make).await
}

/// Removes an SSH key; connections that were made with it end within 5 s.
#[utoipa::path(delete, path = "/api/v1/me/keys/{id}", tag = "me",
    params(("id" = String, Path)), responses((status = 204)))]
pub async fn ssh_key_delete(own: Own, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let auth = &own.plane.state.auth;
    let done = auth.ssh_key_delete(&own.plane.caller, &id).await;
    own.plane.account_answer(done)?;
    Ok(StatusCode::NO_CONTENT)
}

fn ssh_key(row: SshKeyRow) -> SshKey {
    SshKey {
        id: row.id,
        fingerprint: row.fingerprint,
        public_key: row.public_key,
        comment: row.comment,
        created_at: row.created_at,
        used_at: row.used_at,
    }
}

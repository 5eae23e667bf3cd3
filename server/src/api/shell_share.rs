//! Shells that are shared with another user.

use app::{
    control_plane::SharePlane as _,
    model::{self, ShellGrantView, ShellInvitationView},
};
use axum::{
    Json,
    extract::Path,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use server_api::shell_share::{
    ShellGrant, ShellInvitation, ShellInvitationCreate, ShellInvitationCreated,
    ShellInvitationLink, ShellMode, ShellShare,
};

use super::{
    idempotency::{Attempt, Made, answered, once},
    input::{Body, Own},
    problem::{Answer, ApiError},
};

/// Characters of a link at most.
const LINK_MAX: usize = 512;

/// With whom a shell is shared: links that can be accepted yet, and who may be in it by one.
#[utoipa::path(get, path = "/api/v1/shells/{id}/share", tag = "shells",
    params(("id" = String, Path)), responses((status = 200, body = ShellShare)))]
pub async fn shell_share_get(own: Own, Path(id): Path<String>) -> Answer<ShellShare> {
    let share = own.plane.shell_share_get(&id).await?;
    Ok(Json(ShellShare {
        invitations: share.invitations.into_iter().map(invitation).collect(),
        grants: share.grants.into_iter().map(grant).collect(),
    }))
}

/// Makes a link for another user: whoever accepts it first may watch the shell, or type in it. It is good
/// once, for 24 hours, and in this answer alone.
#[utoipa::path(post, path = "/api/v1/shells/{id}/invitations", tag = "shells",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = ShellInvitationCreate,
    responses((status = 201, body = ShellInvitationCreated)))]
pub async fn shell_invitation_create(
    own: Own,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(create): Body<ShellInvitationCreate>,
) -> Result<Response, ApiError> {
    let plane = own.plane.clone();
    let wish = (id.clone(), create.clone());
    let make = |attempt: Attempt| async move {
        let mode = mode_read(create.mode);
        let made = plane.shell_invitation_create_as(&attempt.id, &id, mode);
        let made = made.await?.ok_or_else(answered)?;
        Ok(Made {
            answer: ShellInvitationCreated {
                invitation: invitation(made.invitation),
                link: made.link,
            },
            kept: false,
        })
    };
    once(&own, &headers, ("shell_invitation_create", &wish), make).await
}

/// Withdraws a link that nobody has accepted yet.
#[utoipa::path(delete, path = "/api/v1/shell-invitations/{id}", tag = "shells",
    params(("id" = String, Path)), responses((status = 204)))]
pub async fn shell_invitation_delete(
    own: Own,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    own.plane.shell_invitation_delete(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a link leads to; it stays open.
#[utoipa::path(post, path = "/api/v1/shell-invitations/look", tag = "shells",
    request_body = ShellInvitationLink, responses((status = 200, body = ShellInvitation)))]
pub async fn shell_invitation_get(
    own: Own,
    Body(body): Body<ShellInvitationLink>,
) -> Answer<ShellInvitation> {
    let found = own.plane.shell_invitation_get(token(&body.link)?).await?;
    Ok(Json(invitation(found)))
}

/// The shells that others share with the caller, newest first.
#[utoipa::path(get, path = "/api/v1/me/shell-grants", tag = "me",
    responses((status = 200, body = Vec<ShellGrant>)))]
pub async fn shell_shared_list(own: Own) -> Answer<Vec<ShellGrant>> {
    let list = own.plane.shell_shared_list().await?;
    Ok(Json(list.into_iter().map(grant).collect()))
}

/// Accepts an invitation by its link, which is used up by that.
#[utoipa::path(post, path = "/api/v1/me/shell-grants", tag = "me",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = ShellInvitationLink, responses((status = 201, body = ShellGrant)))]
pub async fn shell_grant_create(
    own: Own,
    headers: HeaderMap,
    Body(body): Body<ShellInvitationLink>,
) -> Result<Response, ApiError> {
    let plane = own.plane.clone();
    let token = token(&body.link)?.to_owned();
    let make = |attempt: Attempt| async move {
        let made = plane.shell_grant_create_as(&attempt.id, &token).await?;
        Ok(Made {
            answer: grant(made),
            kept: true,
        })
    };
    once(&own, &headers, ("shell_grant_create", &body), make).await
}

/// Ends a grant: the VM's owner takes it back, or who has it leaves. Whoever is in the shell by it is out
/// within 5 s.
#[utoipa::path(delete, path = "/api/v1/shell-grants/{id}", tag = "shells",
    params(("id" = String, Path)), responses((status = 204)))]
pub async fn shell_grant_delete(own: Own, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    own.plane.shell_grant_delete(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The token in a link, or that stands alone.
fn token(link: &str) -> Result<&str, ApiError> {
    let token = link.trim().rsplit('/').next().unwrap_or_default();
    if token.is_empty() || link.len() > LINK_MAX {
        let words = "This is not the link of an invitation. Copy the whole of it.";
        return Err(ApiError::invalid("link", "link_invalid", words));
    }
    Ok(token)
}

fn mode_read(mode: ShellMode) -> model::ShellMode {
    match mode {
        ShellMode::Watch => model::ShellMode::Watch,
        ShellMode::Type => model::ShellMode::Type,
    }
}

fn mode(mode: model::ShellMode) -> ShellMode {
    match mode {
        model::ShellMode::Watch => ShellMode::Watch,
        model::ShellMode::Type => ShellMode::Type,
    }
}

fn invitation(view: ShellInvitationView) -> ShellInvitation {
    ShellInvitation {
        id: view.id,
        shell_id: view.shell_id,
        vm: view.vm,
        owner: view.owner,
        mode: mode(view.mode),
        created_at: view.created_at,
        expires_at: view.expires_at,
    }
}

fn grant(view: ShellGrantView) -> ShellGrant {
    ShellGrant {
        attach: format!("/api/v1/shells/{}/attach", view.shell_id),
        id: view.id,
        shell_id: view.shell_id,
        vm: view.vm,
        owner: view.owner,
        user: view.user,
        mode: mode(view.mode),
        created_at: view.created_at,
        present: view.present,
    }
}

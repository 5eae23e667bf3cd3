//! The caller's own account.

use app::{
    control_plane::AccountPlane as _,
    model::{QuotaUsage, Role as AppRole},
};
use axum::{Json, extract::Path, http::StatusCode};
use server_api::account::{LoginSession, Me, Quota, Role};

use super::{
    input::Own,
    problem::{Answer, ApiError},
};

/// Who the credentials belong to, and what they may have.
#[utoipa::path(get, path = "/api/v1/me", tag = "me", responses((status = 200, body = Me)))]
pub async fn me(own: Own) -> Answer<Me> {
    let viewer = own.plane.viewer().await?;
    // Nobody any more: deleted while the request ran.
    let viewer = viewer.ok_or_else(|| app::model::AppError::not_found("user", &own.actor.name))?;
    Ok(Json(Me {
        name: viewer.name,
        role: role(viewer.role),
        quota: quota(viewer.quota),
    }))
}

/// Where the caller is signed in with a browser, last used first.
#[utoipa::path(get, path = "/api/v1/me/login-sessions", tag = "me",
    responses((status = 200, body = Vec<LoginSession>)))]
pub async fn login_session_list(own: Own) -> Answer<Vec<LoginSession>> {
    let list = own.plane.login_session_list().await?;
    let sessions = list.into_iter().map(|session| LoginSession {
        id: session.id,
        created_at: session.created_at,
        active_at: session.active_at,
        address: session.address,
        device: session.device,
        current: session.current,
    });
    Ok(Json(sessions.collect()))
}

/// Signs a browser out.
#[utoipa::path(delete, path = "/api/v1/me/login-sessions/{id}", tag = "me",
    params(("id" = String, Path)), responses((status = 204)))]
pub async fn login_session_delete(
    own: Own,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    own.plane.login_session_delete(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The role as the API's own type, for every answer that has one.
pub fn role(role: AppRole) -> Role {
    match role {
        AppRole::Member => Role::Member,
        AppRole::Admin => Role::Admin,
    }
}

/// What is used, and the most that may be, as the API writes it: thousandths of a core, MiB, GiB.
pub fn quota(quota: QuotaUsage) -> Quota {
    Quota {
        vms: quota.vms,
        vms_max: quota.vms_max,
        cpu_millis: quota.cpu_millis,
        cpu_millis_max: quota.cpu_millis_max,
        memory_mib: quota.memory_mib,
        memory_mib_max: quota.memory_mib_max,
        disk_gib: quota.disk_gib,
        disk_gib_max: quota.disk_gib_max,
    }
}

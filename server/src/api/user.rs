//! Users; for admins.

use app::{
    control_plane::AdminPlane as _,
    model::{AppError, QuotaForm, Role as AppRole, UserView},
};
use axum::{
    Json,
    extract::Path,
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};
use server_api::{
    account::Role,
    page::Page,
    user::{User, UserCreate, UserCreated, UserDisable, UserPassword, UserQuota, UserRole},
};

use super::{
    account::{quota, role},
    idempotency::{Attempt, Made, answered, once},
    input::{Admin, Body, Own, Query},
    page::PageQuery,
    problem::{Answer, ApiError},
};
use crate::auth::AuthError;

/// The version that a change was decided on.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code)] // read by the layer, for every call; here for the document
struct IfMatch {
    /// The ETag of the user as it was looked at: the change is made only while it is still so, else the answer is 412
    #[param(rename = "If-Match")]
    if_match: Option<String>,
}

/// All users, by name.
#[utoipa::path(get, path = "/api/v1/admin/users", tag = "admin", params(PageQuery),
    responses((status = 200, body = Page<User>)))]
pub async fn user_list(Admin(plane): Admin, Query(query): Query<PageQuery>) -> Answer<Page<User>> {
    let mut users = plane.user_list().await?;
    // In the order that cursors compare in, whatever the database's is.
    users.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Json(query.cut(users, |user| &user.name, user)?))
}

/// Adds a user, also where registration is closed. The one-time password is in this answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/admin/users", tag = "admin",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = UserCreate, responses((status = 201, body = UserCreated)))]
pub async fn user_create(
    Admin(plane): Admin,
    own: Own,
    headers: HeaderMap,
    Body(create): Body<UserCreate>,
) -> Result<Response, ApiError> {
    let wish = create.clone();
    let make = |attempt: Attempt| async move {
        let auth = &plane.state.auth;
        let made = auth
            .user_create(&plane.caller, &attempt.id, &create.name)
            .await;
        if matches!(&made, Err(AuthError::UserMade)) {
            return Err(answered());
        }
        let made = plane.account_answer(made)?;
        Ok(Made {
            answer: UserCreated {
                user: user(made.user),
                password: made.password,
            },
            kept: false,
        })
    };
    once(&own, &headers, ("user_create", &wish), make).await
}

/// One user. Its ETag is the version that `If-Match` of a change can name.
#[utoipa::path(get, path = "/api/v1/admin/users/{name}", tag = "admin",
    params(("name" = String, Path)), responses((status = 200, body = User)))]
pub async fn user_get(Admin(plane): Admin, Path(name): Path<String>) -> Result<Response, ApiError> {
    let users = plane.user_list().await?;
    let found = users.into_iter().find(|user| user.name == name);
    let found = found.ok_or_else(|| AppError::not_found("user", &name))?;
    Ok(tagged(found))
}

/// Takes a user's access away, or gives it back. Taken: sign-ins and shells end, VMs stop.
#[utoipa::path(put, path = "/api/v1/admin/users/{name}/disabled", tag = "admin",
    params(("name" = String, Path), IfMatch), request_body = UserDisable,
    responses((status = 200, body = User)))]
pub async fn user_disable(
    Admin(plane): Admin,
    Path(name): Path<String>,
    Body(disable): Body<UserDisable>,
) -> Result<Response, ApiError> {
    Ok(tagged(plane.user_disable(&name, disable.disabled).await?))
}

/// Makes a user an admin, or a member again.
#[utoipa::path(put, path = "/api/v1/admin/users/{name}/role", tag = "admin",
    params(("name" = String, Path), IfMatch), request_body = UserRole,
    responses((status = 200, body = User)))]
pub async fn user_role(
    Admin(plane): Admin,
    Path(name): Path<String>,
    Body(wanted): Body<UserRole>,
) -> Result<Response, ApiError> {
    let role = match wanted.role {
        Role::Member => AppRole::Member,
        Role::Admin => AppRole::Admin,
    };
    Ok(tagged(plane.user_role(&name, role, None).await?))
}

/// Sets what a user may have. What they have beyond it stays.
#[utoipa::path(put, path = "/api/v1/admin/users/{name}/quota", tag = "admin",
    params(("name" = String, Path), IfMatch), request_body = UserQuota,
    responses((status = 200, body = User)))]
pub async fn user_quota(
    Admin(plane): Admin,
    Path(name): Path<String>,
    Body(quota): Body<UserQuota>,
) -> Result<Response, ApiError> {
    let form = QuotaForm {
        vms: quota.vms,
        cpu_millis: quota.cpu_millis,
        memory_mib: quota.memory_mib,
        disk_gib: quota.disk_gib,
    };
    Ok(tagged(plane.user_quota(&name, form, None).await?))
}

/// Gives a user a one-time password and signs them out. It is in this answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/admin/users/{name}/password-reset", tag = "admin",
    params(("name" = String, Path)), responses((status = 200, body = UserPassword)))]
pub async fn user_password_reset(
    Admin(plane): Admin,
    Path(name): Path<String>,
) -> Answer<UserPassword> {
    let password = plane.user_password_reset(&name).await?;
    Ok(Json(UserPassword { password }))
}

/// With its version.
fn tagged(view: UserView) -> Response {
    let version = format!("\"{}\"", view.version);
    ([(header::ETAG, version)], Json(user(view))).into_response()
}

fn user(view: UserView) -> User {
    User {
        name: view.name,
        role: role(view.role),
        disabled: view.disabled,
        must_change_password: view.must_change_password,
        quota: quota(view.quota),
        created_at: view.created_at,
        active_at: view.active_at,
    }
}

//! Shells of a VM; attaching to one is `crate::shell`'s.

use axum::{Json, extract::State, http::StatusCode};
use node_api::shell::{ShellCreate, ShellReport};

use super::check;
use crate::{
    error::ApiResult,
    extract::{ApiId, ApiJson},
    state::AppState,
};

/// 404 where there is no such VM; 503 until the holder has said which shells it has.
pub async fn shell_list(
    State(state): State<AppState>,
    ApiId(vm_id): ApiId,
) -> ApiResult<Json<Vec<ShellReport>>> {
    state.shells.check_found()?;
    let shells = state.shells.list(vm_id);
    if shells.is_empty() {
        // None, or no such VM: the driver knows.
        state.driver.vm_get(vm_id).await?;
    }
    Ok(Json(shells))
}

/// The caller makes the id, so that a repeat answers with the same shell.
pub async fn shell_create(
    State(state): State<AppState>,
    ApiId(vm_id): ApiId,
    ApiJson(request): ApiJson<ShellCreate>,
) -> ApiResult<Json<ShellReport>> {
    check::shell_create(&request)?;
    Ok(Json(state.shells.create(vm_id, request).await?))
}

/// Ends all its processes. 204, also where it was not there; 503 while that cannot be known yet.
pub async fn shell_close(State(state): State<AppState>, ApiId(id): ApiId) -> ApiResult<StatusCode> {
    state.shells.close(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

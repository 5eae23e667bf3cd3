//! One command in a VM.

use axum::{Json, extract::State};
use node_api::exec::{ExecOutput, ExecRequest};

use super::check;
use crate::{
    error::ApiResult,
    extract::{ApiId, ApiJson},
    state::AppState,
};

/// Answers at the command's end; 504 after `timeout_s`, and the command is left running.
pub async fn vm_exec(
    State(state): State<AppState>,
    ApiId(id): ApiId,
    ApiJson(request): ApiJson<ExecRequest>,
) -> ApiResult<Json<ExecOutput>> {
    check::exec(&request)?;
    Ok(Json(state.driver.vm_exec(id, &request).await?))
}

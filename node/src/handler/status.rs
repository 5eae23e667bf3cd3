//! The node's own state, and its figures.

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use node_api::status::NodeStatus;

use crate::{
    error::{ApiError, ApiResult},
    state::AppState,
    status::status,
};

/// At most about 2 s old. Never fails: an engine that is away is told in it.
pub async fn status_get(State(state): State<AppState>) -> Json<NodeStatus> {
    Json(status(&state).await)
}

/// Prometheus text (OpenMetrics); works with the engine away, too.
pub async fn metrics(State(state): State<AppState>) -> ApiResult<Response> {
    let status = status(&state).await;
    let vms = match status.engine.degraded {
        None => state.driver.vm_list().await.unwrap_or_default(),
        Some(_) => Vec::new(),
    };
    let text = state
        .metrics
        .render(&status, &vms)
        .map_err(|error| ApiError::internal(format!("no metrics: {error}")))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

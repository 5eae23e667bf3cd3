//! Around every request: its id, its span, its line in the log, its figures, its last deadline.

use std::time::{Duration, Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method},
    middleware::Next,
    response::{IntoResponse, Response},
};
use node_api::error::NodeErrorCode;
use tracing::Instrument;
use uuid::Uuid;

use crate::{error::ApiError, state::AppState};

/// Carries the caller's request id, and the node's where the caller sent none.
pub const REQUEST_ID: &str = "x-request-id";

/// No answer takes longer to begin; the driver's own deadlines (create 60 s + start 30 s) end before.
const LAST_DEADLINE: Duration = Duration::from_secs(100);

/// The outermost layer.
pub async fn observe(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let span = tracing::info_span!("request", request_id = %id);
    let mut response = watch(state, request, next).instrument(span).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

async fn watch(state: AppState, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("(none)", MatchedPath::as_str)
        .to_owned();
    let path = request.uri().path().to_owned();
    let response = match tokio::time::timeout(LAST_DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => late().into_response(),
    };
    let status = response.status().as_u16();
    let took = began.elapsed();
    state.metrics.request(&method, &route, status, took);
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if matches!(method, Method::GET | Method::HEAD) {
        tracing::debug!(status, took_ms, "{method} {path}");
    } else {
        tracing::info!(status, took_ms, "{method} {path}");
    }
    response
}

fn late() -> ApiError {
    let message = format!("no answer within {} s", LAST_DEADLINE.as_secs());
    ApiError::new(NodeErrorCode::Timeout, message)
}

/// The caller's id where it is a plain token of at most 64 characters, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| is_token(id))
        .map_or_else(|| Uuid::now_v7().simple().to_string(), str::to_owned)
}

fn is_token(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&id.len()) && id.bytes().all(plain)
}

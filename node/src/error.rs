//! How the node says no: always a `NodeError` as JSON, with its status.

use std::panic::AssertUnwindSafe;

use axum::{
    Json,
    body::to_bytes,
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use node_api::error::{NodeError, NodeErrorCode};

use crate::driver::DriverError;

/// A `NodeError` on its way to the caller.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .0.message)]
pub struct ApiError(pub NodeError);

/// What handlers answer.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub fn new(code: NodeErrorCode, message: impl Into<String>) -> Self {
        Self(NodeError {
            code,
            message: message.into(),
        })
    }

    /// 400: the caller's mistake.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(NodeErrorCode::BadRequest, message)
    }

    /// 404: for routes; a driver that does not know a VM says so itself.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(NodeErrorCode::NotFound, message)
    }

    /// A fault of the node itself.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(NodeErrorCode::Internal, message)
    }
}

impl From<DriverError> for ApiError {
    fn from(error: DriverError) -> Self {
        Self::new(error.code, error.message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() {
            tracing::warn!(status = status.as_u16(), "answered with a failure: {self}");
        }
        let mut response = (status, Json(&self.0)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = header::HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// The layer that turns what the web framework says in plain text, and a panic, into a `NodeError`.
pub async fn always_json(request: Request, next: Next) -> Response {
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let Ok(response) = answer else {
        tracing::error!("a handler panicked; see the message before this one");
        return ApiError::internal("the node failed at this request; its log says more")
            .into_response();
    };
    let failed = response.status().is_client_error() || response.status().is_server_error();
    if !failed || is_json(&response) {
        return response;
    }
    rewrite(response).await
}

fn is_json(response: &Response) -> bool {
    response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}

/// Most bytes of a plain-text failure that are passed on.
const MESSAGE_LIMIT: usize = 4096;

async fn rewrite(response: Response) -> Response {
    let status = response.status();
    let code = match status {
        StatusCode::NOT_FOUND => NodeErrorCode::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => NodeErrorCode::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => NodeErrorCode::TooLarge,
        _ if status.is_server_error() => NodeErrorCode::Internal,
        _ => NodeErrorCode::BadRequest,
    };
    let text = to_bytes(response.into_body(), MESSAGE_LIMIT)
        .await
        .map_or_else(
            |_| String::new(),
            |bytes| String::from_utf8_lossy(&bytes).trim().to_owned(),
        );
    let message = if text.is_empty() {
        status.to_string()
    } else {
        text
    };
    ApiError::new(code, message).into_response()
}

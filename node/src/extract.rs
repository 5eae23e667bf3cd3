//! What handlers take from a request, with failures told as `NodeError`.

use std::time::Duration;

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Request, rejection::JsonRejection},
    http::{StatusCode, request::Parts},
};
use node_api::error::NodeErrorCode;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::error::ApiError;

/// Most bytes of a body.
pub const BODY_LIMIT: usize = 256 * 1024;
/// How long a body may take to come.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// A JSON body.
pub struct ApiJson<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ApiJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match tokio::time::timeout(BODY_DEADLINE, Json::from_request(request, state)).await {
            Ok(Ok(Json(value))) => Ok(Self(value)),
            Ok(Err(rejection)) => Err(json_error(&rejection)),
            Err(_) => Err(ApiError::bad_request(format!(
                "the body did not arrive within {} s",
                BODY_DEADLINE.as_secs()
            ))),
        }
    }
}

fn json_error(rejection: &JsonRejection) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let message = format!("the body is larger than {} KiB", BODY_LIMIT / 1024);
        return ApiError::new(NodeErrorCode::TooLarge, message);
    }
    ApiError::bad_request(rejection.body_text())
}

/// The `{id}` of a route.
pub struct ApiId(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for ApiId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Path::<Uuid>::from_request_parts(parts, state)
            .await
            .map(|Path(id)| Self(id))
            .map_err(|_| ApiError::bad_request("the id in the address is not a UUID"))
    }
}

/// The `{name}` of a route, percent-decoded.
pub struct ApiName(pub String);

impl<S: Send + Sync> FromRequestParts<S> for ApiName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Path::<String>::from_request_parts(parts, state)
            .await
            .map(|Path(name)| Self(name))
            .map_err(|_| ApiError::bad_request("the name in the address is not UTF-8"))
    }
}

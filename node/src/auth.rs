//! Nobody gets past here without the node's credential, on any route but `/healthz`, known or not, nor who means
//! another node; and not a byte of the body is read before.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use node_api::{NODE_HEADER, error::NodeErrorCode, path};

use crate::{config::Credential, error::ApiError, state::AppState};

/// The layer: passes `GET /healthz` and whoever bears the credential.
pub async fn require_credential(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let open = request.method() == Method::GET && request.uri().path() == path::HEALTHZ;
    if open {
        return next.run(request).await;
    }
    if bears(request.headers(), &state.config.credential) {
        return match means_another(request.headers(), &state.config.name) {
            Some(refusal) => refusal.into_response(),
            None => next.run(request).await,
        };
    }
    state.metrics.refused();
    tracing::warn!("a request without this node's credential was refused");
    let message = "this node answers only requests that carry its credential";
    ApiError::new(NodeErrorCode::Unauthorized, message).into_response()
}

/// The same credential may have been given to two nodes, or a node another name: what is asked then is about VMs
/// that this one has not.
fn means_another(headers: &HeaderMap, name: &str) -> Option<ApiError> {
    let meant = headers.get(NODE_HEADER)?;
    let words = || {
        format!(
            "the node there is named {name}: start it with --name {}, or remove it here and add it as {name}",
            meant.to_str().unwrap_or("NAME")
        )
    };
    (meant.as_bytes() != name.as_bytes()).then(|| ApiError::new(NodeErrorCode::OtherNode, words()))
}

fn bears(headers: &HeaderMap, credential: &Credential) -> bool {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    value
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix("Bearer "))
        .is_some_and(|presented| credential.matches(presented))
}

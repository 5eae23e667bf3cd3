//! What requests bring: who asks, a JSON body, a query. Each refuses with the field that is wrong.
//! Who asks is looked at first: handlers name it first.

use app::{
    model::{AppError, ErrorKind},
    response::is_late,
};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;

use super::{nul, problem::ApiError, query::bare_check};
use crate::{actor::Actor, auth::Caller, pages::RequestPlane, state::AppState};

/// A signed-in user's request.
pub struct Own {
    pub plane: RequestPlane,
    /// The caller of the plane, who has no password to change first.
    pub actor: Actor,
}

/// An admin's request; for others there is nothing.
pub struct Admin(pub RequestPlane);

/// A JSON body.
pub struct Body<T>(pub T);

/// The query of the address.
pub struct Query<T>(pub T);

fn plane(parts: &Parts, state: &AppState) -> RequestPlane {
    let caller = parts.extensions.get::<Caller>().cloned();
    RequestPlane {
        state: state.clone(),
        caller: caller.unwrap_or_default(),
    }
}

impl FromRequestParts<AppState> for Own {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let plane = plane(parts, state);
        let actor = plane.caller.require()?.clone();
        bare_check(parts)?;
        Ok(Self { plane, actor })
    }
}

impl FromRequestParts<AppState> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let plane = plane(parts, state);
        plane.caller.require_admin()?;
        bare_check(parts)?;
        Ok(Self(plane))
    }
}

impl<T: DeserializeOwned> FromRequestParts<AppState> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes());
        let reader = serde_urlencoded::Deserializer::new(pairs);
        serde_path_to_error::deserialize(reader)
            .map(Self)
            .map_err(|error| unreadable("query", &error))
    }
}

impl<T: DeserializeOwned> FromRequest<AppState> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            let words = "The body must be JSON. Send Content-Type: application/json.";
            let error = AppError::new(ErrorKind::Invalid, "not_json", words);
            return Err(ApiError::with_status(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                error,
            ));
        }
        let bytes = bytes(request, state).await?;
        json(&bytes).map(Self)
    }
}

/// The whole body, whatever its type.
pub async fn bytes(request: Request, state: &AppState) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state)
        .await
        .map_err(|refusal| {
            let (status, code, words) = match refusal.status() {
                _ if is_late(&refusal) => (
                    StatusCode::REQUEST_TIMEOUT,
                    "timeout",
                    "The body did not come within 20 seconds. Send the request again.",
                ),
                StatusCode::PAYLOAD_TOO_LARGE => (
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "too_large",
                    "The request is too large: a body has at most 64 KiB.",
                ),
                _ => (
                    StatusCode::BAD_REQUEST,
                    "malformed",
                    "The body did not come whole. Send it again.",
                ),
            };
            ApiError::with_status(status, AppError::new(ErrorKind::Invalid, code, words))
        })
}

/// Reads JSON of that shape: 400 when it is none, 422 when it is of another shape.
pub fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // A list would do for a struct whose fields all have defaults.
    if bytes.trim_ascii_start().starts_with(b"[") {
        let words = "The body cannot be read: it is a list, and an object is wanted.";
        return Err(ApiError::invalid("body", "field_invalid", words));
    }
    nul::json_check(bytes)?;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader);
    let value = value.map_err(|error| match error.inner().classify() {
        serde_json::error::Category::Data => unreadable("body", &error),
        _ => malformed(&error.inner().to_string()),
    })?;
    reader
        .end()
        .map_err(|error| malformed(&error.to_string()))?;
    Ok(value)
}

fn malformed(words: &str) -> ApiError {
    let words = format!("The body is not JSON: {words}.");
    let error = AppError::new(ErrorKind::Invalid, "malformed", words);
    ApiError::with_status(StatusCode::BAD_REQUEST, error)
}

/// Of another shape; the field is the path to it, or the name that the words say.
fn unreadable<E: std::fmt::Display>(what: &str, error: &serde_path_to_error::Error<E>) -> ApiError {
    let words = error.inner().to_string();
    let path = error.path().to_string();
    let field = match path.as_str() {
        "." | "?" => named(&words).unwrap_or(what).to_owned(),
        _ => path,
    };
    let code = if words.starts_with("unknown field") {
        "field_unknown"
    } else if words.starts_with("missing field") {
        "field_missing"
    } else {
        "field_invalid"
    };
    ApiError::invalid(&field, code, format!("The {what} cannot be read: {words}."))
}

/// The first name that the words have between backticks.
fn named(words: &str) -> Option<&str> {
    words.split('`').nth(1).filter(|name| !name.is_empty())
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use server_api::vm::{VmCreate, VmExec};

    use super::*;

    fn refused<T: DeserializeOwned>(text: &str) -> (String, Option<String>) {
        let error = json::<T>(text.as_bytes()).err().unwrap();
        let error = error.error().clone();
        (error.code, error.field)
    }

    #[test]
    fn a_body_that_is_no_json_or_of_another_shape_is_told_apart_and_the_field_named() {
        let field = |name: &str| Some(name.to_owned());
        assert_eq!(refused::<VmCreate>("{").0, "malformed");
        assert_eq!(refused::<VmCreate>("{} x").0, "malformed");
        assert_eq!(
            refused::<VmCreate>(" []"),
            ("field_invalid".into(), field("body"))
        );
        assert_eq!(
            refused::<VmCreate>(r#"{"name": 3}"#),
            ("field_invalid".into(), field("name"))
        );
        assert_eq!(
            refused::<VmCreate>(r#"{"nmae": "x"}"#),
            ("field_unknown".into(), field("nmae"))
        );
        assert_eq!(
            refused::<VmExec>("{}"),
            ("field_missing".into(), field("argv"))
        );
        assert_eq!(
            refused::<VmExec>(r#"{"argv": ["a", 1]}"#),
            ("field_invalid".into(), field("argv[1]"))
        );
    }
}

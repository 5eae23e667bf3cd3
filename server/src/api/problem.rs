//! How the API says no: every failed answer of its paths, whoever made it, becomes a [`Problem`];
//! those of the demo's endpoints `{"error": …}`, as its clients read them. What is refused in front of a server
//! function becomes what the script of a page reads, and in front of a page a page.

use app::{
    model::{AppError, CHANGED, ErrorKind},
    response::{REFUSAL_POLICY, accepts_html, refusal_page},
};
use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use server_api::problem::{PROBLEM_JSON, Problem};

use crate::auth::is_demo;

/// A refusal on its way to [`answers`], which puts it into the form of the path.
#[derive(Debug)]
pub struct ApiError(AppError, StatusCode);

/// What handlers of JSON routes answer.
pub type Answer<T> = Result<Json<T>, ApiError>;

impl ApiError {
    /// The input of that name breaks a rule.
    pub fn invalid(field: &str, code: &str, message: impl Into<String>) -> Self {
        AppError::new(ErrorKind::Invalid, code, message)
            .at(field)
            .into()
    }

    /// It clashes with what is there (409). `code` is one of docs/api.md.
    pub fn conflict(code: &str, message: impl Into<String>) -> Self {
        AppError::new(ErrorKind::Conflict, code, message).into()
    }

    /// With another status than the one of its class.
    pub fn with_status(status: StatusCode, error: AppError) -> Self {
        Self(error, status)
    }

    /// True when it is no fault of who asked.
    pub fn is_fault(&self) -> bool {
        self.1.is_server_error()
    }

    /// What it says.
    pub fn error(&self) -> &AppError {
        &self.0
    }
}

impl From<AppError> for ApiError {
    fn from(error: AppError) -> Self {
        let status = match error.code.as_str() {
            CHANGED => Ok(StatusCode::PRECONDITION_FAILED),
            _ => StatusCode::from_u16(error.kind.status()),
        };
        Self(error, status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        response.extensions_mut().insert(self.0);
        response
    }
}

/// What is at no path of the API.
pub async fn unknown() -> ApiError {
    AppError::new(
        ErrorKind::NotFound,
        "not_found",
        "There is nothing here. /api/docs lists what there is.",
    )
    .into()
}

/// In front of all: gives failed answers of the API's paths, and refusals of pages and of what their script
/// asks, their form. A plain form's stay: there is no page that could be tried again.
pub async fn answers(request: Request, next: Next) -> Response {
    let form = Form::of(request.uri().path());
    let is_function = is_function(request.uri().path());
    let is_person = accepts_html(request.headers());
    let is_page = request.method() == Method::GET && is_person && !is_function;
    let response = next.run(request).await;
    match form {
        Some(form) => form.put(response),
        None if is_function && !is_person => for_script(response),
        None if is_page => for_person(response),
        None => response,
    }
}

/// The same where there is nothing but the API.
pub async fn answers_alone(request: Request, next: Next) -> Response {
    let form = Form::of(request.uri().path()).unwrap_or(Form::Problem);
    form.put(next.run(request).await)
}

/// Whether a server function has that path.
fn is_function(path: &str) -> bool {
    let name = path.strip_prefix("/api/");
    name.is_some_and(|name| !name.contains('/'))
}

/// A server function says itself what went wrong, as JSON. What was refused before it was asked is a text, of
/// which the script could only tell that it is none of those.
fn for_script(mut response: Response) -> Response {
    let Some(error) = response.extensions_mut().remove::<AppError>() else {
        return response;
    };
    // Texts cannot fail to be written.
    let body = serde_json::to_string(&error).unwrap_or_default();
    with_body(response, "application/json", body)
}

/// A page says itself what went wrong. What was refused before one was drawn is a text.
fn for_person(mut response: Response) -> Response {
    let Some(error) = response.extensions_mut().remove::<AppError>() else {
        return response;
    };
    let page = refusal_page(error);
    let mut response = with_body(response, "text/html; charset=utf-8", page);
    let policy = HeaderValue::from_static(REFUSAL_POLICY);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

fn with_body(response: Response, kind: &'static str, body: String) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts
        .headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Response::from_parts(parts, body.into())
}

#[derive(Clone, Copy)]
enum Form {
    Problem,
    Demo,
}

impl Form {
    fn of(path: &str) -> Option<Self> {
        match path {
            path if is_demo(path) => Some(Self::Demo),
            path if path.starts_with("/api/v1/") => Some(Self::Problem),
            _ => None,
        }
    }

    fn put(self, mut response: Response) -> Response {
        let status = response.status();
        if !status.is_client_error() && !status.is_server_error() {
            return response;
        }
        let Some(error) = refusal(&mut response) else {
            return response;
        };
        let (mut parts, _) = response.into_parts();
        let id = parts.headers.get("x-request-id");
        let id = id.and_then(|id| id.to_str().ok()).map(str::to_owned);
        let (kind, body) = match self {
            Self::Problem => (PROBLEM_JSON, problem(error, status, id)),
            Self::Demo => ("application/json", demo(&error)),
        };
        parts.headers.remove(header::CONTENT_LENGTH);
        parts
            .headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if matches!(self, Self::Demo) && status == StatusCode::UNAUTHORIZED {
            let challenge =
                HeaderValue::from_static("Basic realm=\"MiniCloud\", charset=\"UTF-8\"");
            parts.headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        Response::from_parts(parts, body.into())
    }
}

/// What a failed answer says: the error that travels with it, or words for what the framework
/// refused. None: it has its form already.
fn refusal(response: &mut Response) -> Option<AppError> {
    if let Some(error) = response.extensions_mut().remove::<AppError>() {
        return Some(error);
    }
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_json = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/"));
    (!is_json).then(|| by_status(response.status()))
}

fn by_status(status: StatusCode) -> AppError {
    let (code, words) = match status.as_u16() {
        404 => ("not_found", "There is nothing here."),
        405 => (
            "method_not_allowed",
            "This address is not asked by that method. The Allow header lists those that it takes.",
        ),
        413 => (
            "too_large",
            "The request is too large: a body has at most 64 KiB.",
        ),
        415 => (
            "not_json",
            "The body must be JSON. Send Content-Type: application/json.",
        ),
        426 => (
            "upgrade_required",
            "This address is a WebSocket. Ask for an upgrade.",
        ),
        500.. => ("internal", "Something went wrong in MiniCloud. Try again."),
        _ => (
            "malformed",
            "The request could not be read. Check it against /api/docs.",
        ),
    };
    AppError::new(ErrorKind::Invalid, code, words)
}

fn problem(error: AppError, status: StatusCode, request_id: Option<String>) -> String {
    let problem = Problem {
        code: error.code,
        title: status.canonical_reason().unwrap_or("Error").to_owned(),
        status: status.as_u16(),
        detail: error.message,
        field: error.field,
        request_id: error.request_id.or(request_id),
    };
    // Text and a number cannot fail to be written.
    serde_json::to_string(&problem).unwrap_or_default()
}

fn demo(error: &AppError) -> String {
    serde_json::json!({ "error": error.message }).to_string()
}

//! What the server's half says in status and headers, beside the page itself.

use http::{HeaderName, HeaderValue, StatusCode, header};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_axum::ResponseOptions;

use crate::{
    control_plane::Plane,
    model::{AppError, ErrorKind, Theme},
};

mod form;
pub(crate) mod once;
mod refusal;

pub use form::{is_late, server_function};
pub use refusal::{REFUSAL_POLICY, refusal_page};

/// The value of `data-theme`: what this browser's person chose.
pub fn theme_word() -> &'static str {
    match use_context::<Plane>().map(|plane| plane.theme()) {
        Some(Theme::Light) => "light",
        Some(Theme::Dark) => "dark",
        Some(Theme::System) | None => "system",
    }
}

/// Sets the status of the response being made.
pub fn set_status(status: u16) {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(status);
    }
}

/// Answers with a redirect to a path of this site, whatever the caller accepts.
pub fn redirect(path: &str) {
    let Some(response) = use_context::<ResponseOptions>() else {
        return;
    };
    let path = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    response.insert_header(header::LOCATION, path);
    response.set_status(StatusCode::SEE_OTHER);
}

/// Whether the caller is a browser that sent a plain form or opened a page, not a program.
pub fn is_plain_form() -> bool {
    use_context::<http::request::Parts>().is_some_and(|parts| accepts_html(&parts.headers))
}

/// Whether these headers ask for a page.
pub fn accepts_html(headers: &http::HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The control plane, bound to the caller of this request.
pub fn plane() -> Result<Plane, AppError> {
    use_context::<Plane>().ok_or_else(|| {
        AppError::new(
            ErrorKind::Internal,
            "internal",
            "The page was asked for outside of a request. Reload it.",
        )
    })
}

/// Lets nothing run or load but what this server sent: scripts by nonce, no inline styles.
pub fn set_content_security_policy() {
    let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), use_nonce()) else {
        return;
    };
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
         style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; \
         base-uri 'none'; object-src 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(HeaderName::from_static("content-security-policy"), policy);
    }
}

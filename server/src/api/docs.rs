//! The OpenAPI document, and a page to read it and to try its calls, which loads nothing from elsewhere.

mod form;
mod page;

use std::{path::Path, sync::Arc};

use axum::{
    Json, Router,
    http::{HeaderValue, header},
    response::{Html, IntoResponse as _, Response},
    routing::get,
};
use server_api::problem::{PROBLEM_JSON, Problem};
use tower_http::services::ServeFile;
use utoipa::{
    OpenApi as _, ToSchema as _,
    openapi::{
        Content, HeaderBuilder, Object, OpenApi, Ref, RefOr, ResponseBuilder, Type,
        path::{Operation, Parameter},
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use crate::state::AppState;

const TOKEN: &str = "token";
const DESCRIPTION: &str = "Sign in with `Authorization: Bearer mct_…`. Times are microseconds since the Unix epoch, UTC. Failures are problem+json with a stable `code`; docs/api.md tells the rest by task.";

#[derive(utoipa::OpenApi)]
#[openapi(info(title = "MiniCloud"), components(schemas(Problem)))]
struct About;

/// The head of the document.
pub fn about() -> OpenApi {
    let mut document = About::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document.info.description = Some(DESCRIPTION.to_owned());
    document
}

/// Adds what every route has: a token, failures in one form, words for what is named alike everywhere.
pub fn complete(mut document: OpenApi) -> OpenApi {
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = document.components.get_or_insert_default();
    components
        .security_schemes
        .insert(TOKEN.to_owned(), RefOr::T(scheme));
    document.security = Some(vec![SecurityRequirement::new(TOKEN, Vec::<String>::new())]);
    for (path, item) in &mut document.paths.paths {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            for parameter in operation.parameters.iter_mut().flatten() {
                if let RefOr::T(parameter) = parameter {
                    describe(path, parameter);
                }
            }
            headers(path, operation);
            for range in ["4XX", "5XX"] {
                let responses = &mut operation.responses.responses;
                responses.insert(range.to_owned(), RefOr::T(problem()));
            }
        }
    }
    document
}

/// Says what a parameter is where the route does not.
fn describe(path: &str, parameter: &mut Parameter) {
    let words = match parameter.name.as_str() {
        "name" if path.contains("/vms/") => "The VM's name.",
        "name" if path.contains("/nodes/") => "The node's name.",
        "name" if path.contains("/users/") => "The user's name.",
        "name" if path.contains("/images/") => "The image's name in the catalogue.",
        "id" if path.contains("/vms/") => "The VM's id.",
        "id" if path.contains("/shells/") => "The shell's id.",
        "id" if path.contains("/tokens/") => "The token's id.",
        "id" if path.contains("/shell-invitations/") => "The invitation's id.",
        "id" if path.contains("/shell-grants/") => "The grant's id.",
        "id" => "The login session's id.",
        "Idempotency-Key" => {
            "Any text of your choice, such as a UUID: repeated within 24 hours, the same key gives the same answer and makes nothing twice."
        }
        _ => return,
    };
    parameter
        .description
        .get_or_insert_with(|| words.to_owned());
}

/// Says which headers an answer has beside the usual ones.
fn headers(path: &str, operation: &mut Operation) {
    let mut parameters = operation.parameters.iter().flatten();
    let is_create = parameters.any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.name == "Idempotency-Key",
        RefOr::Ref(_) => false,
    });
    let is_user = path.starts_with("/api/v1/admin/users/") && !path.ends_with("/password-reset");
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else {
            continue;
        };
        if is_create && status == "201" {
            let words = "`true`: this was made by an earlier request with the same key.";
            header(response, "Idempotency-Replayed", words);
        }
        if is_user && status == "200" {
            header(response, "ETag", "The version that `If-Match` can name.");
        }
    }
}

fn header(response: &mut utoipa::openapi::Response, name: &str, words: &str) {
    let header = HeaderBuilder::new()
        .schema(Some(Object::with_type(Type::String)))
        .description(Some(words));
    let headers = &mut response.headers;
    headers.insert(name.to_owned(), RefOr::T(header.build()));
}

fn problem() -> utoipa::openapi::Response {
    let schema = Ref::from_schema_name(Problem::name());
    let mut response = ResponseBuilder::new()
        .description("A refusal, or a fault of ours")
        .content(PROBLEM_JSON, Content::new(Some(schema)))
        .build();
    let words = "Seconds after which to try again: with every 429, and some 503.";
    header(&mut response, "Retry-After", words);
    response
}

/// What the page is drawn with, where pages are not served: the style and the icon of the bundle.
pub fn looks(site: &Path) -> Router<AppState> {
    let style = ServeFile::new(site.join("pkg/minicloud.css"));
    let icon = ServeFile::new(site.join("favicon.svg"));
    Router::new()
        .route_service("/pkg/minicloud.css", style)
        .route_service("/favicon.svg", icon)
}

/// Both need nobody: they say no more than the program's source does.
pub fn router(document: OpenApi) -> Router<AppState> {
    let html = Arc::new(page::page(&document));
    let document = Arc::new(document);
    let json = async move || Json(document.clone()).into_response();
    let page = async move || html_page(&html);
    Router::new()
        .route("/api/openapi.json", get(json))
        .route("/api/docs", get(page))
        .route("/api/docs.js", get(script))
}

async fn script() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (kind, include_str!("docs/try.js")).into_response()
}

fn html_page(html: &str) -> Response {
    let mut response = Html(html.to_owned()).into_response();
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    );
    response
}

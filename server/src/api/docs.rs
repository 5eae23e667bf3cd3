//! The OpenAPI document, and a page to read it that loads nothing from elsewhere.

mod page;

use std::sync::Arc;

use axum::{
    Json, Router,
    http::{HeaderValue, header},
    response::{Html, IntoResponse as _, Response},
    routing::get,
};
use server_api::problem::{PROBLEM_JSON, Problem};
use utoipa::{
    OpenApi as _, ToSchema as _,
    openapi::{
        Content, OpenApi, Ref, RefOr, ResponseBuilder,
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

/// Adds what every route has: a token, and failures in one form.
pub fn complete(mut document: OpenApi) -> OpenApi {
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = document.components.get_or_insert_default();
    components
        .security_schemes
        .insert(TOKEN.to_owned(), RefOr::T(scheme));
    document.security = Some(vec![SecurityRequirement::new(TOKEN, Vec::<String>::new())]);
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            for range in ["4XX", "5XX"] {
                let responses = &mut operation.responses.responses;
                responses.insert(range.to_owned(), RefOr::T(problem()));
            }
        }
    }
    document
}

fn problem() -> utoipa::openapi::Response {
    let schema = Ref::from_schema_name(Problem::name());
    ResponseBuilder::new()
        .description("A refusal, or a fault of ours")
        .content(PROBLEM_JSON, Content::new(Some(schema)))
        .build()
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
}

fn html_page(html: &str) -> Response {
    let mut response = Html(html.to_owned()).into_response();
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    );
    response
}

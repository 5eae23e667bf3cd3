//! Every address of the server on one page.

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use tower_http::services::{ServeDir, ServeFile};

use crate::{api, auth, live, metrics, pages, shell, state::AppState};

/// Bytes of a request body that are read at most; no form or call of ours needs more.
pub const BODY_MAX: usize = 64 * 1024;

/// Pages, server functions, sockets and files, for the address people use.
///
/// | address | what |
/// |---|---|
/// | `/healthz` | `ok` while the database answers |
/// | `/metrics` | Prometheus text |
/// | `/pkg/*`, `/favicon.svg` and the like | files of the bundle and of `public/` |
/// | `/api/{endpoint}` | server functions |
/// | `/api/v1/*`, `/api/openapi.json`, `/api/docs` (and its script) | the JSON API (docs/api.md), also alone on a port of its own |
/// | `/create_vm` and the like | the demo's endpoints, for old scripts |
/// | `/live`, `/live/admin`, `/live/logs` | live state (WebSocket) |
/// | `/shells/{id}/attach` | a shell (WebSocket, docs/shell-protocol.md) |
/// | all else | pages, and their 404 |
pub fn router(state: AppState) -> Router {
    let guarded = Router::new()
        .merge(live::router())
        .merge(shell::router())
        .merge(api::router())
        .layer(from_fn(api::no_nul))
        .merge(pages::router())
        .layer(from_fn_with_state(state.auth.clone(), auth::layer::caller))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn(api::answers));
    Router::new()
        .route("/healthz", get(healthz))
        .route("/metrics", get(metrics::metrics))
        .merge(files(&state))
        .merge(guarded)
        .layer(from_fn(no_sniff))
        .with_state(state)
}

async fn healthz(State(state): State<AppState>) -> Response {
    match state.db.ping().await {
        Ok(()) => "ok".into_response(),
        Err(error) => {
            tracing::error!(%error, "the database does not answer");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the database does not answer: see that it runs and that its disk has room; the server's log says more",
            )
                .into_response()
        }
    }
}

/// The bundle, and what stands beside it (`public/`), file by file: the rest of the root is pages.
fn files(state: &AppState) -> Router<AppState> {
    let root = &state.config.site_root;
    let mut router =
        Router::new().nest_service("/pkg", ServeDir::new(root.join("pkg")).precompressed_br());
    for name in public_files(root) {
        router = router.route_service(
            &format!("/{name}"),
            ServeFile::new(root.join(&name)).precompressed_br(),
        );
    }
    router
        .route_service("/favicon.ico", ServeFile::new(root.join("favicon.svg")))
        .layer(from_fn(keep))
}

/// Names of the files in the site's root; none where it was not built yet.
fn public_files(root: &std::path::Path) -> Vec<String> {
    let entries = match std::fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) => {
            tracing::error!(
                "the bundled pages are not at {}: {error}. Build them with cargo xtask build",
                root.display()
            );
            return Vec::new();
        }
    };
    entries
        .filter_map(|entry| {
            entry
                .ok()
                .filter(|entry| entry.path().is_file())?
                .file_name()
                .into_string()
                .ok()
        })
        .filter(|name| !name.ends_with(".br") && name != "favicon.ico")
        .collect()
}

/// What carries its build in its name is kept for good; of the rest a browser asks each time whether it has
/// changed, and is answered 304 mostly.
async fn keep(request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    let named = is_named_by_build(request.uri().path());
    let mut response = next.run(request).await;
    let status = response.status();
    // What a 304 says of that counts for what the browser has.
    let kept = named && (status.is_success() || status == StatusCode::NOT_MODIFIED);
    let value = if kept {
        "max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
    response
}

/// Whether a path is like `/minicloud.0123456789abcdef.js` (see `xtask/src/split.rs`).
fn is_named_by_build(path: &str) -> bool {
    let mut parts = path.rsplit('.');
    let (_ending, build) = (parts.next(), parts.next());
    build.is_some_and(|build| build.len() == 16 && build.bytes().all(|b| b.is_ascii_hexdigit()))
}

async fn no_sniff(request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, extract::Request};
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn only_what_carries_its_build_in_its_name_and_is_there_is_kept_for_good() {
        const KEPT: &str = "max-age=31536000, immutable";
        let asked = "no-cache";
        let cases = [
            ("/pkg/minicloud.0123456789abcdef.js", 200, KEPT),
            ("/pkg/split_vm.0123456789abcdef.wasm", 304, KEPT),
            ("/pkg/minicloud.0123456789abcdef.js", 404, asked),
            ("/pkg/minicloud.0123456789abcde.js", 200, asked),
            ("/pkg/minicloud.0123456789abcdeg.js", 200, asked),
            ("/pkg/minicloud.css", 200, asked),
            ("/favicon.svg", 200, asked),
        ];
        for (path, status, expected) in cases {
            let status = StatusCode::from_u16(status).unwrap();
            let files: Router = Router::new().fallback(async move || status);
            let request = Request::builder().uri(path).body(Body::empty());
            let answer = files.layer(from_fn(keep)).oneshot(request.unwrap());
            let answer = answer.await.unwrap();
            let said = answer.headers().get(header::CACHE_CONTROL);
            assert_eq!(said.unwrap(), expected, "{path}: {status}");
        }
    }
}

//! The pages: hands each request to `app`, with a [`RequestPlane`] bound to its caller as context.

mod account_plane;
mod admin_plane;
mod plane;
mod share_plane;
mod vm_plane;

use app::{control_plane::Plane, response::server_function};
use axum::{
    Extension, Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::any,
};
use leptos::context::provide_context;
use leptos_axum::render_app_async_with_context;

pub use plane::RequestPlane;

use crate::{auth::Caller, state::AppState};

/// The server functions' addresses and, for all else, the pages.
pub fn router() -> Router<AppState> {
    // Pages render on tokio. Said again by a second router of the same process, which is fine.
    let _ = any_spawner::Executor::init_tokio();
    Router::new()
        .route("/api/{endpoint}", any(server_fn))
        .fallback(page)
}

/// A page, rendered whole; also the 404 page.
async fn page(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let build = state.site_build.clone();
    let plane = RequestPlane::plane(state, caller);
    let render = render_app_async_with_context(
        move || provide_context::<Plane>(plane.clone()),
        move || app::app::shell(build.clone()),
    );
    render(request).await.into_response()
}

/// A server function. A plain form that fails comes back with what was typed, a program gets the true
/// status.
async fn server_fn(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let plane = RequestPlane::plane(state, caller);
    server_function(move || provide_context::<Plane>(plane.clone()), request).await
}

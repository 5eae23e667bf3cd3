//! The pages and server functions over a fake world, routed as the server does.

use app::{app::shell, response::server_function};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::any,
};
use leptos::prelude::*;

use super::World;

/// Every page, and `/api/…`.
pub fn router(world: World) -> Router {
    // The executor that pages are drawn on; starting it twice is refused and no harm. (Listing the
    // routes would start it too, but keeps resources of all threads from loading meanwhile.)
    let _ = any_spawner::Executor::init_tokio();
    Router::new()
        .route("/api/{*name}", any(call))
        .fallback(page)
        .with_state(world)
}

async fn call(State(world): State<World>, request: Request) -> Response {
    let plane = world.plane(request.headers());
    server_function(move || provide_context(plane.clone()), request).await
}

async fn page(State(world): State<World>, request: Request<Body>) -> Response {
    let plane = world.plane(request.headers());
    let render = leptos_axum::render_app_async_with_context(
        move || provide_context(plane.clone()),
        move || shell(Some("0a1b".into())),
    );
    render(request).await.into_response()
}

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

#[derive(Clone)]
struct Site {
    world: World,
    options: LeptosOptions,
}

/// Every page, and `/api/…`.
pub fn router(world: World) -> Router {
    // The executor that pages are drawn on; starting it twice is refused and no harm. (Listing the
    // routes would start it too, but keeps resources of all threads from loading meanwhile.)
    let _ = any_spawner::Executor::init_tokio();
    let options = LeptosOptions::builder()
        .output_name("minicloud")
        .site_root("target/site")
        .build();
    Router::new()
        .route("/api/{*name}", any(call))
        .fallback(page)
        .with_state(Site { world, options })
}

async fn call(State(site): State<Site>, request: Request) -> Response {
    let plane = site.world.plane(request.headers());
    server_function(move || provide_context(plane.clone()), request).await
}

async fn page(State(site): State<Site>, request: Request<Body>) -> Response {
    let plane = site.world.plane(request.headers());
    let options = site.options.clone();
    let render = leptos_axum::render_app_async_with_context(
        move || provide_context(plane.clone()),
        move || shell(options.clone()),
    );
    render(request).await.into_response()
}

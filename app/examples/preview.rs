//! The pages over a fake control plane, to look at them: `cargo run -p app --example preview
//! --features ssr`, after `cargo xtask front`. The cookie `as` says who asks (see `tests/fake`).

#[path = "../tests/fake/mod.rs"]
mod fake;

use std::{net::SocketAddr, time::Duration};

use app::{
    app::{App, shell},
    model::Live,
    response::server_function,
};
use axum::{
    Router,
    body::Body,
    extract::{
        Request, State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    response::{IntoResponse, Response},
    routing::{any, get},
};
use leptos::prelude::*;
use tower_http::services::ServeDir;

#[derive(Clone)]
struct Preview {
    world: fake::World,
    options: LeptosOptions,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(5599);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let options = LeptosOptions::builder()
        .output_name("minicloud")
        .site_root("target/site")
        .site_addr(address)
        .build();
    // Registers the routes' server functions, as the server does.
    let _ = leptos_axum::generate_route_list(App);
    let preview = Preview { world: fake::World::new(), options };
    let router = Router::new()
        .route("/api/{*name}", any(call))
        .route("/live", get(live))
        .nest_service("/pkg", ServeDir::new("target/site/pkg"))
        .nest_service("/favicon.svg", tower_http::services::ServeFile::new("public/favicon.svg"))
        .nest_service("/icon.svg", tower_http::services::ServeFile::new("public/icon.svg"))
        .fallback(page)
        .with_state(preview);
    println!("http://{address}");
    axum::serve(tokio::net::TcpListener::bind(address).await?, router).await
}

async fn call(State(preview): State<Preview>, request: Request) -> Response {
    let plane = preview.world.plane(request.headers());
    server_function(move || provide_context(plane.clone()), request).await
}

async fn page(State(preview): State<Preview>, request: Request<Body>) -> Response {
    let plane = preview.world.plane(request.headers());
    let options = preview.options.clone();
    let render = leptos_axum::render_app_async_with_context(
        move || provide_context(plane.clone()),
        move || shell(options.clone()),
    );
    render(request).await.into_response()
}

async fn live(State(preview): State<Preview>, request: Request) -> Response {
    let viewer = preview.world.plane(request.headers()).viewer().await;
    let Ok(Some(viewer)) = viewer else { return http::StatusCode::NOT_FOUND.into_response() };
    let upgrade = axum::RequestExt::extract_parts::<WebSocketUpgrade>(&mut { request }).await;
    match upgrade {
        Ok(upgrade) => upgrade.on_upgrade(move |socket| tell(socket, preview.world, viewer.name)),
        Err(refused) => refused.into_response(),
    }
}

async fn tell(mut socket: WebSocket, world: fake::World, name: String) {
    let mut step = 0u8;
    loop {
        let mut list = world.list(&name);
        for vm in &mut list.vms {
            vm.cpu_percent = vm.cpu_percent.map(|_| f32::from(step % 40));
            vm.cpu_history.iter_mut().for_each(|value| *value = (*value + step) % 90);
        }
        step = step.wrapping_add(1);
        let text = serde_json::to_string(&Live::Vms(list)).unwrap_or_default();
        if socket.send(Message::Text(text.into())).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

//! The pages over a fake control plane, to look at them: `cargo run -p app --example preview
//! --features ssr`, after `cargo xtask front`. The cookie `as` says who asks (see `tests/fake`).
#![allow(clippy::expect_used, clippy::unwrap_used)] // over the fake that the tests use

#[path = "../tests/fake/mod.rs"]
mod fake;

use std::{net::SocketAddr, time::Duration};

use app::model::Live;
use axum::{
    Router,
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use tower_http::services::{ServeDir, ServeFile};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args()
        .nth(1)
        .and_then(|port| port.parse().ok())
        .unwrap_or(5599);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let world = fake::World::new();
    let router = Router::new()
        .route("/live", get(live))
        .with_state(world.clone())
        .nest_service("/pkg", ServeDir::new("target/site/pkg"))
        .route_service("/favicon.svg", ServeFile::new("public/favicon.svg"))
        .route_service("/icon.svg", ServeFile::new("public/icon.svg"))
        .merge(fake::live_router(world.clone()))
        .merge(fake::router(world));
    println!("http://{address}");
    axum::serve(tokio::net::TcpListener::bind(address).await?, router).await
}

async fn live(
    State(world): State<fake::World>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    match world.plane(&headers).viewer().await {
        Ok(Some(viewer)) => upgrade.on_upgrade(move |socket| tell(socket, world, viewer.name)),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The caller's VMs, each second a little different.
async fn tell(mut socket: WebSocket, world: fake::World, name: String) {
    let mut step = 0u8;
    loop {
        let mut list = world.list(&name);
        for vm in &mut list.vms {
            vm.cpu_percent = vm.cpu_percent.map(|_| f32::from(step % 40));
            vm.cpu_history
                .iter_mut()
                .for_each(|value| *value = value.wrapping_add(step) % 90);
        }
        step = step.wrapping_add(1);
        let text = serde_json::to_string(&Live::Vms(list)).unwrap_or_default();
        if socket.send(Message::Text(text.into())).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

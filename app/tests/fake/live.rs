//! The admin's live sockets of the fake world, for the preview.

use std::{future::Future, time::Duration};

use app::model::{Live, LogFilter};
use axum::{
    Router,
    extract::{
        Query, State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};

use super::{World, admin};

/// `/live/admin` and `/live/logs`.
#[allow(dead_code)]
pub fn live_router(world: World) -> Router {
    Router::new()
        .route("/live/admin", get(overview))
        .route("/live/logs", get(logs))
        .with_state(world)
}

async fn overview(
    State(world): State<World>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let plane = world.plane(&headers);
    let allowed = plane.overview().await.is_ok();
    follow(upgrade, allowed, async move |mut socket| {
        while let Ok(overview) = plane.overview().await {
            if !send(&mut socket, Live::Overview(overview)).await {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
}

/// As many lines a second as the variable `LOG_RATE` says.
async fn logs(
    State(world): State<World>,
    Query(filter): Query<LogFilter>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let rate: u64 = std::env::var("LOG_RATE")
        .ok()
        .and_then(|rate| rate.parse().ok())
        .unwrap_or(20);
    let page = world.plane(&headers).log_list(&filter).await;
    follow(upgrade, page.is_ok(), async move |mut socket| {
        let mut records = page.unwrap_or_default().records;
        let mut seq = admin::LOG_LINES;
        while send(&mut socket, Live::Logs(records)).await {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let next = seq + (rate / 10).max(1);
            let new = (seq..next).map(admin::log_record);
            records = new
                .filter(|record| admin::matches(&filter, record))
                .collect();
            seq = next;
        }
    })
}

fn follow<F>(
    upgrade: WebSocketUpgrade,
    allowed: bool,
    tell: impl FnOnce(WebSocket) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = ()> + Send + 'static,
{
    match allowed {
        true => upgrade.on_upgrade(tell),
        false => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn send(socket: &mut WebSocket, message: Live) -> bool {
    let text = serde_json::to_string(&message).unwrap_or_default();
    socket.send(Message::Text(text.into())).await.is_ok()
}

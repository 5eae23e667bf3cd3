//! The accept loop and what becomes of its connections.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::{WebSocketUpgrade, ws::Message},
    routing::get,
};
use futures_util::StreamExt as _;
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Peers, serve};

/// Far longer than anything here takes.
const SOON: Duration = Duration::from_secs(10);

async fn start(router: Router, peers: Peers, stop: &CancellationToken) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = serve(listener, None, router, peers, stop.clone());
    (format!("ws://{address}/"), tokio::spawn(serving))
}

#[tokio::test]
async fn a_stop_waits_for_sockets_to_say_good_bye() {
    let stop = CancellationToken::new();
    let said = Arc::new(AtomicBool::new(false));
    let (stopping, saying) = (stop.clone(), said.clone());
    let router = Router::new().route(
        "/",
        get(async |upgrade: WebSocketUpgrade| {
            upgrade.on_upgrade(async move |mut socket| {
                stopping.cancelled().await;
                // Busy with something else for a moment.
                tokio::time::sleep(Duration::from_millis(300)).await;
                socket.send(Message::Close(None)).await.unwrap();
                saying.store(true, Ordering::Relaxed);
            })
        }),
    );
    let (address, serving) = start(router, Peers::default(), &stop).await;
    let (mut socket, _) = tokio_tungstenite::connect_async(address).await.unwrap();
    stop.cancel();
    timeout(SOON, serving).await.expect("in time").unwrap();
    assert!(said.load(Ordering::Relaxed), "not cut off in the middle");
    let last = timeout(SOON, socket.next()).await.expect("in time");
    assert!(last.unwrap().unwrap().is_close());
}

#[tokio::test]
async fn a_socket_counts_as_a_connection_of_its_address_until_it_ends() {
    let stop = CancellationToken::new();
    let router = Router::new().route(
        "/",
        get(async |upgrade: WebSocketUpgrade| {
            upgrade.on_upgrade(async |mut socket| while let Some(Ok(_)) = socket.recv().await {})
        }),
    );
    let peers = Peers::default();
    let (address, serving) = start(router, peers.clone(), &stop).await;
    let own: IpAddr = "127.0.0.1".parse().unwrap();
    let (mut socket, _) = tokio_tungstenite::connect_async(address).await.unwrap();
    // The task that accepted it has ended by then.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(peers.count(own), 1);
    socket.close(None).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
    drop(socket);
    timeout(SOON, async {
        while peers.count(own) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("it is given back");
    stop.cancel();
    timeout(SOON, serving).await.expect("in time").unwrap();
}

//! Live sockets of which nothing changes what they show.

use std::time::{Duration, Instant};

use app::model::{LIVE_EVERY, LIVE_TOO_MANY, Live};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    exec::{Socket, socket},
    house::{House, Person},
};

/// Three times what is promised.
const PATIENCE: Duration = LIVE_EVERY.saturating_mul(3);

/// As many as one user may have.
const AT_ONCE: usize = 64;

async fn told(socket: &mut Socket) -> Live {
    let message = timeout(PATIENCE, socket.next()).await;
    let message = message.expect("it is silent").unwrap().unwrap();
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_socket_tells_something_every_few_seconds_and_at_once_where_it_is_asked() {
    let house = House::new().await;
    let admin = &house.tokens[&Person::Admin];
    for path in ["/live", "/live/admin", "/live/logs?source=nobody"] {
        let mut socket = socket(&house.base, path, admin).await;
        let first = told(&mut socket).await;
        let began = Instant::now();
        socket.send(Message::text("")).await.unwrap();
        let asked = told(&mut socket).await;
        let took = began.elapsed();
        assert!(took < LIVE_EVERY, "{path}: {took:?}");
        let by_itself = told(&mut socket).await;
        for live in [asked, by_itself] {
            match (&first, live) {
                (Live::Vms(_), Live::Vms(_)) | (Live::Overview(_), Live::Overview(_)) => {}
                (Live::Logs(_), Live::Logs(none)) => assert!(none.is_empty(), "{none:?}"),
                other => panic!("{path}: {other:?}"),
            }
        }
    }
    house.end().await;
}

/// Whether another socket is closed at once, for there are too many.
async fn is_too_many(house: &House, secret: &str) -> bool {
    let mut socket = socket(&house.base, "/live", secret).await;
    let message = timeout(PATIENCE, socket.next()).await;
    match message.expect("it is silent").unwrap().unwrap() {
        Message::Close(Some(frame)) => {
            assert_eq!(u16::from(frame.code), LIVE_TOO_MANY);
            true
        }
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_too_many_live_sockets_gets_no_more_until_one_is_closed_and_others_do() {
    let house = House::new().await;
    let owner = &house.tokens[&Person::Bob];
    let mut sockets = Vec::new();
    for _ in 0..AT_ONCE {
        sockets.push(socket(&house.base, "/live", owner).await);
    }
    assert!(is_too_many(&house, owner).await);
    let mut other = socket(&house.base, "/live", &house.tokens[&Person::Carl]).await;
    told(&mut other).await;
    sockets.pop();
    let until = Instant::now() + PATIENCE;
    while is_too_many(&house, owner).await {
        assert!(Instant::now() < until, "its place is not given back");
    }
    house.end().await;
}

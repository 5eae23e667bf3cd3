//! Commands with streams, and sockets whose right ends.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use node_api::{
    exec::ExecStart,
    exec_frame::{ClientFrame, NodeFrame},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _},
};

use crate::house::{House, Person};

/// A right that is taken back ends what is open within 5 s; three times that is the test's patience.
const REVOKED: Duration = Duration::from_secs(15);

pub type Socket = WebSocketStream<TcpStream>;

/// A socket on a port of the server, with a token.
pub async fn socket(base: &str, path: &str, secret: &str) -> Socket {
    try_socket(base, path, secret).await.unwrap()
}

/// The same, or why not.
pub async fn try_socket(base: &str, path: &str, secret: &str) -> Result<Socket, Error> {
    let host = base.strip_prefix("http://").unwrap();
    let mut request = format!("ws://{host}{path}").into_client_request().unwrap();
    let bearer = format!("Bearer {secret}").parse().unwrap();
    request.headers_mut().insert("authorization", bearer);
    let stream = TcpStream::connect(host).await.unwrap();
    Ok(client_async(request, stream).await?.0)
}

async fn send(socket: &mut Socket, frame: ClientFrame) {
    socket.send(Message::Binary(frame.encode())).await.unwrap();
}

async fn next(socket: &mut Socket) -> Message {
    let message = timeout(Duration::from_secs(20), socket.next()).await;
    message.expect("nothing came").unwrap().unwrap()
}

/// Starts `cat`, and sees it give something back.
async fn cat(house: &House, base: &str, secret: &str) -> Socket {
    let path = format!("/api/v1/vms/{}/exec/attach", house.things["vm"]);
    let mut socket = socket(base, &path, secret).await;
    let start = ExecStart {
        argv: vec!["cat".into()],
        env: Vec::new(),
    };
    send(&mut socket, ClientFrame::Start(start)).await;
    send(
        &mut socket,
        ClientFrame::Stdin(Bytes::from_static(b"\xff\0")),
    )
    .await;
    loop {
        let Message::Binary(bytes) = next(&mut socket).await else {
            panic!("a frame comes first");
        };
        match NodeFrame::decode(&bytes).unwrap() {
            NodeFrame::StdinTaken(_) => {}
            frame => {
                assert_eq!(frame, NodeFrame::Stdout(Bytes::from_static(b"\xff\0")));
                return socket;
            }
        }
    }
}

/// How long until the socket is closed, and why.
pub async fn closed(socket: &mut Socket) -> (Duration, u16) {
    let began = Instant::now();
    loop {
        if let Message::Close(why) = next(socket).await {
            return (began.elapsed(), why.unwrap().code.into());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_takes_input_and_ends_with_its_code_on_both_ports() {
    let house = House::new().await;
    let secret = house.tokens[&Person::Ann].clone();
    for base in [&house.base, &house.api_base] {
        let mut socket = cat(&house, base, &secret).await;
        send(&mut socket, ClientFrame::StdinEnd).await;
        let mut last = None;
        while let Message::Binary(bytes) = next(&mut socket).await {
            last = NodeFrame::decode(&bytes).ok();
        }
        assert_eq!(last, Some(NodeFrame::Exit(0)));
    }
    let path = format!("/api/v1/vms/{}/events", house.things["vm"]);
    let events = house.by_token(Person::Ann, "GET", &path, "").await;
    assert_eq!(events.text.matches("\"vm_exec\"").count(), 2, "{events:?}");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_ends_its_commands_and_shells_within_five_seconds() {
    let house = House::new().await;
    let body = r#"{"name": "short"}"#;
    let made = house
        .by_token(Person::Ann, "POST", "/api/v1/me/tokens", body)
        .await;
    let (id, secret) = (
        made.json()["token"]["id"].clone(),
        made.json()["secret"].clone(),
    );
    let secret = secret.as_str().unwrap();
    let mut command = cat(&house, &house.base, secret).await;
    let shell = house.things["shell"].as_str();
    let path = format!("/api/v1/shells/{shell}/attach?client=0123456789abcdef");
    let mut shell = socket(&house.base, &path, secret).await;
    assert!(matches!(next(&mut shell).await, Message::Binary(_)));
    let path = format!("/api/v1/me/tokens/{}", id.as_str().unwrap());
    let gone = house.by_token(Person::Ann, "DELETE", &path, "").await;
    assert_eq!(gone.status, 204);
    for socket in [&mut command, &mut shell] {
        let (took, code) = closed(socket).await;
        println!("closed {took:?} after the token was deleted");
        assert_eq!(code, 4003);
        assert!(took < REVOKED, "{took:?}");
    }
    house.end().await;
}

//! Commands with streams on their caller's socket, over the simulated engine.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{SECRET, TestNode, spec, until};
use futures_util::{SinkExt, StreamExt};
use node::driver::sim::SimCall;
use node_api::{
    error::NodeErrorCode,
    exec::ExecStart,
    exec_frame::{ClientFrame, NodeFrame, STDIN_WINDOW_BYTES, STREAM_FRAME_BYTES},
    vm::PowerState,
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, PartialEq)]
enum Got {
    Frame(NodeFrame),
    Closed(u16),
}

struct Caller(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Caller {
    async fn connect(node: &TestNode, vm: Uuid) -> Self {
        Self::open(node, &format!("/v1/vms/{vm}/exec/attach")).await
    }

    async fn port(node: &TestNode, vm: Uuid, port: &str) -> Self {
        Self::open(node, &format!("/v1/vms/{vm}/connect/{port}")).await
    }

    async fn open(node: &TestNode, path: &str) -> Self {
        let url = format!("ws://{}{path}", node.address);
        let mut request = url.into_client_request().unwrap();
        let bearer = format!("Bearer {SECRET}").parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        let connecting = tokio_tungstenite::connect_async(request);
        Self(timeout(PATIENCE, connecting).await.unwrap().unwrap().0)
    }

    async fn start(node: &TestNode, vm: Uuid, argv: &[&str]) -> Self {
        let mut caller = Self::connect(node, vm).await;
        caller.send(&start(argv)).await;
        caller
    }

    async fn send(&mut self, frame: &ClientFrame) {
        self.0.send(Message::Binary(frame.encode())).await.unwrap();
    }

    async fn next(&mut self) -> Got {
        let message = timeout(PATIENCE, self.0.next())
            .await
            .expect("nothing came");
        match message {
            Some(Ok(Message::Binary(bytes))) => Got::Frame(NodeFrame::decode(&bytes).unwrap()),
            Some(Ok(Message::Close(Some(close)))) => Got::Closed(close.code.into()),
            other => panic!("neither a frame nor a close: {other:?}"),
        }
    }

    /// Everything up to the close: stdout, and the last frame.
    async fn rest(&mut self) -> (Vec<u8>, Option<NodeFrame>, u16) {
        let (mut out, mut last) = (Vec::new(), None);
        loop {
            match self.next().await {
                Got::Frame(NodeFrame::Stdout(bytes)) => out.extend_from_slice(&bytes),
                Got::Frame(frame) => last = Some(frame),
                Got::Closed(code) => return (out, last, code),
            }
        }
    }
}

fn start(argv: &[&str]) -> ClientFrame {
    ClientFrame::Start(ExecStart {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        env: Vec::new(),
    })
}

/// `cat` has given back what it was given. (That it has taken it may be told before or after.)
async fn until_given_back(caller: &mut Caller) {
    while !matches!(caller.next().await, Got::Frame(NodeFrame::Stdout(_))) {}
}

/// A node with a VM that runs.
async fn house() -> (TestNode, Uuid) {
    let node = TestNode::new().await;
    let spec = spec("web1", 1);
    assert!(node.put(&spec).await.status().is_success());
    (node, spec.id)
}

#[tokio::test]
async fn the_output_comes_then_the_code_then_the_close() {
    let (node, vm) = house().await;
    let mut caller = Caller::start(&node, vm, &["/bin/sh", "-c", "echo hello; exit 7"]).await;
    let end = caller.rest().await;
    assert_eq!(end, (b"hello\n".to_vec(), Some(NodeFrame::Exit(7)), 1000));
}

#[tokio::test]
async fn four_megabytes_go_through_a_window_of_half_a_megabyte() {
    let (node, vm) = house().await;
    let mut caller = Caller::start(&node, vm, &["cat"]).await;
    let bytes: Vec<u8> = (0..4_000_000_u32).map(|at| (at % 251) as u8).collect();
    let (mut sent, mut taken, mut out) = (0_u64, 0_u64, Vec::new());
    let mut parts = bytes.chunks(STREAM_FRAME_BYTES);
    while out.len() < bytes.len() {
        while sent - taken + STREAM_FRAME_BYTES as u64 <= STDIN_WINDOW_BYTES {
            let Some(part) = parts.next() else { break };
            caller
                .send(&ClientFrame::Stdin(Bytes::copy_from_slice(part)))
                .await;
            sent += part.len() as u64;
        }
        match caller.next().await {
            Got::Frame(NodeFrame::Stdout(bytes)) => out.extend_from_slice(&bytes),
            Got::Frame(NodeFrame::StdinTaken(count)) => taken = count,
            other => panic!("{other:?}"),
        }
    }
    assert!(
        out == bytes,
        "the bytes that came back are not those that went"
    );
    caller.send(&ClientFrame::StdinEnd).await;
    let (rest, last, code) = caller.rest().await;
    assert_eq!(
        (rest.len(), last, code),
        (0, Some(NodeFrame::Exit(0)), 1000)
    );
}

#[tokio::test]
async fn a_caller_that_leaves_takes_its_command_along() {
    let (node, vm) = house().await;
    let mut caller = Caller::start(&node, vm, &["cat"]).await;
    caller
        .send(&ClientFrame::Stdin(Bytes::from_static(b"x")))
        .await;
    until_given_back(&mut caller).await;
    assert_eq!(node.engine.processes(vm), 1);
    drop(caller);
    until("the command's end", async || node.engine.processes(vm) == 0).await;
}

#[tokio::test]
async fn a_caller_that_leaves_before_its_command_runs_has_none() {
    let (node, vm) = house().await;
    node.engine.set_silent(true);
    let mut caller = Caller::start(&node, vm, &["cat"]).await;
    caller
        .send(&ClientFrame::Stdin(Bytes::from_static(b"x")))
        .await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(caller);
    tokio::time::sleep(Duration::from_millis(300)).await;
    node.engine.set_silent(false);
    // What comes early is the command's, once it runs.
    node.engine.set_silent(true);
    let mut caller = Caller::start(&node, vm, &["cat"]).await;
    for frame in [
        ClientFrame::Stdin(Bytes::from_static(b"x")),
        ClientFrame::StdinEnd,
    ] {
        caller.send(&frame).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    node.engine.set_silent(false);
    assert_eq!(
        caller.rest().await,
        (b"x".to_vec(), Some(NodeFrame::Exit(0)), 1000)
    );
    assert_eq!(node.engine.calls(SimCall::Exec), 1);
}

#[tokio::test]
async fn signals_and_pings_are_taken_while_a_command_runs() {
    let (node, vm) = house().await;
    let mut caller = Caller::start(&node, vm, &["sleep", "300"]).await;
    caller.send(&ClientFrame::Ping(9)).await;
    assert_eq!(caller.next().await, Got::Frame(NodeFrame::Pong(9)));
    caller.send(&ClientFrame::Signal("TERM".into())).await;
    let (_, last, code) = caller.rest().await;
    assert_eq!((last, code), (Some(NodeFrame::Exit(143)), 1000));
}

#[tokio::test]
async fn what_cannot_be_started_is_refused_in_words() {
    let (node, vm) = house().await;
    let too_long = "x".repeat(129 * 1024);
    let gone = Uuid::now_v7();
    for (vm, argv, wanted) in [
        (vm, vec![], NodeErrorCode::BadRequest),
        (vm, vec!["a\0b"], NodeErrorCode::BadRequest),
        (vm, vec![too_long.as_str()], NodeErrorCode::BadRequest),
        (gone, vec!["true"], NodeErrorCode::NotFound),
    ] {
        let mut caller = Caller::start(&node, vm, &argv).await;
        match caller.rest().await {
            (_, Some(NodeFrame::Refused(error)), 1000) => assert_eq!(error.code, wanted),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_malformed_ends_the_socket_and_the_command() {
    let (node, vm) = house().await;
    let much = Bytes::from(vec![0; STREAM_FRAME_BYTES]);
    let flood = |count| vec![ClientFrame::Stdin(much.clone()); count];
    let bad: Vec<Vec<ClientFrame>> = vec![
        vec![ClientFrame::StdinEnd, ClientFrame::Stdin(much.clone())],
        vec![start(&["true"])],
        vec![ClientFrame::Signal("STOP".into())],
        flood(usize::try_from(STDIN_WINDOW_BYTES).unwrap() / STREAM_FRAME_BYTES + 2),
    ];
    for frames in bad {
        // It reads nothing, so that what is sent stays under way.
        let mut caller = Caller::start(&node, vm, &["sleep", "300"]).await;
        for frame in &frames {
            caller.send(frame).await;
        }
        assert_eq!(caller.rest().await.2, 4400, "{:?}", frames.len());
        until("the command's end", async || node.engine.processes(vm) == 0).await;
    }
    let mut caller = Caller::connect(&node, vm).await;
    caller.send(&ClientFrame::StdinEnd).await;
    assert_eq!(caller.rest().await.2, 4400);
}

#[tokio::test]
async fn a_vm_that_is_stopped_ends_its_commands() {
    let (node, vm) = house().await;
    let mut caller = Caller::start(&node, vm, &["cat"]).await;
    caller
        .send(&ClientFrame::Stdin(Bytes::from_static(b"x")))
        .await;
    until_given_back(&mut caller).await;
    let path = format!("/v1/vms/{vm}/stop");
    let stopped = node
        .request(reqwest::Method::POST, &path)
        .send()
        .await
        .unwrap();
    let report: node_api::vm::VmReport = stopped.json().await.unwrap();
    assert_eq!(report.power, PowerState::Exited);
    let (_, last, _) = caller.rest().await;
    assert_eq!(last, Some(NodeFrame::Exit(137)));
}

#[tokio::test]
async fn a_caller_that_reads_late_still_gets_the_end() {
    let (node, vm) = house().await;
    let mut caller = Caller::start(&node, vm, &["/bin/sh", "-c", "echo hello; exit 7"]).await;
    // Longer than a node would wait for a caller that has gone.
    tokio::time::sleep(Duration::from_secs(8)).await;
    caller.send(&ClientFrame::Ping(1)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    caller.send(&ClientFrame::Ping(2)).await;
    let end = caller.rest().await;
    assert_eq!(end, (b"hello\n".to_vec(), Some(NodeFrame::Exit(7)), 1000));
}

#[tokio::test]
async fn a_port_is_a_line_to_what_listens_there() {
    let (node, vm) = house().await;
    let mut caller = Caller::port(&node, vm, "7").await;
    caller
        .send(&ClientFrame::Stdin(Bytes::from_static(b"to and fro")))
        .await;
    caller.send(&ClientFrame::StdinEnd).await;
    let end = caller.rest().await;
    assert_eq!(
        end,
        (b"to and fro".to_vec(), Some(NodeFrame::Exit(0)), 1000)
    );
    match Caller::port(&node, vm, "9").await.rest().await {
        (_, Some(NodeFrame::Refused(error)), 1000) => {
            assert_eq!(error.code, NodeErrorCode::Conflict)
        }
        other => panic!("{other:?}"),
    }
    for bad in ["0", "65536", "x", "-1"] {
        let answer = node.get(&format!("/v1/vms/{vm}/connect/{bad}")).await;
        assert_eq!(answer.status(), 400, "{bad}");
    }
}

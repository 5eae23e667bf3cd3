//! Bad input closes the socket it came on, with a reason, and nothing else.

use std::{
    cell::Cell,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use node::shell::{
    ShellLimits,
    frame::{NodeFrame, ViewerFrame},
};
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use crate::support::Node;
use crate::viewer::{Got, Viewer, until};

/// The code with which a viewer is closed; the reason is not left out.
async fn refused(viewer: &mut Viewer) -> u16 {
    let (code, reason) = viewer.closed_because().await;
    assert!(!reason.is_empty(), "closed with {code} and no word");
    code
}

#[tokio::test]
async fn malformed_frames_close_their_own_socket_only() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, mut program) = node.shell().await;
    let mut good = node.attach(shell, 1).await;
    let bad: [(&str, Message); 8] = [
        ("empty", Message::Binary(vec![].into())),
        ("short input", Message::Binary(vec![0x81, 1, 2].into())),
        ("short resize", Message::Binary(vec![0x82, 0].into())),
        ("short ack", Message::Binary(vec![0x83].into())),
        ("short ping", Message::Binary(vec![0x84, 1].into())),
        ("text", Message::Text("ls\n".into())),
        (
            "ack of what was never sent",
            Message::Binary(ViewerFrame::Ack(1 << 40).encode()),
        ),
        (
            "input over 64 KiB",
            Message::Binary(
                ViewerFrame::Input {
                    offset: 0,
                    bytes: vec![0; 65_537].into(),
                }
                .encode(),
            ),
        ),
    ];
    for (client, (what, message)) in bad.into_iter().enumerate() {
        let mut viewer = node.attach(shell, 100 + client as u64).await;
        viewer.send_raw(message).await;
        assert_eq!(refused(&mut viewer).await, 4400, "{what}");
    }
    let mut huge = node.attach(shell, 99).await;
    huge.send_raw(Message::Binary(vec![0x81; 2 * 1024 * 1024].into()))
        .await;
    let (code, reason) = huge.closed_because().await;
    // What was not read of it may reset the connection before the close is read.
    let told = code == 4400 && !reason.is_empty();
    assert!(
        told || code == 1006,
        "a frame over every limit: {code} {reason}"
    );
    good.works(&mut program).await;
    until("all bad ones are gone", || {
        node.shells.list(node.vm_id)[0].viewers == 1
    })
    .await;
}

#[tokio::test]
async fn unknown_kinds_are_ignored() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, mut program) = node.shell().await;
    let mut viewer = node.attach(shell, 1).await;
    for kind in [0_u8, 1, 0x7f, 0x90, 0xff] {
        viewer
            .send_raw(Message::Binary(vec![kind, 1, 2, 3].into()))
            .await;
    }
    viewer.works(&mut program).await;
}

#[tokio::test]
async fn a_shell_that_is_not_there_is_told_by_a_close_code() {
    let node = Node::start(ShellLimits::default()).await;
    let client = "client=0000000000000001";
    let no_shell = Uuid::now_v7().to_string();
    for id in [no_shell.as_str(), "not-a-uuid"] {
        let mut viewer = node.connect(id, client).await;
        assert_eq!(refused(&mut viewer).await, 4004, "{id}");
    }
    let (shell, _program) = node.shell().await;
    let from = format!("{client}&from=abc");
    let cols = format!("{client}&cols=-1");
    for query in ["", "client=1", from.as_str(), cols.as_str()] {
        let mut viewer = node.connect(shell, query).await;
        assert_eq!(refused(&mut viewer).await, 4400, "{query}");
    }
}

#[tokio::test]
async fn thirty_two_viewers_fit_and_the_others_are_told() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, mut program) = node.shell().await;
    let mut seated = Vec::new();
    for client in 0..32 {
        seated.push(node.attach(shell, client).await);
    }
    for client in 32..40 {
        let mut late = node.connect(shell, &format!("client={client:016x}")).await;
        assert_eq!(refused(&mut late).await, 4429);
    }
    seated[31].works(&mut program).await;
    seated.truncate(1);
    until("they left", || node.shells.list(node.vm_id)[0].viewers == 1).await;
    node.attach(shell, 50).await.works(&mut program).await;
}

#[tokio::test]
async fn a_thousand_attaches_leave_nothing_behind() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, mut program) = node.shell().await;
    program.print("$ ").await;
    let files = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    drop(node.attach(shell, 1).await);
    until("left", || node.shells.list(node.vm_id)[0].viewers == 0).await;
    let before = files();
    for client in 0..1_000 {
        drop(node.attach(shell, client).await);
    }
    until("all left", || node.shells.list(node.vm_id)[0].viewers == 0).await;
    // Other tests of this process open files too.
    until("files are closed", || files() < before + 150).await;
    node.attach(shell, 5_000).await.works(&mut program).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_who_come_at_once_those_without_a_seat_are_told_and_nobody_is_disturbed() {
    /// Sockets at a time; each has two ends in this process.
    const AT_ONCE: usize = 200;
    let node = Node::start(ShellLimits::default()).await;
    let (shell, mut program) = node.shell().await;
    let mut good = node.attach(shell, 5_000).await;
    let come = |client: u64| {
        let node = &node;
        async move {
            let query = format!("client={client:016x}");
            let mut viewer = node.connect(shell, &query).await;
            match viewer.next().await {
                // It keeps its seat until all have come.
                Got::Frame(NodeFrame::Hello(_)) => Some(viewer),
                Got::Closed(code, reason) => {
                    assert_eq!((code, reason.is_empty()), (4429, false));
                    None
                }
                other => panic!("{other:?}"),
            }
        }
    };
    let all_came = AtomicBool::new(false);
    let storm = async {
        let storm = stream::iter(0..1_000).map(come).buffer_unordered(AT_ONCE);
        let viewers: Vec<Option<Viewer>> = storm.collect().await;
        all_came.store(true, Ordering::Relaxed);
        viewers
    };
    let working = async {
        let mut longest = Duration::ZERO;
        let mut at = good.hello().input_offset;
        while !all_came.load(Ordering::Relaxed) {
            let asked = Instant::now();
            good.type_at(at, "k").await;
            at += 1;
            assert_eq!(program.read(1).await, b"k");
            program.print("k").await;
            good.output_until(b"k").await;
            longest = longest.max(asked.elapsed());
        }
        (at, longest)
    };
    let (viewers, (keys, longest)) = tokio::join!(storm, working);
    println!("{keys} keys meanwhile, each back after at most {longest:?}");
    assert!(keys > 1, "{keys}");
    assert_eq!(viewers.iter().flatten().count(), 31);
    drop(viewers);
    until("they left", || node.shells.list(node.vm_id)[0].viewers == 1).await;
}

#[tokio::test]
async fn pings_are_answered() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, _program) = node.shell().await;
    let mut viewer = node.attach(shell, 1).await;
    viewer.send(ViewerFrame::Ping(77)).await;
    let pong = viewer.find(|frame| match frame {
        NodeFrame::Pong(value) => Some(value),
        _ => None,
    });
    assert_eq!(pong.await, 77);
}

#[tokio::test]
async fn a_silent_viewer_is_asked_and_then_closed() {
    let limits = ShellLimits {
        silence: Duration::from_secs(6),
        ..ShellLimits::default()
    };
    let node = Node::start(limits).await;
    let (shell, _program) = node.shell().await;
    let (mut silent, mut talking) = (node.attach(shell, 1).await, node.attach(shell, 2).await);
    let is_closed = Cell::new(false);
    let answering = async {
        while !is_closed.get() {
            match tokio::time::timeout(Duration::from_millis(100), talking.next()).await {
                Ok(Got::Frame(NodeFrame::Ping(value))) => {
                    talking.send(ViewerFrame::Pong(value)).await;
                }
                Ok(Got::Closed(code, _)) => panic!("closed with {code} though it answers"),
                _ => {}
            }
        }
    };
    let closing = async {
        let mut asked = 0;
        let code = loop {
            match silent.next().await {
                Got::Frame(NodeFrame::Ping(_)) => asked += 1,
                Got::Frame(_) => {}
                Got::Closed(code, _) => break code,
                Got::Cut => break 1006,
            }
        };
        is_closed.set(true);
        (code, asked)
    };
    let ((), (code, asked)) = tokio::join!(answering, closing);
    assert_eq!(code, 4408);
    assert!(asked >= 1);
}

#[tokio::test]
async fn who_acknowledges_nothing_gets_the_rest_and_the_end_of_a_shell_that_has_ended() {
    const PRINTED: usize = 1_500_000;
    let node = Node::start(ShellLimits {
        ring_bytes: 4 << 20,
        end_patience: Duration::from_secs(1),
        ..ShellLimits::default()
    })
    .await;
    let (shell, mut program) = node.shell().await;
    let mut viewer = node.attach(shell, 1).await;
    viewer.snapshot().await;
    // Much more than a viewer may have unacknowledged.
    for _ in 0..30 {
        program.print(vec![b'o'; PRINTED / 30]).await;
    }
    program.exit(7);
    let (mut got, mut code) = (0, None);
    let close = loop {
        match viewer.next().await {
            Got::Frame(NodeFrame::Output { bytes, .. }) => got += bytes.len(),
            Got::Frame(NodeFrame::Exit(exit)) => code = Some(exit),
            // It answers, as long as it is asked.
            Got::Frame(NodeFrame::Ping(value)) => viewer.send(ViewerFrame::Pong(value)).await,
            Got::Frame(_) => {}
            Got::Closed(close, _) => break close,
            Got::Cut => panic!("cut without a word"),
        }
    };
    assert_eq!((got, code, close), (PRINTED, Some(7), 4001));
    until("it left", || node.shells.list(node.vm_id)[0].viewers == 0).await;
}

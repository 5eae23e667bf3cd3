//! Shells whose PTYs are with a holder, when their node ends and begins again.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use node::{
    hold::{self, wire},
    shell::{
        ShellLimits,
        frame::{NodeFrame, ViewerFrame},
    },
};
use tokio::{io::AsyncWriteExt, net::UnixListener, time::timeout};
use uuid::Uuid;

use crate::{
    holding::{Holder, registry, socket},
    support::{FakeDriver, VM},
    viewer::{Got, PATIENCE, Viewer, serve, until},
};

/// The next bytes that are not a snapshot.
async fn plain(viewer: &mut Viewer, count: usize) -> (u64, Vec<u8>) {
    let mut all = Vec::new();
    let mut first = None;
    while all.len() < count {
        let (offset, bytes) = viewer
            .find(|frame| match frame {
                NodeFrame::Output { offset, bytes } => Some((offset, bytes)),
                NodeFrame::Snapshot { .. } => panic!("the stream goes on, nothing is drawn"),
                _ => None,
            })
            .await;
        first.get_or_insert(offset);
        all.extend_from_slice(&bytes);
        let end = offset + bytes.len() as u64;
        viewer.send(ViewerFrame::Ack(end)).await;
    }
    (first.unwrap(), all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shell_goes_on_where_it_was_when_its_node_begins_again() {
    let holder = Holder::start(hold::Limits::default());
    let node = holder.node().await;
    let shell = node.shell().await;
    let mut program = holder.program();
    let before = node.shells.list(VM)[0].clone();
    let mut viewer = node.attach(shell, 1, "&cols=90&rows=30").await;
    viewer.type_at(0, "abc").await;
    assert_eq!(program.read(3).await, b"abc");
    viewer.input_ack(3).await;
    program.print("one").await;
    viewer.output_until(b"one").await;
    node.kill();
    program.print("two").await;

    let node = holder.node().await;
    let mut viewer = node.attach(shell, 1, "&cols=90&rows=30&from=3").await;
    assert_eq!(viewer.hello().offset, 3);
    assert_eq!(viewer.hello().input_offset, 3);
    assert!(viewer.hello().owner);
    assert_eq!(plain(&mut viewer, 3).await, (3, b"two".to_vec()));
    let after = node.shells.list(VM)[0].clone();
    assert_eq!((after.id, after.created_at), (before.id, before.created_at));
    assert_eq!((after.cols, after.rows), (90, 30));
    viewer.type_at(3, "d").await;
    assert_eq!(program.read(1).await, b"d");
    let mut fresh = node.attach(shell, 2, "").await;
    let seen = fresh.output_until(b"two").await;
    assert!(String::from_utf8_lossy(&seen).contains("onetwo"));
    program.exit(5);
    assert_eq!(viewer.closed().await, 4001);
    assert_eq!(node.shells.list(VM)[0].exit_code, Some(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_typed_when_the_node_died_arrives_once() {
    let holder = Holder::start(hold::Limits::default());
    let mut node = holder.node().await;
    let shell = node.shell().await;
    let mut program = holder.program();
    let text: Vec<u8> = (0..400_000_u32).map(|at| (at * 31 % 251) as u8).collect();
    let expected = text.clone();
    let reading = tokio::spawn(async move {
        let mut read = Vec::new();
        while read.len() < expected.len() {
            read.extend(program.read_some().await);
        }
        assert!(read == expected, "it is not what was typed");
        assert_eq!(program.read_some().await, b"");
        program
    });
    // Nodes die with much on the way: typed, taken, held, not written.
    for _ in 0..8 {
        let mut viewer = node.attach(shell, 1, "").await;
        let mut sent = viewer.hello().input_offset as usize;
        let stop = text.len().min(sent + 60_000);
        while sent < stop {
            let end = stop.min(sent + 7_000);
            viewer.type_at(sent as u64, text[sent..end].to_vec()).await;
            sent = end;
        }
        // A second hello counts what the holder has, and only that.
        let again = node.attach(shell, 1, "").await;
        let counted = again.hello().input_offset;
        node.kill();
        node = holder.node().await;
        let back = node.attach(shell, 1, "").await;
        assert!(
            back.hello().input_offset >= counted,
            "it was counted and is lost"
        );
    }
    let mut viewer = node.attach(shell, 1, "").await;
    let mut sent = viewer.hello().input_offset as usize;
    while sent < text.len() {
        let end = text.len().min(sent + 50_000);
        viewer.type_at(sent as u64, text[sent..end].to_vec()).await;
        sent = end;
    }
    let mut program = timeout(PATIENCE, reading).await.unwrap().unwrap();
    viewer.type_at(text.len() as u64, "!").await;
    assert_eq!(program.read(1).await, b"!");
    viewer.input_ack(text.len() as u64 + 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_survives_though_its_beginning_has_left_the_ring() {
    let holder = Holder::start(hold::Limits {
        ring_bytes: 128 * 1024,
        ..hold::Limits::default()
    });
    let node = holder.node().await;
    let shell = node.shell().await;
    let program = holder.program();
    let mut viewer = node.attach(shell, 1, "").await;
    // A full-screen program: the other screen, keys for programs, a title.
    program
        .print("\x1b[?1049h\x1b[?1h\x1b]0;the editor\x07\x1b[2J\x1b[5;5Hdrawn once")
        .await;
    let line = format!("\x1b[10;1H{}", "x".repeat(70));
    // A drawing is due when 64 KiB have come.
    for _ in 0..32 {
        program.print(line.repeat(30)).await;
    }
    let began = Instant::now();
    while !holder.held().await.drawn {
        assert!(began.elapsed() < PATIENCE, "the holder gets no drawing");
    }
    // What was drawn stays within the ring, the beginning does not.
    for _ in 0..34 {
        program.print(line.repeat(30)).await;
    }
    program.print("\x1b[12;1Hthe end").await;
    viewer.output_until(b"the end").await;
    let start = holder.held().await.start;
    assert!((10_000..60_000).contains(&start), "{start}");
    node.kill();
    let node = holder.node().await;
    let mut fresh = node.attach(shell, 2, "").await;
    // What is not drawn in time for the snapshot follows it.
    let drawn = fresh.output_until(b"the end").await;
    let drawn = String::from_utf8_lossy(&drawn).into_owned();
    for part in ["?1h", "the editor", "drawn once", "the end", "[?1049h"] {
        let found = drawn.contains(part) || (part == "[?1049h" && drawn.contains("[?47h"));
        assert!(found, "{part} is not in {drawn:?}");
    }
    assert_eq!(program.control.sizes(), [(80, 24)], "all is known");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shell_whose_drawing_had_to_go_is_taken_up_and_asked_to_paint() {
    let holder = Holder::start(hold::Limits {
        rings_total_bytes: 8 * 1024,
        ..hold::Limits::default()
    });
    let node = holder.node().await;
    let shell = node.shell().await;
    let program = holder.program();
    // A screen and lines above it whose drawing is longer than all drawings may be.
    let lines = format!("{}\r\n", "x".repeat(70)).repeat(50);
    for _ in 0..30 {
        program.print(lines.clone()).await;
    }
    program.print("the end").await;
    let began = Instant::now();
    while !holder.held().await.drawn {
        assert!(began.elapsed() < PATIENCE, "the holder gets no drawing");
    }
    node.kill();
    let node = holder.node().await;
    until("all is here", || node.shells.list(VM)[0].offset == 108_007).await;
    let mut fresh = node.attach(shell, 2, "").await;
    fresh.output_until(b"the end").await;
    until("painted", || {
        program.control.sizes().ends_with(&[(80, 23), (80, 24)])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_without_a_node_goes_on_and_the_program_is_asked_to_paint() {
    let holder = Holder::start(hold::Limits {
        ring_bytes: 64 * 1024,
        ..hold::Limits::default()
    });
    let node = holder.node().await;
    let shell = node.shell().await;
    let program = holder.program();
    node.kill();
    for _ in 0..30 {
        program.print("y\r\n".repeat(3_000)).await;
    }
    program.print("the end").await;
    program.drained().await;
    let node = holder.node().await;
    let mut viewer = node.attach(shell, 1, "&from=0").await;
    let (offset, _, _) = viewer.snapshot().await;
    assert!(offset > 200_000, "{offset}");
    let mut fresh = node.attach(shell, 2, "").await;
    fresh.output_until(b"the end").await;
    assert_eq!(node.shells.list(VM)[0].offset, 270_007);
    until("painted", || {
        program.control.sizes().ends_with(&[(80, 23), (80, 24)])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_here_gets_every_byte_of_a_flood() {
    let holder = Holder::start(hold::Limits {
        ring_bytes: 32 * 1024,
        ..hold::Limits::default()
    });
    let limits = ShellLimits {
        ring_bytes: 8 << 20,
        ..ShellLimits::default()
    };
    let node = holder.node_with(limits).await;
    let shell = node.shell().await;
    let program = holder.program();
    let mut viewer = node.attach(shell, 1, "").await;
    viewer.snapshot().await;
    let printing = async {
        for at in 0..400_u32 {
            program.print(format!("{at:>9}\n").repeat(500)).await;
        }
    };
    let (_, (first, all)) = tokio::join!(printing, plain(&mut viewer, 2_000_000));
    assert_eq!((first, all.len()), (0, 2_000_000));
    let good = all.chunks(5_000).enumerate();
    for (at, chunk) in good {
        assert_eq!(chunk, format!("{at:>9}\n").repeat(500).as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_a_shell_ended_while_the_node_was_away_is_told() {
    let holder = Holder::start(hold::Limits::default());
    let node = holder.node().await;
    let shell = node.shell().await;
    let mut program = holder.program();
    node.kill();
    program.print("bye").await;
    program.exit(9);
    let node = holder.node().await;
    let mut viewer = node.attach(shell, 1, "&from=0").await;
    viewer.output_until(b"bye").await;
    let code = viewer.find(|frame| match frame {
        NodeFrame::Exit(code) => Some(code),
        _ => None,
    });
    assert_eq!(code.await, 9);
    assert_eq!(viewer.closed().await, 4001);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_ends_in_order_sends_its_viewers_back_to_it() {
    let holder = Holder::start(hold::Limits::default());
    let node = holder.node().await;
    let shell = node.shell().await;
    let program = holder.program();
    let mut viewer = node.attach(shell, 1, "").await;
    program.print("here").await;
    viewer.output_until(b"here").await;
    let shells = node.shells.clone();
    node.on(async move { shells.shutdown().await }).await;
    assert_eq!(viewer.closed().await, 1012);
    node.kill();
    assert_eq!(program.control.killed(), 0);
    let node = holder.node().await;
    let mut viewer = node.attach(shell, 1, "&from=4").await;
    program.print("there").await;
    assert_eq!(plain(&mut viewer, 5).await, (4, b"there".to_vec()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_size_goes_back_to_its_owner_whoever_comes_back_first() {
    let holder = Holder::start(hold::Limits::default());
    let node = holder.node().await;
    let shell = node.shell().await;
    let mut owner = node.attach(shell, 1, "&cols=100&rows=30").await;
    let _other = node.attach(shell, 2, "&cols=60&rows=20").await;
    // Taken in order: what comes back shows that the owner is known.
    owner.type_at(0, "x").await;
    owner.input_ack(1).await;
    node.kill();
    let node = holder.node().await;
    let other = node.attach(shell, 2, "&cols=60&rows=20").await;
    assert!(other.hello().owner);
    let owner = node.attach(shell, 1, "&cols=100&rows=30").await;
    assert!(owner.hello().owner);
    assert_eq!(node.shells.list(VM)[0].cols, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_ends_a_held_shell_and_an_idle_holder_ends_itself() {
    let mut holder = Holder::start(hold::Limits {
        idle: Duration::from_secs(5),
        ..hold::Limits::default()
    });
    let node = holder.node().await;
    let shell = node.shell().await;
    let program = holder.program();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(!holder.has_ended(), "it holds a shell");
    let shells = node.shells.clone();
    node.on(async move { shells.close(shell).await })
        .await
        .unwrap();
    assert_eq!(program.control.killed(), 1);
    holder.until_ended().await;
    // Where none can be had, shells are the node's own.
    std::fs::remove_file(socket(holder.folder.path())).unwrap();
    node.shell().await;
    assert_eq!(node.shells.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_whose_node_stays_away_ends_its_shells() {
    let mut holder = Holder::start(hold::Limits {
        away: Duration::from_secs(5),
        ..hold::Limits::default()
    });
    let node = holder.node().await;
    node.shell().await;
    let program = holder.program();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(program.control.killed(), 0, "its node is here");
    node.kill();
    holder.until_ended().await;
    assert_eq!(program.control.killed(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_that_is_killed_ends_its_shells_with_a_word_why_and_others_begin() {
    let mut holder = Holder::start(hold::Limits::default());
    let node = holder.node().await;
    let shell = node.shell().await;
    let mut viewer = node.attach(shell, 1, "").await;
    holder.kill();
    loop {
        match viewer.next().await {
            Got::Frame(_) => {}
            Got::Closed(code, why) => {
                assert_eq!(code, 4004);
                assert!(why.contains("holds this node's shells"), "{why}");
                break;
            }
            Got::Cut => panic!("cut without a word"),
        }
    }
    let mark = shell.simple().to_string();
    assert_eq!(*holder.driver.ended_marks.lock().unwrap(), [mark]);
    node.shell().await;
    assert_eq!(node.shells.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_of_another_version_is_told_to_end_and_its_viewers_why() {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(socket(folder.path())).unwrap();
    let shell = Uuid::now_v7();
    let old = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.split();
        let mut frames = wire::Frames::new(read);
        let hello: wire::ToHolder = frames.next().await.unwrap().unwrap();
        assert_eq!(hello, wire::ToHolder::Hello(wire::VERSION));
        let held = wire::Held {
            shell,
            vm_id: VM,
            created_at: 1,
            active_at: 1,
            cols: 80,
            rows: 24,
            start: 0,
            end: 0,
            drawn: false,
            owner: None,
            clients: Vec::new(),
        };
        let answers = [
            wire::FromHolder::Hello(wire::VERSION + 1),
            wire::FromHolder::Held(Box::new(held)),
            wire::FromHolder::Listed,
        ];
        for answer in answers {
            write.write_all(&wire::encoded(&answer)).await.unwrap();
        }
        let list: wire::ToHolder = frames.next().await.unwrap().unwrap();
        assert_eq!(list, wire::ToHolder::List);
        let retire: wire::ToHolder = frames.next().await.unwrap().unwrap();
        assert!(matches!(retire, wire::ToHolder::Retire(_)), "{retire:?}");
    });
    let driver = Arc::new(FakeDriver::default());
    let shells = registry(&driver, ShellLimits::default(), folder.path());
    shells.adopt().await;
    old.await.unwrap();
    let address = serve(shells).await;
    let mut viewer = Viewer::attach(address, shell, 1, "&from=7").await;
    loop {
        match viewer.next().await {
            Got::Frame(_) => {}
            Got::Closed(code, why) => {
                assert_eq!(code, 4004);
                assert!(why.contains("upgraded"), "{why}");
                return;
            }
            Got::Cut => panic!("cut without a word"),
        }
    }
}

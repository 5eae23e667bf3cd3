//! Nothing is lost and nothing comes twice, however often the network fails.

use std::time::{Duration, Instant};

use node::shell::{
    ShellLimits,
    frame::{NodeFrame, ViewerFrame},
};
use sha2::{Digest, Sha256};

use crate::support::Node;
use crate::viewer::{Got, PATIENCE, until};

/// Numbers that look random, always the same.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = Vec::with_capacity(bytes);
    while noise.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise.extend_from_slice(&state.to_be_bytes());
    }
    noise.truncate(bytes);
    noise
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_megabytes_survive_twenty_disconnects() {
    const MIB: usize = 1024 * 1024;
    let limits = ShellLimits {
        ring_bytes: 64 * MIB,
        ..ShellLimits::default()
    };
    let node = Node::start(limits).await;
    let (shell, program) = node.shell().await;
    let all = noise(50 * MIB);
    let expected = Sha256::digest(&all);
    let printing = tokio::spawn(async move {
        for chunk in all.chunks(40_000) {
            program.print(chunk.to_vec()).await;
        }
        program
    });

    let mut seen = Sha256::new();
    let mut offset = 0_u64;
    let mut connections = 0;
    while offset < 50 * MIB as u64 {
        let mut viewer = node.attach_from(shell, 1, offset).await;
        assert_eq!(viewer.hello().offset, offset);
        connections += 1;
        // Twenty connections are cut in the middle of a frame's worth of data.
        let cut_at = if connections <= 20 {
            offset + 2 * MIB as u64
        } else {
            u64::MAX
        };
        while offset < (50 * MIB as u64).min(cut_at) {
            let (at, bytes) = viewer
                .find(|frame| match frame {
                    NodeFrame::Output { offset, bytes } => Some((offset, bytes)),
                    NodeFrame::Snapshot { .. } => panic!("the ring holds it all"),
                    _ => None,
                })
                .await;
            assert_eq!(at, offset);
            seen.update(&bytes);
            offset += bytes.len() as u64;
            viewer.send(ViewerFrame::Ack(offset)).await;
        }
        drop(viewer);
    }
    assert!(connections > 20, "{connections}");
    assert_eq!(offset, 50 * MIB as u64);
    assert_eq!(seen.finalize(), expected);
    printing.await.unwrap();
}

#[tokio::test]
async fn a_viewer_that_was_away_too_long_gets_the_screen() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, program) = node.shell().await;
    program.print("old\r\n").await;
    let mut viewer = node.attach(shell, 1).await;
    viewer.output_until(b"old").await;
    drop(viewer);
    program.print(vec![b'x'; 300 * 1024]).await;
    program.print("\r\nnew").await;
    until("drained", || {
        node.shells.list(node.vm_id)[0].offset > 300 * 1024
    })
    .await;
    let mut viewer = node.attach_from(shell, 1, 5).await;
    let drawn = viewer.output_until(b"new").await;
    assert!(drawn.len() < 200 * 1024, "{}", drawn.len());
}

#[tokio::test]
async fn a_viewer_on_a_slow_line_gets_the_screen_in_parts() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, program) = node.shell().await;
    let line = [&[b'x'; 78][..], b"\r\n"].concat();
    program.print(line.repeat(1_000)).await;
    program.print("new").await;
    let drained = || node.shells.list(node.vm_id)[0].offset == 80_003;
    until("drained", drained).await;
    // A busy machine draws more slowly than it drains; a snapshot is of what was drawn.
    let mut whole = node.attach(shell, 1).await.snapshot().await;
    let end = Instant::now() + PATIENCE;
    while whole.0 < 80_003 {
        assert!(Instant::now() < end, "drawn to {} alone", whole.0);
        tokio::time::sleep(Duration::from_millis(50)).await;
        whole = node.attach(shell, 1).await.snapshot().await;
    }
    let mut viewer = node.attach_with(shell, 2, "&parts=1").await;
    let (mut parts, mut drawn) = (0, Vec::new());
    let (offset, size, last) = loop {
        match viewer.next().await {
            Got::Frame(NodeFrame::SnapshotPart(part)) => {
                assert!(part.len() <= 8 * 1024, "{}", part.len());
                parts += 1;
                drawn.extend_from_slice(&part);
            }
            Got::Frame(NodeFrame::Snapshot {
                offset,
                size,
                bytes,
            }) => {
                break (offset, size, bytes);
            }
            other => panic!("{other:?} came amid a snapshot"),
        }
    };
    assert!(
        parts >= 8 && last.len() <= 8 * 1024,
        "{parts}, {}",
        last.len()
    );
    drawn.extend_from_slice(&last);
    assert_eq!((offset, size), (whole.0, whole.1));
    assert!(drawn == whole.2, "the parts are not the whole");

    program.print(vec![b'y'; 100_000]).await;
    until("drained", || {
        node.shells.list(node.vm_id)[0].offset == 180_003
    })
    .await;
    drop(viewer);
    let mut viewer = node.attach_with(shell, 2, "&parts=1&from=80003").await;
    let first = viewer.find(|frame| match frame {
        NodeFrame::Output { bytes, .. } => Some(bytes.len()),
        _ => None,
    });
    assert_eq!(first.await, 32 * 1024);
}

#[tokio::test]
async fn all_shells_of_a_node_together_keep_no_more_than_it_may() {
    const ALL: usize = 128 * 1024;
    const PRINTED: u64 = 100_000;
    let node = Node::start(ShellLimits {
        ring_bytes: ALL,
        rings_total_bytes: ALL,
        ..ShellLimits::default()
    })
    .await;
    let (shell, program) = node.shell().await;
    let offset = || {
        let shells = node.shells.list(node.vm_id);
        let found = shells.iter().find(|report| report.id == shell);
        found.map(|report| report.offset)
    };
    program.print(vec![b'x'; PRINTED as usize]).await;
    until("drained", || offset() == Some(PRINTED)).await;
    assert_eq!(node.attach_from(shell, 1, 0).await.hello().offset, 0);

    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(node.shell().await);
    }
    program.print("!").await;
    let end = PRINTED + 1;
    until("drained", || offset() == Some(end)).await;
    // A quarter for each of the four.
    let oldest = end - ALL as u64 / 4;
    let kept = node.attach_from(shell, 2, oldest).await;
    assert_eq!(kept.hello().offset, oldest, "the stream goes on");
    let lost = node.attach_from(shell, 3, oldest - 1).await;
    let goes_on = lost.hello().offset;
    assert!(goes_on >= oldest, "{goes_on}: the screen stands for it");
}

#[tokio::test]
async fn an_offset_that_never_was_gets_the_screen() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, program) = node.shell().await;
    program.print("hello").await;
    node.attach(shell, 2).await.output_until(b"hello").await;
    let mut viewer = node.attach_from(shell, 1, u64::MAX).await;
    let (offset, _, drawn) = viewer.snapshot().await;
    assert_eq!(offset, 5);
    assert!(String::from_utf8_lossy(&drawn).contains("hello"));
}

#[tokio::test]
async fn bytes_arrive_as_the_terminal_gave_them_however_they_are_cut() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, program) = node.shell().await;
    let mut viewer = node.attach(shell, 1).await;
    viewer.snapshot().await;
    let text = "é日本語👩‍🚀e\u{301}\x1b[31mred\x1b[m\u{0}\r\n".as_bytes();
    for byte in text {
        program.print(vec![*byte]).await;
    }
    program.print(&b"\xff\xfe\x80END"[..]).await;
    let got = viewer.output_until(b"END").await;
    assert_eq!(got, [text, b"\xff\xfe\x80END"].concat());
}

#[tokio::test]
async fn another_viewer_sees_the_same_shell_with_what_was_printed_meanwhile() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, mut program) = node.shell().await;
    program.print("\x1b]2;job\x07before\r\n").await;
    drop(node.attach(shell, 1).await);
    program.print("meanwhile\r\n").await;
    let mut other = node.attach(shell, 2).await;
    let drawn = other.output_until(b"meanwhile").await;
    let drawn = String::from_utf8_lossy(&drawn);
    assert!(
        drawn.contains("before") && drawn.contains("\x1b]2;job"),
        "{drawn:?}"
    );
    other.works(&mut program).await;
}

//! Figures of a shell in the node alone: memory, echo, throughput. They say nothing of a debug build on
//! a busy machine, so `script/bench` runs them, in a release build.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic
#![allow(dead_code)] // of the shared helpers only a part is used

#[path = "shell/support.rs"]
mod support;
#[path = "shell/viewer.rs"]
mod viewer;

use std::time::{Duration, Instant};

use node::shell::{ShellLimits, frame::NodeFrame, limits::Size, vt::Vt};
use support::Node;

/// Resident memory of this process that is not shared with files, KiB.
fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("RssAnon:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn text(bytes: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes + 80);
    let mut line = 0_u32;
    while text.len() < bytes {
        let words = "lorem ipsum dolor sit amet consectetur";
        text.extend_from_slice(
            format!("{line:>8} \x1b[3{}m{words}\x1b[m {line}\r\n", line % 8).as_bytes(),
        );
        line += 1;
    }
    text
}

#[test]
#[ignore = "a measurement; script/bench runs it"]
fn the_terminal_parser_keeps_up() {
    let text = text(20_000_000);
    for (what, text) in [("styled lines", text), ("yes", b"y\r\n".repeat(3_000_000))] {
        let mut vt = Vt::new(Size { cols: 80, rows: 24 }, &ShellLimits::default());
        let began = Instant::now();
        text.chunks(4096).for_each(|chunk| vt.feed(chunk));
        let speed = text.len() as f64 / began.elapsed().as_secs_f64() / 1e6;
        let began = Instant::now();
        let snapshot = vt.snapshot().bytes.len();
        println!(
            "VT: {what} at {speed:.1} MB/s; snapshot of {snapshot} bytes in {:?}",
            began.elapsed()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement; script/bench runs it"]
async fn a_shell_is_small() {
    const SHELLS: u64 = 200;
    // Those that wait for their turn say nothing for a while.
    let limits = ShellLimits {
        shells_per_vm: 1_000,
        silence: Duration::from_secs(600),
        ..ShellLimits::default()
    };
    let node = Node::start(limits).await;
    let before = memory_kib();
    let mut shells = Vec::new();
    for _ in 0..SHELLS {
        let (id, program) = node.shell().await;
        program.print("\x1b[1;32mweb1\x1b[m:~# ").await;
        let mut viewer = node.attach(id, 1).await;
        viewer.output_until(b"~# ").await;
        shells.push((id, program, viewer));
    }
    let at_rest = memory_kib().saturating_sub(before) / SHELLS;
    let output = text(10_000_000);
    for (_, program, viewer) in &mut shells[..50] {
        let print = async {
            for chunk in output.chunks(32 * 1024) {
                program.print(chunk.to_vec()).await;
            }
            program.print("the end").await;
        };
        tokio::join!(print, viewer.output_until(b"the end"));
    }
    let after = memory_kib().saturating_sub(before + at_rest * SHELLS) / 50 + at_rest;
    println!(
        "memory of a shell with a viewer, both ends: {at_rest} KiB at rest, {after} KiB after 10 MB"
    );
    assert!(at_rest <= 400, "{at_rest} KiB");
    assert!(after <= 1_024, "{after} KiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement; script/bench runs it"]
async fn a_key_is_echoed_at_once() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, mut program) = node.shell().await;
    let echo = tokio::spawn(async move {
        for _ in 0..3_000 {
            let key = program.read(1).await;
            program.print(key).await;
        }
    });
    let mut viewer = node.attach(shell, 1).await;
    viewer.snapshot().await;
    let mut times = Vec::new();
    for key in 0..3_000 {
        let began = Instant::now();
        viewer.type_at(key, "k").await;
        viewer
            .find(|frame| matches!(frame, NodeFrame::Output { .. }).then_some(()))
            .await;
        times.push(began.elapsed());
        viewer
            .send(node::shell::frame::ViewerFrame::Ack(key + 1))
            .await;
    }
    echo.await.unwrap();
    times.sort();
    let (p50, p95) = (times[times.len() / 2], times[times.len() * 95 / 100]);
    println!("echo through the node alone: p50 {p50:?}, p95 {p95:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement; script/bench runs it"]
async fn output_flows() {
    let node = Node::start(ShellLimits {
        ring_bytes: 64 << 20,
        ..ShellLimits::default()
    })
    .await;
    let (shell, program) = node.shell().await;
    let mut viewer = node.attach(shell, 1).await;
    let output = text(50_000_000);
    let began = Instant::now();
    let print = async {
        for chunk in output.chunks(32 * 1024) {
            program.print(chunk.to_vec()).await;
        }
    };
    let read = async {
        let mut seen = 0;
        while seen < output.len() as u64 {
            let (offset, bytes) = viewer.output().await;
            let begun = offset.saturating_sub(bytes.len() as u64);
            if offset / 100_000 != begun / 100_000 {
                viewer
                    .send(node::shell::frame::ViewerFrame::Ack(offset))
                    .await;
            }
            seen = offset;
        }
    };
    tokio::join!(print, read);
    let speed = output.len() as f64 / began.elapsed().as_secs_f64() / 1e6;
    println!("50 MB of text through the node alone: {speed:.1} MB/s");
}

//! Much output, few readers.

use std::time::{Duration, Instant};

use node::shell::{
    ShellLimits,
    frame::{NodeFrame, ViewerFrame},
    limits::Size,
    vt::Vt,
};

use uuid::Uuid;

use crate::support::{Node, Program};
use crate::viewer::{PATIENCE, until};

async fn flood(program: &Program, lines: std::ops::Range<u32>) {
    let mut text = Vec::new();
    for line in lines {
        text.extend_from_slice(
            format!("\x1b[3{}mline {line}\x1b[m of the flood\r\n", line % 8).as_bytes(),
        );
        if text.len() > 30_000 {
            program.print(std::mem::take(&mut text)).await;
        }
    }
    program.print(text).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_that_cannot_keep_up_skips_and_ends_on_the_same_screen() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, program) = node.shell().await;
    let mut viewer = node.attach(shell, 1).await;
    let printing = tokio::spawn(async move {
        flood(&program, 0..300_000).await;
        program.print("the end").await;
        program
    });

    let size = Size { cols: 80, rows: 24 };
    let mut terminal = Vt::new(size, &ShellLimits::default());
    let mut skips = -1_i32;
    let mut unacked = 0_u64;
    let mut acked = 0_u64;
    let mut idle_until = Instant::now();
    while !terminal.screen().contents().ends_with("the end") {
        let offset = match viewer.find(Some).await {
            NodeFrame::Snapshot { offset, bytes, .. } => {
                terminal = Vt::new(size, &ShellLimits::default());
                terminal.feed(&bytes);
                skips += 1;
                offset
            }
            NodeFrame::Output { offset, bytes } => {
                terminal.feed(&bytes);
                unacked = (offset + bytes.len() as u64) - acked;
                offset + bytes.len() as u64
            }
            _ => continue,
        };
        assert!(unacked <= 256 * 1024, "{unacked}");
        // A slow terminal: it parses a frame, then rests.
        if idle_until < Instant::now() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            idle_until = Instant::now() + Duration::from_millis(20);
        }
        acked = offset;
        viewer.send(ViewerFrame::Ack(offset)).await;
    }
    assert!(
        skips > 0,
        "10 MB through a ring of 256 KiB to a slow viewer must skip"
    );

    let mut whole = Vt::new(size, &ShellLimits::default());
    let mut text = Vec::new();
    for line in 298_000..300_000 {
        text.extend_from_slice(
            format!("\x1b[3{}mline {line}\x1b[m of the flood\r\n", line % 8).as_bytes(),
        );
    }
    whole.feed(&text);
    whole.feed(b"the end");
    assert_eq!(
        terminal.snapshot().bytes,
        whole.snapshot().bytes,
        "scrollback included"
    );
    printing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_runs_on_when_nobody_looks() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, program) = node.shell().await;
    let chunk = b"yes, and\r\n\r\n\r\n\r\n".repeat(2 * 1024);
    let began = Instant::now();
    for _ in 0..(64 * 1024 * 1024 / chunk.len()) {
        program.print(chunk.clone()).await;
    }
    println!("64 MiB were drained in {:?}", began.elapsed());
    until("drained", || {
        node.shells.list(node.vm_id)[0].offset == 64 * 1024 * 1024
    })
    .await;
    let mut viewer = node.attach(shell, 1).await;
    let mut seen = viewer.snapshot().await.0;
    while seen < 64 * 1024 * 1024 {
        seen = viewer.output().await.0;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_that_reads_nothing_slows_neither_the_program_nor_another_viewer() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, mut program) = node.shell().await;
    // These three never read again, and never acknowledge.
    let mut stuck = Vec::new();
    for client in 10..13 {
        stuck.push(node.attach(shell, client).await);
    }
    let mut viewer = node.attach(shell, 1).await;
    let printing = tokio::spawn(async move {
        flood(&program, 0..200_000).await;
        program.print("the end").await;
        program
    });
    viewer.output_until(b"the end").await;
    program = printing.await.unwrap();

    let mut times = Vec::new();
    for round in 0..50 {
        let began = Instant::now();
        viewer.type_at(round * 2, "k!").await;
        assert_eq!(program.read(2).await, b"k!");
        program.print(format!("<{round}>")).await;
        viewer.output_until(format!("<{round}>").as_bytes()).await;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    println!(
        "echoes beside three stuck viewers: median {:?}, slowest {:?}",
        times[25], times[49]
    );
    assert!(times[25] < Duration::from_secs(1), "{times:?}");
}

#[tokio::test]
async fn a_viewer_that_never_acknowledges_gets_a_quarter_of_a_mebibyte_and_no_more() {
    let limits = ShellLimits {
        ring_bytes: 8 * 1024 * 1024,
        ..ShellLimits::default()
    };
    let node = Node::start(limits).await;
    let (shell, program) = node.shell().await;
    let mut viewer = node.attach(shell, 1).await;
    viewer.snapshot().await;
    for _ in 0..100 {
        program.print(vec![b'z'; 20_000]).await;
    }
    let mut got = 0;
    while got < 256 * 1024 {
        got += viewer.output().await.1.len();
    }
    assert_eq!(got, 256 * 1024);
    let more = tokio::time::timeout(Duration::from_millis(300), viewer.output()).await;
    assert!(more.is_err(), "more came than may be unacknowledged");
    viewer.send(ViewerFrame::Ack(256 * 1024)).await;
    while got < 2_000_000 {
        let (offset, bytes) = tokio::time::timeout(PATIENCE, viewer.output())
            .await
            .unwrap();
        got += bytes.len();
        viewer.send(ViewerFrame::Ack(offset)).await;
    }
    assert_eq!(
        got, 2_000_000,
        "after the acknowledgement the rest comes, and nothing is missing"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shell_is_drained_and_drawn_while_its_neighbour_draws_what_costs_much() {
    const FLOOD: u64 = 512 * 1024;
    let node = Node::start(ShellLimits::default()).await;
    let costly = Uuid::now_v7();
    node.create(costly, 500, 500).await;
    let program = node.program();
    // Four bytes that clear 250,000 cells, without an end.
    let clearing = tokio::spawn(async move {
        for _ in 0..10_000 {
            program.print(b"\x1b[2J".repeat(8 * 1024)).await;
        }
    });
    let drained = |shell: Uuid| {
        let shells = node.shells.list(node.vm_id);
        let found = shells.iter().find(|report| report.id == shell);
        found.map_or(0, |report| report.offset)
    };
    until("it clears", || drained(costly) > 0).await;

    let (shell, program) = node.shell().await;
    let began = Instant::now();
    // Not to be passed over: each line goes home first.
    let line = format!("\x1b[H{:<60}", "a line");
    let text = line.repeat(32 * 1024 / line.len());
    let mut printed = 0;
    while printed < FLOOD {
        program.print(text.clone()).await;
        printed += text.len() as u64;
    }
    until("drained", || drained(shell) == printed).await;
    let (drained_after, began) = (began.elapsed(), Instant::now());
    let mut viewer = node.attach_with(costly, 1, "&cols=500&rows=500").await;
    viewer.snapshot().await;
    println!("beside a costly screen {printed} bytes were drained in {drained_after:?}");
    println!("a snapshot of that took {:?}", began.elapsed());
    // In one go its neighbour's 256 KiB take minutes.
    assert!(drained_after < Duration::from_secs(30), "{drained_after:?}");
    clearing.abort();
}

//! One viewer owns the size.

use node::shell::{
    ShellLimits,
    frame::{NodeFrame, ViewerFrame},
    limits::Size,
};

use crate::support::Node;
use crate::viewer::{Viewer, until};

async fn told(viewer: &mut Viewer) -> (Size, bool) {
    viewer
        .find(|frame| match frame {
            NodeFrame::Size { size, owner } => Some((size, owner)),
            _ => None,
        })
        .await
}

fn size(cols: u16, rows: u16) -> Size {
    Size { cols, rows }
}

#[tokio::test]
async fn the_first_viewer_sizes_the_terminal_and_the_second_does_not() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, program) = node.shell().await;
    let mut first = node.attach_with(shell, 1, "&cols=100&rows=30").await;
    assert!(first.hello().owner);
    // A size that is asked for at the start is set once more later.
    until("sized", || {
        program.control.sizes().starts_with(&[(80, 24), (100, 30)])
    })
    .await;
    let mut second = node.attach_with(shell, 2, "&cols=60&rows=20").await;
    assert!(!second.hello().owner);
    assert_eq!((second.hello().cols, second.hello().rows), (100, 30));
    second
        .send(ViewerFrame::Resize { cols: 61, rows: 21 })
        .await;
    first
        .send(ViewerFrame::Resize {
            cols: 101,
            rows: 31,
        })
        .await;
    assert_eq!(told(&mut second).await, (size(101, 31), false));

    second.send(ViewerFrame::TakeSize).await;
    assert_eq!(told(&mut second).await, (size(61, 21), true));
    assert_eq!(told(&mut first).await, (size(101, 31), true));
    assert_eq!(told(&mut first).await, (size(61, 21), false));
    until("sized", || {
        program.control.sizes().last() == Some(&(61, 21))
    })
    .await;

    drop(second);
    assert_eq!(told(&mut first).await, (size(101, 31), true));
}

#[tokio::test]
async fn impossible_sizes_are_clamped() {
    let node = Node::start(ShellLimits::default()).await;
    let id = uuid::Uuid::now_v7();
    let report = node.create(id, 65_535, 0).await;
    assert_eq!((report.cols, report.rows), (500, 1));
    let program = node.program();
    assert_eq!(program.control.sizes(), [(500, 1)]);
    let mut viewer = node.attach_with(id, 1, "&cols=65535&rows=65535").await;
    until("clamped", || {
        program.control.sizes().last() == Some(&(500, 500))
    })
    .await;
    viewer.send(ViewerFrame::Resize { cols: 0, rows: 0 }).await;
    until("clamped", || {
        program.control.sizes().last() == Some(&(1, 1))
    })
    .await;
    program.print("a").await;
    viewer.output_until(b"a").await;
}

#[tokio::test]
async fn a_snapshot_tells_the_size_it_was_drawn_at() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, program) = node.shell().await;
    let _owner = node.attach_with(shell, 1, "&cols=120&rows=40").await;
    until("sized", || program.control.sizes().len() >= 2).await;
    let mut viewer = node.attach_with(shell, 2, "&cols=80&rows=24").await;
    assert_eq!(viewer.snapshot().await.1, size(120, 40));
}

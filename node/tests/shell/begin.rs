//! A shell begins with the size of its first viewer.

use std::{sync::Mutex, time::Duration};

use node::shell::{ShellLimits, limits::Size};
use node_api::{error::NodeErrorCode, shell::ShellCreate, vm::PowerState};
use uuid::Uuid;

use crate::{
    support::{FakeDriver, Node},
    viewer::until,
};

/// So long that it is not over within a test.
const HOUR: Duration = Duration::from_secs(3600);

/// How long a new shell waits for its first viewer's size.
fn first_viewer(first_viewer: Duration) -> ShellLimits {
    ShellLimits {
        first_viewer,
        ..ShellLimits::default()
    }
}

impl Node {
    fn opened(&self) -> u32 {
        *self.driver.opened.lock().unwrap()
    }
}

#[tokio::test]
async fn a_new_shell_begins_with_its_first_viewers_size() {
    let node = Node::start(first_viewer(HOUR)).await;
    let shell = node.waiting().await;
    assert_eq!(node.opened(), 0);
    assert_eq!(node.shells.list(node.vm_id).len(), 1);
    let mut viewer = node.attach_with(shell, 1, "&cols=132&rows=43").await;
    assert_eq!((viewer.hello().cols, viewer.hello().rows), (132, 43));
    let size = viewer.snapshot().await.1;
    assert_eq!((size.cols, size.rows), (132, 43));
    until("opened", || node.opened() == 1).await;
    let mut program = node.program();
    viewer.works(&mut program).await;
    assert_eq!(
        program.control.sizes(),
        [(132, 43)],
        "no other size before or after"
    );
}

#[tokio::test]
async fn without_a_viewer_it_begins_after_a_while_and_a_watcher_sizes_nothing() {
    let watching = "&cols=33&rows=11&watch=1";
    let patient = Node::start(first_viewer(HOUR)).await;
    let shell = patient.waiting().await;
    let _watcher = patient.attach_with(shell, 2, watching).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(patient.opened(), 0);

    let node = Node::start(first_viewer(Duration::from_secs(1))).await;
    let shell = node.waiting().await;
    let watcher = node.attach_with(shell, 2, watching).await;
    until("opened", || node.opened() == 1).await;
    let program = node.program();
    assert_eq!(program.control.sizes(), [(80, 24)]);
    drop(watcher);
    let viewer = node.attach_with(shell, 1, "&cols=100&rows=30").await;
    until("sized", || program.control.sizes().ends_with(&[(100, 30)])).await;
    drop(viewer);
}

#[tokio::test]
async fn a_size_that_changes_while_it_opens_is_set_after() {
    let driver = FakeDriver {
        open_delay: Duration::from_millis(200),
        ..FakeDriver::default()
    };
    let node = Node::with_driver(ShellLimits::default(), driver).await;
    let shell = node.waiting().await;
    let mut viewer = node.attach_with(shell, 1, "&cols=100&rows=30").await;
    let (cols, rows) = (101, 31);
    viewer
        .send(node::shell::frame::ViewerFrame::Resize { cols, rows })
        .await;
    viewer.type_at(0, "early").await;
    until("opened", || node.opened() == 1).await;
    let mut program = node.program();
    until("sized", || program.control.sizes().ends_with(&[(101, 31)])).await;
    assert_eq!(program.read(5).await, b"early");
    program.print("x").await;
    viewer.output_until(b"x").await;
    let mut other = node.attach_with(shell, 2, "").await;
    assert_eq!(other.snapshot().await.1, Size { cols, rows });
}

#[tokio::test]
async fn one_that_is_closed_before_it_began_never_begins() {
    let node = Node::start(first_viewer(Duration::from_secs(4))).await;
    let shell = node.waiting().await;
    node.shells.close(shell).await.unwrap();
    assert!(node.shells.list(node.vm_id).is_empty());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(node.opened(), 0);
}

#[tokio::test]
async fn one_that_is_closed_while_it_opens_is_ended() {
    let driver = FakeDriver {
        open_delay: Duration::from_millis(300),
        ..FakeDriver::default()
    };
    let node = Node::with_driver(ShellLimits::default(), driver).await;
    let shell = node.waiting().await;
    let mut viewer = node.attach(shell, 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    node.shells.close(shell).await.unwrap();
    assert_eq!(viewer.closed().await, 4001);
    assert_eq!(node.program().control.killed(), 1);
    assert!(node.shells.list(node.vm_id).is_empty());
}

/// A shell that waits for its first viewer, and that the engine will refuse.
async fn refused_once() -> (Node, Uuid) {
    let driver = FakeDriver {
        refuse: Mutex::new(1),
        ..FakeDriver::default()
    };
    let node = Node::with_driver(ShellLimits::default(), driver).await;
    let shell = node.waiting().await;
    (node, shell)
}

#[tokio::test]
async fn one_that_does_not_begin_because_its_vm_stopped_meanwhile_ends_as_with_its_vm() {
    let (node, shell) = refused_once().await;
    *node.driver.power.lock().unwrap() = Ok(PowerState::Exited);
    let mut viewer = node.attach(shell, 1).await;
    assert_eq!(viewer.closed().await, 4010);
}

#[tokio::test]
async fn what_does_not_begin_says_why() {
    let (node, shell) = refused_once().await;
    let mut viewer = node.attach(shell, 1).await;
    let (code, why) = viewer.closed_because().await;
    assert_eq!(code, 4004);
    assert!(why.contains("the VM does not run"), "{why}");
    let listed = node.shells.list(node.vm_id);
    assert_eq!((listed.len(), listed[0].lives()), (1, false), "{listed:?}");
    *node.driver.power.lock().unwrap() = Ok(PowerState::Exited);
    let mut request = ShellCreate::new(Uuid::now_v7(), 80, 24);
    request.at_first_attach = true;
    let refused = node.shells.create(node.vm_id, request).await.unwrap_err();
    assert_eq!(refused.code, NodeErrorCode::Conflict);
}

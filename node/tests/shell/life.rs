//! How shells begin and end.

use std::{sync::Mutex, time::Duration};

use node::{
    driver::DriverEvent,
    shell::{
        ShellLimits,
        frame::{NodeFrame, ViewerFrame},
    },
};
use node_api::{error::NodeErrorCode, event::NodeEventKind, shell::ShellCreate, vm::PowerState};
use uuid::Uuid;

use crate::support::{FakeDriver, Node};
use crate::viewer::{Got, until};

#[tokio::test]
async fn viewers_learn_the_exit_code_now_and_later() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, mut program) = node.shell().await;
    let mut viewer = node.attach(shell, 1).await;
    program.print("bye\r\n").await;
    program.exit(42);
    viewer.output_until(b"bye").await;
    assert_eq!(
        viewer.next_but_viewers().await,
        Got::Frame(NodeFrame::Exit(42))
    );
    assert_eq!(viewer.closed().await, 4001);
    assert_eq!(node.shells.list(node.vm_id)[0].exit_code, Some(42));
    assert_eq!(node.shells.count(), 0);

    let mut late = node.attach(shell, 2).await;
    late.type_at(0, "too late").await;
    late.output_until(b"bye").await;
    assert_eq!(
        late.next_but_viewers().await,
        Got::Frame(NodeFrame::Exit(42))
    );
    assert_eq!(late.closed().await, 4001);
}

impl crate::viewer::Viewer {
    /// The close code and its words, after whatever else comes.
    async fn words(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Got::Frame(_) => {}
                Got::Closed(code, words) => return (code, words),
                Got::Cut => panic!("cut without a word"),
            }
        }
    }

    async fn next_but_viewers(&mut self) -> Got {
        loop {
            match self.next().await {
                Got::Frame(NodeFrame::Viewers(_)) => {}
                other => return other,
            }
        }
    }
}

#[tokio::test]
async fn all_output_comes_before_the_exit() {
    let node = Node::start(ShellLimits {
        ring_bytes: 4 << 20,
        ..ShellLimits::default()
    })
    .await;
    let (shell, mut program) = node.shell().await;
    let mut viewer = node.attach(shell, 1).await;
    viewer.snapshot().await;
    for _ in 0..30 {
        program.print(vec![b'o'; 50_000]).await;
    }
    program.exit(0);
    let mut got = 0;
    loop {
        match viewer.next().await {
            Got::Frame(NodeFrame::Output { offset, bytes }) => {
                got += bytes.len();
                viewer
                    .send(ViewerFrame::Ack(offset + bytes.len() as u64))
                    .await;
            }
            Got::Frame(NodeFrame::Exit(0)) => break,
            Got::Frame(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(got, 1_500_000);
}

#[tokio::test]
async fn closing_kills_once_and_is_harmless_again() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, program) = node.shell().await;
    let mut viewer = node.attach(shell, 1).await;
    node.shells.close(shell).await.unwrap();
    assert_eq!(viewer.closed().await, 4001);
    assert_eq!(program.control.killed(), 1);
    assert!(node.shells.list(node.vm_id).is_empty());
    node.shells.close(shell).await.unwrap();
    node.shells.close(Uuid::now_v7()).await.unwrap();
    assert_eq!(
        node.connect(shell, "client=0000000000000001")
            .await
            .closed()
            .await,
        4004
    );
}

#[tokio::test]
async fn a_shell_of_a_stopped_vm_says_so() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, mut program) = node.shell().await;
    let mut viewer = node.attach(shell, 1).await;
    *node.driver.power.lock().unwrap() = Ok(PowerState::Exited);
    program.exit(137);
    assert_eq!(viewer.closed().await, 4010);
    assert!(node.shells.list(node.vm_id).is_empty());
    assert_eq!(node.attach(shell, 1).await.closed().await, 4010);
}

#[tokio::test]
async fn a_shell_of_a_deleted_vm_says_so() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, mut program) = node.shell().await;
    let mut viewer = node.attach(shell, 1).await;
    *node.driver.power.lock().unwrap() = Err(NodeErrorCode::NotFound);
    program.exit(137);
    assert_eq!(viewer.closed().await, 4003);
}

#[tokio::test]
async fn stopping_a_vm_ends_its_shells_though_their_terminals_do_not() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, _program) = node.shell().await;
    let mut viewer = node.attach(shell, 1).await;
    node.shells.vm_stopped(Uuid::now_v7());
    node.shells.vm_stopped(node.vm_id);
    assert_eq!(viewer.closed().await, 4010);
    until("ended", || node.shells.count() == 0).await;
}

#[tokio::test]
async fn creating_twice_makes_one_shell() {
    let driver = FakeDriver {
        open_delay: Duration::from_millis(50),
        ..FakeDriver::default()
    };
    let node = Node::with_driver(ShellLimits::default(), driver).await;
    let id = Uuid::now_v7();
    let (a, b, c) = tokio::join!(
        node.create(id, 80, 24),
        node.create(id, 80, 24),
        node.create(id, 80, 24)
    );
    assert_eq!((a.id, b.id, c.id), (id, id, id));
    assert_eq!(*node.driver.opened.lock().unwrap(), 1);
    assert_eq!(node.create(id, 80, 24).await.created_at, a.created_at);
    let other = ShellCreate::new(id, 80, 24);
    let refused = node.shells.create(Uuid::now_v7(), other).await.unwrap_err();
    assert_eq!(refused.code, NodeErrorCode::Conflict);
}

#[tokio::test]
async fn a_shell_is_made_to_the_end_though_its_caller_went_away() {
    let driver = FakeDriver {
        open_delay: Duration::from_secs(2),
        ..FakeDriver::default()
    };
    let node = Node::with_driver(ShellLimits::default(), driver).await;
    let id = Uuid::now_v7();
    let gone = tokio::time::timeout(Duration::from_millis(20), node.create(id, 80, 24)).await;
    assert!(gone.is_err());
    until("made", || node.shells.list(node.vm_id).len() == 1).await;
    node.shells.close(id).await.unwrap();
}

#[tokio::test]
async fn a_shell_that_nobody_uses_is_closed_and_an_ended_one_forgotten() {
    let limits = ShellLimits {
        idle: Duration::from_secs(5),
        ended_kept: Duration::from_secs(5),
        ..ShellLimits::default()
    };
    let node = Node::start(limits).await;
    let (watched, watched_program) = node.shell().await;
    let _viewer = node.attach(watched, 1).await;
    let (idle, idle_program) = node.shell().await;
    let (ended, mut ended_program) = node.shell().await;
    ended_program.exit(0);
    until("closed", || idle_program.control.killed() == 1).await;
    let left = || {
        node.shells
            .list(node.vm_id)
            .iter()
            .map(|s| s.id)
            .collect::<Vec<_>>()
    };
    until("forgotten", || left() == [watched]).await;
    assert_eq!(watched_program.control.killed(), 0);
    let why = "it was closed because nobody had used it for 5 s";
    assert_eq!(node.refused(idle).await, (4004, why.to_owned()));
    let (code, words) = node.refused(ended).await;
    assert_eq!(code, 4004);
    assert!(words.contains("it has ended"), "{words}");
}

#[tokio::test]
async fn a_shell_that_was_closed_for_nobody_used_it_says_so_and_is_told_to_have_ended() {
    let limits = ShellLimits {
        idle: Duration::from_secs(2),
        ..ShellLimits::default()
    };
    let node = Node::start(limits).await;
    let mut events = node.shells.events();
    let (shell, program) = node.shell().await;
    until("closed", || program.control.killed() == 1).await;
    until("ended", || node.shells.count() == 0).await;
    let why = "it was closed because nobody had used it for 2 s";
    let listed = node.shells.list(node.vm_id);
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].id, listed[0].exit_code, listed[0].lost.as_deref()),
        (shell, None, Some(why))
    );
    let mut viewer = node.attach(shell, 1).await;
    assert_eq!(viewer.words().await, (4004, why.to_owned()));
    for kind in [NodeEventKind::ShellOpened, NodeEventKind::ShellLost] {
        assert_eq!(events.recv().await.unwrap().kind, kind);
    }
}

impl Node {
    /// What a viewer is told that is not let in.
    async fn refused(&self, shell: Uuid) -> (u16, String) {
        let mut viewer = self.connect(shell, "client=0000000000000001").await;
        viewer.words().await
    }
}

#[tokio::test]
async fn openings_and_ends_are_told() {
    let node = Node::start(ShellLimits::default()).await;
    let mut events = node.shells.events();
    let (_, mut program) = node.shell().await;
    let event = |kind| DriverEvent {
        vm_id: node.vm_id,
        kind,
    };
    assert_eq!(
        events.recv().await.unwrap(),
        event(NodeEventKind::ShellOpened)
    );
    program.exit(0);
    assert_eq!(
        events.recv().await.unwrap(),
        event(NodeEventKind::ShellClosed)
    );
}

#[tokio::test]
async fn when_the_node_ends_its_shells_end_with_a_word_why() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, program) = node.shell().await;
    let mut viewer = node.attach(shell, 1).await;
    node.shells.shutdown().await;
    assert_eq!(program.control.killed(), 1);
    loop {
        match viewer.next().await {
            Got::Frame(_) => {}
            Got::Closed(code, reason) => {
                assert_eq!(code, 4004);
                assert!(reason.contains("node was restarted"), "{reason}");
                break;
            }
            Got::Cut => panic!("cut without a word"),
        }
    }
}

#[tokio::test]
async fn a_vm_has_so_many_shells_and_a_refused_one_leaves_no_trace() {
    let limits = ShellLimits {
        shells_per_vm: 2,
        ..ShellLimits::default()
    };
    let node = Node::start(limits).await;
    let (first, _a) = node.shell().await;
    let (_, _b) = node.shell().await;
    let third = ShellCreate::new(Uuid::now_v7(), 80, 24);
    let refused = node
        .shells
        .create(node.vm_id, third.clone())
        .await
        .unwrap_err();
    assert_eq!(refused.code, NodeErrorCode::TooMany);
    assert_eq!(node.shells.list(node.vm_id).len(), 2);
    node.shells.close(first).await.unwrap();
    node.shells.create(node.vm_id, third).await.unwrap();
}

#[tokio::test]
async fn a_shell_that_the_engine_refuses_can_be_asked_for_again() {
    let driver = FakeDriver {
        refuse: Mutex::new(1),
        ..FakeDriver::default()
    };
    let node = Node::with_driver(ShellLimits::default(), driver).await;
    let request = ShellCreate::new(Uuid::now_v7(), 80, 24);
    let refused = node
        .shells
        .create(node.vm_id, request.clone())
        .await
        .unwrap_err();
    assert_eq!(refused.code, NodeErrorCode::Conflict);
    assert!(node.shells.list(node.vm_id).is_empty());
    node.shells.create(node.vm_id, request).await.unwrap();
    assert_eq!(node.shells.list(node.vm_id).len(), 1);
}

#[tokio::test]
async fn of_many_shells_that_ended_only_the_newest_are_kept() {
    let limits = ShellLimits {
        ended_per_vm: 3,
        ..ShellLimits::default()
    };
    let node = Node::start(limits).await;
    let (living, _program) = node.shell().await;
    let mut ended = Vec::new();
    for _ in 0..8 {
        let (id, mut program) = node.shell().await;
        program.exit(0);
        until("ended", || node.shells.count() == 1).await;
        ended.push(id);
    }
    // One more than are kept: they are counted when the next one begins.
    let kept: Vec<_> = node.shells.list(node.vm_id).iter().map(|s| s.id).collect();
    let expected: Vec<_> = std::iter::once(living).chain(ended.split_off(4)).collect();
    assert_eq!(kept, expected);
}

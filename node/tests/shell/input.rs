//! What is typed arrives in order and exactly once.

use node::shell::{ShellLimits, frame::ViewerFrame};
use sha2::{Digest, Sha256};
use tokio::{io::AsyncReadExt, time::timeout};

use crate::{
    support::Node,
    viewer::{Got, PATIENCE, until},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_megabyte_pasted_through_ten_disconnects_arrives_exactly_once() {
    const PASTE: usize = 1024 * 1024;
    const FRAME: usize = 5_000;
    let node = Node::start(ShellLimits::default()).await;
    let (shell, mut program) = node.shell().await;
    let paste: Vec<u8> = (0..PASTE).map(|at| (at * 31 % 251) as u8).collect();
    let expected = Sha256::digest(&paste);
    let reading = tokio::spawn(async move {
        let mut read = vec![0; PASTE];
        program.typed.read_exact(&mut read).await.unwrap();
        (read, program)
    });

    let mut disconnects = 0;
    let mut sent = 0;
    loop {
        let mut viewer = node.attach(shell, 1).await;
        let taken = viewer.hello().input_offset as usize;
        assert!(taken <= sent, "the node cannot have more than was sent");
        sent = taken;
        let stop = if disconnects < 10 {
            sent + PASTE / 11
        } else {
            PASTE
        };
        while sent < PASTE.min(stop) {
            let end = PASTE.min(sent + FRAME);
            viewer.type_at(sent as u64, paste[sent..end].to_vec()).await;
            sent = end;
        }
        if sent == PASTE {
            assert_eq!(viewer.input_ack(PASTE as u64).await, PASTE as u64);
            break;
        }
        // Cut with frames on the way, and with some that were taken but never acknowledged.
        disconnects += 1;
        drop(viewer);
    }
    assert_eq!(disconnects, 10);
    let (read, mut program) = reading.await.unwrap();
    assert_eq!(Sha256::digest(&read), expected);
    assert_eq!(
        program.read_some().await,
        b"",
        "nothing comes after the paste"
    );
}

#[tokio::test]
async fn resent_input_is_dropped_by_offset() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, mut program) = node.shell().await;
    let mut viewer = node.attach(shell, 1).await;
    viewer.type_at(0, "echo ").await;
    viewer.type_at(0, "echo one").await;
    viewer.type_at(3, "o one\r").await;
    assert_eq!(viewer.input_ack(9).await, 9);
    assert_eq!(program.read(9).await, b"echo one\r");
    assert_eq!(program.read_some().await, b"");
}

#[tokio::test]
async fn two_clients_have_offsets_of_their_own() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, mut program) = node.shell().await;
    let (mut one, mut two) = (node.attach(shell, 1).await, node.attach(shell, 2).await);
    one.type_at(0, "aaa").await;
    one.input_ack(3).await;
    two.type_at(0, "bbb").await;
    two.input_ack(3).await;
    assert_eq!(program.read(6).await, b"aaabbb");
    assert_eq!(node.attach(shell, 2).await.hello().input_offset, 3);
    assert_eq!(node.attach(shell, 3).await.hello().input_offset, 0);
}

#[tokio::test]
async fn a_gap_in_the_input_is_malformed() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, mut program) = node.shell().await;
    let mut viewer = node.attach(shell, 1).await;
    viewer.type_at(7, "lost the beginning").await;
    assert_eq!(viewer.closed().await, 4400);
    assert_eq!(program.read_some().await, b"");
}

#[tokio::test]
async fn more_than_a_mebibyte_that_nobody_reads_is_refused_and_output_still_flows() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, program) = node.shell().await;
    let mut typist = node.attach(shell, 1).await;
    for frame in 0..16 {
        typist.type_at(frame * 65_536, vec![b'x'; 65_536]).await;
    }
    // The program reads nothing; keys wait, acknowledgements and output do not.
    program.print("still here").await;
    typist.output_until(b"still here").await;
    // A few KiB are in the terminal by now: twice as much as that is too much for sure.
    typist.type_at(16 * 65_536, vec![b'x'; 65_536]).await;
    let (code, reason) = typist.closed_because().await;
    assert_eq!(code, 1013, "nothing is lost: it may come back");
    assert!(reason.contains("1048576 bytes"), "{reason}");
}

#[tokio::test]
async fn who_comes_back_learns_how_much_waits_and_may_fill_the_rest() {
    const WINDOW: u64 = 100_000;
    let node = Node::start(ShellLimits {
        unwritten_input_bytes: WINDOW,
        ..ShellLimits::default()
    })
    .await;
    let (shell, mut program) = node.shell().await;
    let mut viewer = node.attach(shell, 1).await;
    // The program reads nothing: all of it waits, whatever the terminal has of it.
    viewer.type_at(0, vec![b'x'; 60_000]).await;
    viewer.is_heard().await;
    drop(viewer);
    let mut viewer = node.attach(shell, 1).await;
    assert_eq!(viewer.hello().input_offset, 60_000);
    assert_eq!(viewer.hello().input_written, 0);
    viewer.type_at(60_000, vec![b'x'; 40_000]).await;
    viewer.is_heard().await;
    program.read(WINDOW as usize).await;
    viewer.input_ack(WINDOW).await;
    let mut again = node.attach(shell, 1).await;
    assert_eq!(again.hello().input_written, WINDOW);
    again.type_at(WINDOW, "!").await;
    assert_eq!(program.read(1).await, b"!");
}

#[tokio::test]
async fn names_that_come_and_go_let_no_more_wait_than_is_counted() {
    const EACH: usize = 6_000;
    let node = Node::start(ShellLimits {
        clients: 4,
        ..ShellLimits::default()
    })
    .await;
    let (shell, mut program) = node.shell().await;
    for client in 1..=4 {
        let mut viewer = node.attach(shell, client).await;
        viewer.type_at(0, vec![b'x'; EACH]).await;
        viewer.is_heard().await;
        drop(viewer);
        until("it left", || node.shells.list(node.vm_id)[0].viewers == 0).await;
    }
    let mut late = node.connect(shell, "client=0000000000000005").await;
    let (code, reason) = late.closed_because().await;
    assert_eq!(code, 1013);
    assert!(reason.contains("input is full"), "{reason}");
    // Those who are known come back.
    assert_eq!(
        node.attach(shell, 2).await.hello().input_offset,
        EACH as u64
    );
    program.read(4 * EACH).await;
    let coming = async {
        loop {
            let mut late = node.connect(shell, "client=0000000000000005").await;
            match late.next().await {
                Got::Frame(_) => return,
                Got::Closed(1013, _) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    timeout(PATIENCE, coming).await.unwrap();
}

#[tokio::test]
async fn a_newer_connection_of_the_same_client_replaces_the_older_one() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, mut program) = node.shell().await;
    let mut old = node.attach(shell, 1).await;
    let mut new = node.attach(shell, 1).await;
    new.works(&mut program).await;
    old.type_at(0, "ghost").await;
    assert_eq!(old.closed().await, 4409);
    assert_eq!(program.read_some().await, b"");
}

#[tokio::test]
async fn who_may_only_watch_changes_nothing() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, mut program) = node.shell().await;
    let mut watcher = node.attach_with(shell, 1, "&cols=33&rows=11&watch=1").await;
    watcher.type_at(0, "rm -rf /\r").await;
    watcher
        .send(ViewerFrame::Resize { cols: 99, rows: 9 })
        .await;
    watcher.send(ViewerFrame::TakeSize).await;
    program.print("visible").await;
    watcher.output_until(b"visible").await;
    assert!(!watcher.hello().owner);
    assert_eq!(program.read_some().await, b"");
    assert_eq!(program.control.sizes(), [(80, 24)]);
}

#[tokio::test]
async fn however_many_names_others_come_under_the_owner_goes_on_where_it_was() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, mut program) = node.shell().await;
    let viewers = || node.shells.list(node.vm_id)[0].viewers;
    let mut owner = node.attach(shell, 1).await;
    let _heir = node.attach(shell, 2).await;
    owner.type_at(0, "abc").await;
    assert_eq!(program.read(3).await, b"abc");
    for client in 3..80 {
        drop(node.attach_with(shell, client, "&watch=1").await);
        drop(node.attach(shell, client).await);
        until("they left", || viewers() == 2).await;
    }
    let again = node.attach(shell, 1).await;
    assert_eq!(again.hello().input_offset, 3);
    drop((owner, again));
    until("the owner left", || viewers() == 1).await;
    // Away, it is still the one to whom the size goes back.
    for client in 100..180 {
        drop(node.attach(shell, client).await);
        until("they left", || viewers() == 1).await;
    }
    let mut back = node.attach(shell, 1).await;
    assert!(back.hello().owner);
    back.type_at(3, "d").await;
    assert_eq!(program.read(1).await, b"d");
}

#[tokio::test]
async fn who_watches_under_the_owners_name_does_not_replace_it() {
    let node = Node::start(ShellLimits::default()).await;
    let (shell, mut program) = node.shell().await;
    let mut owner = node.attach(shell, 1).await;
    let watcher = node.attach_with(shell, 1, "&watch=1").await;
    assert_eq!(watcher.hello().input_offset, 0);
    owner.works(&mut program).await;
}

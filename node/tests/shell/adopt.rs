//! Shells that are not taken up at once when their node begins again.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use node::{
    hold::{self, wire},
    shell::{ShellLimits, ShellRegistry},
};
use node_api::{error::NodeErrorCode, shell::ShellCreate};
use tokio::{
    io::AsyncWriteExt,
    net::{UnixListener, UnixStream},
    task::JoinHandle,
};
use uuid::Uuid;

use crate::{
    holding::{Holder, registry, socket},
    support::{FakeDriver, Program, VM},
    viewer::{Got, Viewer, serve, until},
};

/// A holder, and what a first life of its node has left there.
struct Left {
    holder: Holder,
    shells: Vec<(Uuid, Program)>,
}

impl Left {
    async fn shells(count: usize) -> Self {
        let driver = FakeDriver {
            sessions: Mutex::new(Some(Vec::new())),
            ..FakeDriver::default()
        };
        let holder = Holder::with_driver(hold::Limits::default(), driver);
        let folder = holder.folder.path();
        let node = registry(&holder.driver, ShellLimits::default(), folder);
        node.adopt().await;
        let mut shells = Vec::new();
        for at in 0..count {
            let id = Uuid::now_v7();
            let request = ShellCreate::new(id, 80, 24);
            node.create(VM, request).await.unwrap();
            let program = holder.program();
            program.print(format!("shell {at}.")).await;
            shells.push((id, program));
        }
        node.shutdown().await;
        Self { holder, shells }
    }

    /// The node's next life, and the taking up of what it finds by this way.
    fn begin(&self, way: &Path) -> (Arc<ShellRegistry>, JoinHandle<()>) {
        let node = registry(&self.holder.driver, ShellLimits::default(), way);
        let adopting = node.clone();
        let adopting = tokio::spawn(async move { adopting.adopt().await });
        (node, adopting)
    }
}

/// What makes a way to the holder fail.
#[derive(Clone, Default)]
struct Faults {
    /// It says nothing.
    is_silent: Arc<AtomicBool>,
    /// It gives this shell to nobody.
    keeps: Option<Uuid>,
    is_kept: Arc<AtomicBool>,
}

/// A way to the holder, in a folder of its own.
fn way(holder: &Path, faults: &Faults) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(socket(folder.path())).unwrap();
    let (holder, faults) = (socket(holder), faults.clone());
    tokio::spawn(async move {
        while let Ok((node, _)) = listener.accept().await {
            let holder = UnixStream::connect(&holder).await.unwrap();
            tokio::spawn(pass(node, holder, faults.clone()));
        }
    });
    folder
}

async fn pass(mut node: UnixStream, mut holder: UnixStream, faults: Faults) {
    if faults.is_silent.load(Ordering::Acquire) {
        return;
    }
    let (from_node, mut to_node) = node.split();
    let (mut from_holder, mut to_holder) = holder.split();
    let asking = async {
        let mut frames = wire::Frames::new(from_node);
        while let Ok(Some(frame)) = frames.next::<wire::ToHolder>().await {
            if let wire::ToHolder::Attach { shell, .. } = &frame
                && faults.keeps == Some(*shell)
                && faults.is_kept.load(Ordering::Acquire)
            {
                return;
            }
            let frame = wire::encoded(&frame);
            if to_holder.write_all(&frame).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = asking => {}
        _ = tokio::io::copy(&mut from_holder, &mut to_node) => {}
    }
}

async fn refused(address: SocketAddr, shell: Uuid) -> u16 {
    let mut viewer = Viewer::connect(address, shell, "client=0000000000000001").await;
    match viewer.next().await {
        Got::Closed(code, _) => code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_shells_one_that_is_not_taken_up_at_once_lives_and_is_taken_up_later() {
    let left = Left::shells(20).await;
    let late = left.shells[7].0;
    let stray = Uuid::now_v7().simple().to_string();
    let marks = left.shells.iter().map(|(id, _)| id.simple().to_string());
    let driver = &left.holder.driver;
    *driver.sessions.lock().unwrap() = Some(marks.chain([stray.clone()]).collect());
    let faults = Faults {
        keeps: Some(late),
        ..Faults::default()
    };
    faults.is_kept.store(true, Ordering::Release);
    let folder = way(left.holder.folder.path(), &faults);

    let (node, adopting) = left.begin(folder.path());
    until("the others are here", || {
        let here = left.shells.iter().filter(|(id, _)| node.get(*id).is_some());
        here.count() == 19
    })
    .await;
    // What nobody holds is ended; this one is held, though it is not here.
    until("tidied", || {
        *driver.ended_marks.lock().unwrap() == [stray.clone()]
    })
    .await;
    assert_eq!((node.list(VM).len(), node.count()), (20, 20));
    let address = serve(node.clone()).await;
    assert_eq!(refused(address, late).await, 1013, "to be tried again");
    let again = node.create(VM, ShellCreate::new(late, 80, 24)).await;
    assert_eq!(again.unwrap().id, late);
    assert_eq!(*driver.opened.lock().unwrap(), 20, "none is made anew");

    faults.is_kept.store(false, Ordering::Release);
    adopting.await.unwrap();
    until("it is here", || node.get(late).is_some()).await;
    for (at, (id, _)) in left.shells.iter().enumerate() {
        let mut viewer = Viewer::attach(address, *id, 1, "").await;
        viewer.output_until(format!("shell {at}.").as_bytes()).await;
    }
    assert_eq!(node.list(VM).len(), 20);
    assert_eq!(left.shells[7].1.control.killed(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_holder_says_nothing_no_shell_is_said_to_be_gone() {
    let left = Left::shells(1).await;
    let shell = left.shells[0].0;
    let faults = Faults::default();
    faults.is_silent.store(true, Ordering::Release);
    let folder = way(left.holder.folder.path(), &faults);
    let (node, adopting) = left.begin(folder.path());
    until("it asks", || node.check_found().is_err()).await;
    let address = serve(node.clone()).await;
    assert_eq!(refused(address, shell).await, 1013);
    let unknown = node.close(shell).await.unwrap_err();
    assert_eq!(unknown.code, NodeErrorCode::EngineAway);

    faults.is_silent.store(false, Ordering::Release);
    adopting.await.unwrap();
    until("it is here", || node.get(shell).is_some()).await;
    node.check_found().unwrap();
    let mut viewer = Viewer::attach(address, shell, 1, "").await;
    viewer.output_until(b"shell 0.").await;
    assert_eq!(refused(address, Uuid::now_v7()).await, 4004);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_closed_before_it_is_taken_up_ends_and_does_not_come_back() {
    let left = Left::shells(2).await;
    let late = left.shells[1].0;
    let faults = Faults {
        keeps: Some(late),
        ..Faults::default()
    };
    faults.is_kept.store(true, Ordering::Release);
    let folder = way(left.holder.folder.path(), &faults);
    let (node, adopting) = left.begin(folder.path());
    until("the other is here", || {
        node.check_found().is_ok() && node.get(left.shells[0].0).is_some()
    })
    .await;
    node.close(late).await.unwrap();
    assert_eq!(left.shells[1].1.control.killed(), 1);
    faults.is_kept.store(false, Ordering::Release);
    adopting.await.unwrap();
    assert_eq!(node.list(VM).len(), 1);
    let address = serve(node.clone()).await;
    assert_eq!(refused(address, late).await, 4004);
}

//! Shells that ended though nobody closed them: the owner finds why among the VM's events.

use std::{sync::Arc, time::Duration};

use app::model::{ErrorKind, EventView, VmState};
use futures_util::StreamExt as _;
use node::driver::sim::{SimConfig, SimDriver, SimEngine};
use tempfile::TempDir;
use tokio::{task::JoinHandle, time::sleep};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::cloud::{config, connect, serve_impatient, words};
use crate::{
    actor::Actor,
    balancer::NodeEntry,
    control::Control,
    db::{
        Db,
        testing::{each_db, eventually, user},
        vm::{VmRow, vm_get},
    },
};

const IDLE: Duration = Duration::from_secs(2);
const SAID: &str = "A shell in web1 has ended: it was closed because nobody had used it for 2 s";

/// Ann's shell, at which nobody looks, on a node that closes it for that after [`IDLE`].
struct Unused {
    db: Db,
    control: Control,
    ann: Actor,
    shell: String,
    address: String,
    data: TempDir,
    stop: CancellationToken,
    node: JoinHandle<()>,
}

impl Unused {
    async fn begin(db: &Db) -> Self {
        let engine = SimEngine::new(SimConfig::default());
        let driver = Arc::new(SimDriver::new(engine, "node-1"));
        let (address, stop, node) = serve_impatient("node-1", driver, IDLE).await;
        let data = tempfile::tempdir().unwrap();
        let control = connect(db, &address, config(data.path())).await;
        let ann = user(db, "ann", 5).await;
        let shell = open(&control, &ann).await;
        Self {
            db: db.clone(),
            control,
            ann,
            shell,
            address,
            data,
            stop,
            node,
        }
    }

    async fn row(&self) -> VmRow {
        let row = vm_get(&self.db, &self.ann.user_id, "web1").await.unwrap();
        row.unwrap()
    }

    /// The node of its VM, to be asked past the server.
    async fn node(&self) -> (Arc<NodeEntry>, Uuid) {
        self.control.shell_node(&self.row().await).unwrap()
    }

    /// Asks the database alone: whoever asks the node would find out by that.
    async fn ends(&self) -> Vec<EventView> {
        let page = self.control.vm_event_list(&self.ann, "web1", None).await;
        let ends = page.unwrap().events.into_iter();
        ends.filter(|event| event.kind == "shell_ended").collect()
    }

    /// How its node closes a connection to the shell.
    async fn close_code(&self) -> u16 {
        let place = self
            .control
            .shell_find(&self.ann, &self.shell)
            .await
            .unwrap();
        let query = "client=0000000000000001&cols=80&rows=24";
        let mut socket = self.control.shell_attach(&place, query).await.unwrap();
        loop {
            match socket.next().await.unwrap().unwrap() {
                Message::Close(Some(close)) => break close.code.into(),
                Message::Close(None) => panic!("closed without a code"),
                _ => {}
            }
        }
    }

    async fn is_told_once(&self) {
        eventually("it is told", async || !self.ends().await.is_empty()).await;
        let told = self.ends().await;
        let said: Vec<_> = told.iter().map(|event| event.sentence.as_str()).collect();
        assert_eq!(said, [SAID]);
        assert!(told[0].ok && told[0].actor == "minicloud", "{told:?}");
    }

    async fn end(self) {
        self.control.stop().await;
        self.stop.cancel();
        self.node.await.unwrap();
    }
}

/// Makes a VM and opens a shell in it; the shell's id.
async fn open(control: &Control, ann: &Actor) -> String {
    let made = control
        .vm_create(ann, "web1", "small", "alpine", false)
        .await;
    made.unwrap();
    eventually("it runs", async || {
        let vm = control.vm_find(ann, "web1").await.unwrap();
        vm.state == VmState::Running
    })
    .await;
    let page = control.shell_open(ann, "web1", None, false).await;
    page.unwrap().shell.id
}

async fn is_closed(entry: &NodeEntry, vm_id: Uuid) {
    eventually("its node has closed it", async || {
        let listed = entry.client.shell_list(vm_id).await.unwrap();
        listed.iter().any(|shell| shell.lost.is_some())
    })
    .await;
}

#[tokio::test]
async fn that_nobody_used_a_shell_is_an_event_once() {
    each_db(async |db| {
        let unused = Unused::begin(&db).await;
        unused.is_told_once().await;
        // Its node lists it for a while yet, and tells whoever comes back to it.
        assert_eq!(unused.close_code().await, 4004);
        let Unused { control, ann, .. } = &unused;
        let again = control.shell_open(ann, "web1", Some(&unused.shell), false);
        assert_eq!(words(again.await).code, "shell_ended");
        unused.is_told_once().await;
        // Whoever takes it off the list has not closed it.
        control.shell_close(ann, &unused.shell).await.unwrap();
        let page = control.vm_event_list(ann, "web1", None).await.unwrap();
        assert!(page.events.iter().all(|event| event.kind != "shell_close"));
        let gone = control.shell_find(ann, &unused.shell).await;
        assert_eq!(words(gone.map(|_| ())).kind, ErrorKind::NotFound);
        unused.end().await;
    })
    .await;
}

#[tokio::test]
async fn what_a_node_told_while_no_server_was_there_is_found_by_the_next() {
    each_db(async |db| {
        let mut unused = Unused::begin(&db).await;
        let (entry, vm_id) = unused.node().await;
        unused.control.stop().await;
        is_closed(&entry, vm_id).await;
        unused.control = connect(&db, &unused.address, config(unused.data.path())).await;
        unused.is_told_once().await;
        unused.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_shell_that_is_lost_while_nobody_knows_what_its_vm_does_is_told_of_later() {
    each_db(async |db| {
        let unused = Unused::begin(&db).await;
        let (entry, vm_id) = unused.node().await;
        // As when no list of its VMs has come for long: each that comes is old at once.
        let (of, id) = (unused.control.clone(), entry.id.clone());
        let unlisted = tokio::spawn(async move {
            loop {
                of.0.fleet.list(&id, Vec::new(), |_| true, 0);
                sleep(Duration::from_millis(1)).await;
            }
        });
        is_closed(&entry, vm_id).await;
        // Time to have heard of it.
        sleep(Duration::from_secs(1)).await;
        unlisted.abort();
        assert!(unlisted.await.unwrap_err().is_cancelled());
        unused.is_told_once().await;
        unused.end().await;
    })
    .await;
}

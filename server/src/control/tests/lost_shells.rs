//! Shells that ended though nobody closed them: the owner finds why among the VM's events.

use std::{sync::Arc, time::Duration};

use app::model::{EventView, VmState};
use node::driver::sim::{SimConfig, SimDriver, SimEngine};
use tokio::time::sleep;

use super::cloud::{config, connect, serve_impatient, words};
use crate::{
    actor::Actor,
    control::Control,
    db::{
        shell::shell_list_by_vm,
        testing::{each_db, eventually, user},
        vm::vm_get,
    },
};

const IDLE: Duration = Duration::from_secs(2);
const SAID: &str = "A shell in web1 has ended: it was closed because nobody had used it for 2 s";

fn driver() -> Arc<SimDriver> {
    let engine = SimEngine::new(SimConfig::default());
    Arc::new(SimDriver::new(engine, "node-1"))
}

/// Makes a VM and opens a shell in it that nobody looks at; the shell's id.
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

/// Asks the database alone: whoever asks the node would find out by that.
async fn ends(control: &Control, ann: &Actor) -> Vec<EventView> {
    let page = control.vm_event_list(ann, "web1", None).await.unwrap();
    let ends = page.events.into_iter();
    ends.filter(|event| event.kind == "shell_ended").collect()
}

#[tokio::test]
async fn that_nobody_used_a_shell_is_an_event_once() {
    each_db(async |db| {
        let (address, stop, node) = serve_impatient("node-1", driver(), IDLE).await;
        let data = tempfile::tempdir().unwrap();
        let control = connect(&db, &address, config(data.path())).await;
        let ann = user(&db, "ann", 5).await;
        let shell = open(&control, &ann).await;
        eventually("it is told", async || {
            !ends(&control, &ann).await.is_empty()
        })
        .await;
        let row = vm_get(&db, &ann.user_id, "web1").await.unwrap().unwrap();
        assert!(shell_list_by_vm(&db, &row.id).await.unwrap().is_empty());
        // Its node lists it for a while yet.
        let ended = words(control.shell_open(&ann, "web1", Some(&shell), false).await);
        assert_eq!(ended.code, "shell_ended");
        let told = ends(&control, &ann).await;
        let said: Vec<_> = told.iter().map(|event| event.sentence.as_str()).collect();
        assert_eq!(said, [SAID]);
        assert!(told[0].ok && told[0].actor == "minicloud", "{told:?}");
        control.stop().await;
        stop.cancel();
        node.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_a_node_told_while_no_server_was_there_is_found_by_the_next() {
    each_db(async |db| {
        let (address, stop, node) = serve_impatient("node-1", driver(), IDLE).await;
        let data = tempfile::tempdir().unwrap();
        let control = connect(&db, &address, config(data.path())).await;
        let ann = user(&db, "ann", 5).await;
        open(&control, &ann).await;
        let row = vm_get(&db, &ann.user_id, "web1").await.unwrap().unwrap();
        let (entry, vm_id) = control.shell_node(&row).unwrap();
        let client = entry.client.clone();
        control.stop().await;
        eventually("its node has closed it", async || {
            let listed = client.shell_list(vm_id).await.unwrap();
            listed.iter().any(|shell| shell.lost.is_some())
        })
        .await;

        let next = connect(&db, &address, config(data.path())).await;
        eventually("it is told", async || !ends(&next, &ann).await.is_empty()).await;
        assert_eq!(ends(&next, &ann).await[0].sentence, SAID);
        next.stop().await;
        stop.cancel();
        node.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_shell_that_is_lost_while_nobody_knows_what_its_vm_does_is_told_of_later() {
    each_db(async |db| {
        let (address, stop, node) = serve_impatient("node-1", driver(), IDLE).await;
        let data = tempfile::tempdir().unwrap();
        let control = connect(&db, &address, config(data.path())).await;
        let ann = user(&db, "ann", 5).await;
        open(&control, &ann).await;
        let row = vm_get(&db, &ann.user_id, "web1").await.unwrap().unwrap();
        let (entry, vm_id) = control.shell_node(&row).unwrap();
        // As when no list of its VMs has come for long: each that comes is old at once.
        let (of, id) = (control.clone(), entry.id.clone());
        let unlisted = tokio::spawn(async move {
            loop {
                of.0.fleet.list(&id, Vec::new(), |_| true, 0);
                sleep(Duration::from_millis(1)).await;
            }
        });
        eventually("its node has closed it", async || {
            let listed = entry.client.shell_list(vm_id).await.unwrap();
            listed.iter().any(|shell| shell.lost.is_some())
        })
        .await;
        // Time to have heard of it.
        sleep(Duration::from_secs(1)).await;
        unlisted.abort();
        assert!(unlisted.await.unwrap_err().is_cancelled());
        eventually("it is told", async || {
            !ends(&control, &ann).await.is_empty()
        })
        .await;
        let told = ends(&control, &ann).await;
        let said: Vec<_> = told.iter().map(|event| event.sentence.as_str()).collect();
        assert_eq!(said, [SAID]);
        control.stop().await;
        stop.cancel();
        node.await.unwrap();
    })
    .await;
}

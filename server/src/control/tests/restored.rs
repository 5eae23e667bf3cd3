//! An old copy of the database is put back, as docs/operations.md tells: what was done since then is with the
//! engines, and in no row.

use std::{collections::BTreeSet, path::Path};

use app::model::{VmState, VmView};
use node::driver::{
    Driver as _, DriverError,
    sim::{SimCall, SimConfig, SimDriver, SimFault},
};
use node_api::{
    error::NodeErrorCode,
    vm::{PowerState, VmSpec},
};
use uuid::Uuid;

use super::cloud::{Cloud, SimNode, admin, id};
use crate::{
    actor::Actor,
    config::Config,
    db::{
        Db,
        testing::{copy_into, eventually, user},
    },
};

/// Short, so that the test need not wait a minute.
const GRACE_S: u32 = 2;
const FILE: &str = "/root/mine";

#[tokio::test(flavor = "multi_thread")]
async fn an_old_copy_costs_no_vm_made_since_and_makes_none_anew_that_was_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let mut cloud = begin(folder.path(), 1).await;
    let ann = user(&cloud.db, "ann", 9).await;
    let orphan = spec(&cloud.nodes[0], &cloud.run(&ann, "orphan").await);
    delete(&cloud, &ann, "orphan").await;
    for name in ["stays", "stops", "starts", "goes", "rests-and-goes"] {
        cloud.run(&ann, name).await;
    }
    for name in ["starts", "rests-and-goes"] {
        stop(&cloud, &ann, name).await;
    }
    let copy = folder.path().join("copy.db");
    copy_into(&cloud.db, &copy).await;

    let stays = cloud.see(&ann, "stays").await.unwrap();
    let new = cloud.run(&ann, "new").await;
    write(&cloud, &ann, "new").await;
    let bob = user(&cloud.db, "bob", 5).await;
    cloud.run(&bob, "bobs").await;
    stop(&cloud, &ann, "stops").await;
    cloud.control.vm_start(&ann, "starts").await.unwrap();
    let starts = cloud.comes(&ann, "starts", VmState::Running).await;
    write(&cloud, &ann, "starts").await;
    for name in ["goes", "rests-and-goes"] {
        delete(&cloud, &ann, name).await;
    }
    let there = ids(&cloud.nodes[0]);
    // A server that is stopped ends its nodes, too.
    cloud.nodes[0].end().await;
    cloud.nodes[0].begin_again().await;
    put_back(&mut cloud, &copy).await;
    cloud.all_ready().await;

    for name in ["goes", "rests-and-goes"] {
        let failed = cloud.comes(&ann, name, VmState::Failed).await;
        let reason = failed.reason.unwrap();
        assert!(reason.contains("container is gone"), "{name}: {reason}");
    }
    // What runs is as the copy has it.
    let stops = cloud.see(&ann, "stops").await.unwrap();
    comes_to(&cloud, &stops, PowerState::Running).await;
    comes_to(&cloud, &starts, PowerState::Exited).await;
    let still = cloud.comes(&ann, "stays", VmState::Running).await;
    assert_eq!(still.started_at, stays.started_at);
    let told = "1 of 5 containers have owners this database never knew, \
                1 of 5 containers are of VMs this database never knew; they are left alone";
    is_told(&cloud, told).await;

    // A later server is as careful, though its database has had news since.
    cloud.restart().await;
    cloud.all_ready().await;
    goes(&cloud, &cloud.nodes[0], &orphan).await;
    assert_eq!(ids(&cloud.nodes[0]), there, "nothing else went or came");
    for vm in [&new, &starts] {
        let file = cloud.nodes[0].engine.file(id(vm), FILE);
        assert_eq!(file.as_deref(), Some("kept\n"), "{}", vm.name);
    }
    is_told(&cloud, told).await;

    // Who wants it anew has it anew.
    cloud.control.vm_retry(&ann, "goes").await.unwrap();
    cloud.comes(&ann, "goes", VmState::Running).await;
    cloud.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_that_came_to_another_node_since_the_copy_stays_there_unless_its_own_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut cloud = begin(folder.path(), 2).await;
    let ann = user(&cloud.db, "ann", 5).await;
    let vm = cloud.run(&ann, "web1").await;
    assert_eq!(vm.node.as_deref(), Some("node-1"));
    let orphan = spec(&cloud.nodes[1], &cloud.run(&ann, "orphan").await);
    delete(&cloud, &ann, "orphan").await;
    let copy = folder.path().join("copy.db");
    copy_into(&cloud.db, &copy).await;

    // While it is away, so that its container stays.
    cloud.nodes[0].end().await;
    let (root, name) = (admin(), Some("node-1"));
    let removed = cloud.control.node_remove(&root, "node-1", name).await;
    removed.unwrap();
    cloud.control.vm_retry(&ann, "web1").await.unwrap();
    let anew = cloud.comes(&ann, "web1", VmState::Running).await;
    assert_eq!(anew.node.as_deref(), Some("node-2"));
    write(&cloud, &ann, "web1").await;
    put_back(&mut cloud, &copy).await;

    let told = "1 of 1 containers are of VMs this database has elsewhere, where they are not";
    is_told(&cloud, told).await;
    goes(&cloud, &cloud.nodes[1], &orphan).await;
    let file = cloud.nodes[1].engine.file(id(&vm), FILE);
    assert_eq!(file.as_deref(), Some("kept\n"));

    // Two of one VM there may not be, and its row says which one it is.
    cloud.nodes[0].begin_again().await;
    eventually("the other one goes", async || {
        ids(&cloud.nodes[1]).is_empty()
    })
    .await;
    assert_eq!(ids(&cloud.nodes[0]), BTreeSet::from([id(&vm)]));
    let runs = cloud.comes(&ann, "web1", VmState::Running).await;
    assert_eq!(runs.node.as_deref(), Some("node-1"));
    cloud.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_that_the_copy_has_as_never_made_is_tried_again_where_it_has_run_since() {
    let folder = tempfile::tempdir().unwrap();
    let mut cloud = begin(folder.path(), 2).await;
    let ann = user(&cloud.db, "ann", 5).await;
    let refusal = DriverError::new(NodeErrorCode::NoRoom, "there is no room");
    let engine = cloud.nodes[0].engine.clone();
    engine.fail_next(SimCall::Create, 1, SimFault::Before(refusal));
    cloud.create(&ann, "web1").await.unwrap();
    cloud.comes(&ann, "web1", VmState::Failed).await;
    let copy = folder.path().join("copy.db");
    copy_into(&cloud.db, &copy).await;

    let cordoned = cloud.control.node_cordon(&admin(), "node-2", true).await;
    cordoned.unwrap();
    cloud.control.vm_retry(&ann, "web1").await.unwrap();
    let vm = cloud.comes(&ann, "web1", VmState::Running).await;
    assert_eq!(vm.node.as_deref(), Some("node-1"));
    write(&cloud, &ann, "web1").await;
    stop(&cloud, &ann, "web1").await;
    put_back(&mut cloud, &copy).await;
    cloud.all_ready().await;
    cloud.looked_at("node-1").await;

    // The other node is next, and has room.
    let tried = cloud.control.vm_retry(&ann, "web1").await.unwrap();
    assert_eq!(tried.node.as_deref(), Some("node-1"));
    cloud.comes(&ann, "web1", VmState::Running).await;
    assert_eq!(engine.file(id(&vm), FILE).as_deref(), Some("kept\n"));
    assert_eq!(cloud.containers(), 1);
    cloud.end().await;
}

/// A cloud whose database is a file in that folder.
async fn begin(folder: &Path, nodes: usize) -> Cloud {
    let url = Db::sqlite_url(&folder.join("minicloud.db"));
    let db = Db::open(&url).await.unwrap();
    let change = |config: &mut Config| config.orphan_grace_s = GRACE_S;
    Cloud::with(db, nodes, SimConfig::default(), change).await
}

async fn put_back(cloud: &mut Cloud, copy: &Path) {
    let copy = Db::open(&Db::sqlite_url(copy)).await.unwrap();
    cloud.restore(copy).await;
}

async fn stop(cloud: &Cloud, owner: &Actor, name: &str) {
    cloud.control.vm_stop(owner, name).await.unwrap();
    cloud.comes(owner, name, VmState::Stopped).await;
}

async fn delete(cloud: &Cloud, owner: &Actor, name: &str) {
    cloud.control.vm_delete(owner, name).await.unwrap();
    cloud.gone(owner, name).await;
}

/// Leaves a file in a VM that runs.
async fn write(cloud: &Cloud, owner: &Actor, name: &str) {
    let script = format!("echo kept > {FILE}");
    let argv = ["sh", "-c", script.as_str()].map(str::to_owned).to_vec();
    let written = cloud.control.vm_exec(owner, name, argv, Some(10)).await;
    assert_eq!(written.unwrap().exit_code, 0);
}

fn ids(node: &SimNode) -> BTreeSet<Uuid> {
    node.engine.vms().into_iter().map(|(id, _)| id).collect()
}

fn spec(node: &SimNode, vm: &VmView) -> VmSpec {
    let mut specs = node.engine.specs().into_iter();
    specs.find(|spec| spec.id == id(vm)).unwrap()
}

fn driver(node: &SimNode) -> SimDriver {
    SimDriver::new(node.engine.clone(), &node.name)
}

/// Waits until the engine of the first node says so of a VM.
async fn comes_to(cloud: &Cloud, vm: &VmView, power: PowerState) {
    let driver = driver(&cloud.nodes[0]);
    eventually(&format!("{} is {power:?}", vm.name), async || {
        driver.vm_get(id(vm)).await.unwrap().power == power
    })
    .await;
}

/// Waits until that is among the problems of the admin's overview.
async fn is_told(cloud: &Cloud, words: &str) {
    eventually(words, async || {
        let problems = cloud.control.overview().await.unwrap().problems;
        let mut severe = problems.iter().filter(|problem| problem.severe);
        severe.any(|problem| problem.message.contains(words))
    })
    .await;
}

/// Puts a container there that is no VM's any more, and waits until it is removed: what else would be has
/// gone with it.
async fn goes(cloud: &Cloud, node: &SimNode, orphan: &VmSpec) {
    driver(node).vm_create(orphan, true).await.unwrap();
    eventually("the orphan goes after its grace", async || {
        !ids(node).contains(&orphan.id)
    })
    .await;
    cloud.looked_at(&node.name).await;
}

//! Containers that carry our label and that no VM stands for, and those that are nobody's of ours.

use std::{
    collections::BTreeSet,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use app::model::VmState;
use node::driver::{
    Driver,
    sim::{SimCall, SimConfig, SimDriver, SimEngine},
};
use node_api::vm::{NetworkSpec, VmSpec};
use uuid::Uuid;

use super::{
    cloud::{config, connect, serve},
    private_engine::PrivateEngine,
};
use crate::{
    actor::Actor,
    config::Config,
    control::Control,
    db::{
        Db,
        event::{EventQuery, event_list},
        testing::{each_db, user, within},
    },
};

/// Short, so that the test need not wait a minute.
const GRACE: Duration = Duration::from_secs(3);
/// From the end of the grace to the end of the container, or for one to be made, on an engine that is busy.
const GOES: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn an_orphan_goes_after_its_grace_and_nothing_else_does() {
    each_db(async |db| {
        let engine = SimEngine::new(SimConfig::default());
        // Another node's, on the same engine.
        let other = SimDriver::new(engine.clone(), "node-2");
        let spec = foreign_spec("alpine", "10.127.255.96/27");
        other.vm_create(&spec, true).await.unwrap();
        let driver = Arc::new(SimDriver::new(engine, "node-1"));
        orphans_go(&db, driver, "alpine").await;
        assert_eq!(other.vm_list().await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_real_engine_a_container_without_our_label_is_never_touched() {
    let Some(engine) = PrivateEngine::start() else {
        return;
    };
    // Not ours, and named as if they were: one runs, one was never started.
    let name = |number: u8| format!("mc-{}", Uuid::from_u128(number.into()));
    engine.docker(&[
        "run",
        "-d",
        "--net=none",
        "--name",
        &name(1),
        "minicloud/base",
        "/bin/sleep",
        "600",
    ]);
    engine.docker(&[
        "create",
        "--net=none",
        "--name",
        &name(2),
        "minicloud/base",
        "/bin/sleep",
        "600",
    ]);
    let folder = tempfile::tempdir().unwrap();
    let url = Db::sqlite_url(&folder.path().join("minicloud.db"));
    let db = Db::open(&url).await.unwrap();
    orphans_go(&db, Arc::new(engine.driver()), "minicloud/base").await;
    let left = |filter: &str| {
        let output = Command::new("docker")
            .args([
                "-H",
                &engine.socket(),
                "ps",
                "-a",
                "--format",
                "{{.Names}}",
                "--filter",
                filter,
            ])
            .output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(left("status=running"), [name(1)]);
    assert_eq!(left("status=created"), [name(2)]);
    assert_eq!(left("name=mc-").len(), 2);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_does_not_answer_no_container_goes() {
    each_db(async |db| {
        let engine = SimEngine::new(SimConfig::default());
        let driver = Arc::new(SimDriver::new(engine, "node-1"));
        let ann = user(&db, "ann", 5).await;
        let (address, stop, node) = serve("node-1", driver.clone(), "127.0.0.1:0").await;
        let data = tempfile::tempdir().unwrap();
        let control = connect(&db, &address, own_config(data.path(), "alpine")).await;
        let made = control.vm_create(&ann, "runs", "small", "alpine", false);
        made.await.unwrap();
        comes(&control, &ann, "runs", VmState::Running).await;
        let like = driver.vm_list().await.unwrap().remove(0).spec;

        db.close().await;
        // One that would go if the database said that it does not want it.
        let orphan = VmSpec {
            id: Uuid::now_v7(),
            name: "orphan".into(),
            ..like
        };
        driver.vm_create(&orphan, true).await.unwrap();
        let before = ids(driver.as_ref()).await;
        assert_eq!(before.len(), 2);
        tokio::time::sleep(3 * GRACE).await;
        assert_eq!(ids(driver.as_ref()).await, before);
        control.stop().await;
        stop.cancel();
        node.await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orphan_that_cannot_be_removed_keeps_nothing_else_from_being_looked_at() {
    each_db(async |db| {
        let engine = SimEngine::new(SimConfig::default());
        let driver = Arc::new(SimDriver::new(engine.clone(), "node-1"));
        let ann = user(&db, "ann", 5).await;
        let (address, stop, node) = serve("node-1", driver.clone(), "127.0.0.1:0").await;
        let data = tempfile::tempdir().unwrap();
        let control = connect(&db, &address, own_config(data.path(), "alpine")).await;
        let made = control.vm_create(&ann, "runs", "small", "alpine", false);
        made.await.unwrap();
        comes(&control, &ann, "runs", VmState::Running).await;
        engine.configure(|config| config.hold = vec![SimCall::Delete]);
        let like = driver.vm_list().await.unwrap().remove(0).spec;
        let orphan = VmSpec {
            id: Uuid::now_v7(),
            name: "orphan".into(),
            ..like.clone()
        };
        driver.vm_create(&orphan, true).await.unwrap();
        within(GOES, "its removal hangs", async || {
            engine.calls(SimCall::Delete) > 0
        })
        .await;
        // Seen although its node is asked for the same all the time.
        engine.vm_exits(like.id, 0);
        let begun = Instant::now();
        comes(&control, &ann, "runs", VmState::Stopped).await;
        println!("seen after {:?}", begun.elapsed());
        assert!(begun.elapsed() < Duration::from_secs(15));
        assert_eq!(engine.calls(SimCall::Delete), 1);
        engine.configure(|config| config.hold.clear());
        within(GOES, "it goes", async || engine.vms().len() == 1).await;
        control.stop().await;
        stop.cancel();
        node.await.unwrap();
    })
    .await;
}

/// Plants orphans beside VMs that are wanted, and looks which of them go, and when.
async fn orphans_go(db: &Db, driver: Arc<dyn Driver>, image: &str) {
    let ann = user(db, "ann", 5).await;
    let (address, stop, node) = serve("node-1", driver.clone(), "127.0.0.1:0").await;
    let data = tempfile::tempdir().unwrap();
    let control = connect(db, &address, own_config(data.path(), image)).await;
    for name in ["runs", "rests"] {
        let made = control
            .vm_create(&ann, name, "small", "alpine", false)
            .await;
        made.unwrap();
        comes(&control, &ann, name, VmState::Running).await;
    }
    control.vm_stop(&ann, "rests").await.unwrap();
    comes(&control, &ann, "rests", VmState::Stopped).await;
    let wanted = ids(driver.as_ref()).await;

    // Labelled ours, with an owner who is known: one runs, one was never started, one has ended.
    let like = driver.vm_list().await.unwrap().remove(0).spec;
    let mut planted = Vec::new();
    for (name, start, stop) in [
        ("running", true, false),
        ("created", false, false),
        ("ended", true, true),
    ] {
        let spec = VmSpec {
            id: Uuid::now_v7(),
            name: name.into(),
            ..like.clone()
        };
        planted.push((spec.id, Instant::now()));
        driver.vm_create(&spec, start).await.unwrap();
        if stop {
            driver.vm_stop(spec.id).await.unwrap();
        }
    }
    // Labelled ours, but of an owner whom this database never knew.
    let foreign = foreign_spec(&like.image, "10.127.255.128/27");
    driver.vm_create(&foreign, true).await.unwrap();

    let mut left = wanted;
    left.insert(foreign.id);
    within(GOES, "the three orphans go", async || {
        let there = ids(driver.as_ref()).await;
        planted.retain(|(id, since)| {
            let is_there = there.contains(id);
            assert!(is_there || since.elapsed() >= GRACE, "not before its grace");
            is_there
        });
        planted.is_empty()
    })
    .await;
    tokio::time::sleep(GRACE).await;
    assert_eq!(ids(driver.as_ref()).await, left, "and nothing else");
    comes(&control, &ann, "runs", VmState::Running).await;
    comes(&control, &ann, "rests", VmState::Stopped).await;
    let query = EventQuery {
        limit: 100,
        ..EventQuery::default()
    };
    within(GOES, "each of the three is told of", async || {
        let events = event_list(db, &query).await.unwrap();
        let removals = events.iter().filter(|row| row.kind == "orphan_remove");
        let told = removals.count();
        assert!(told <= 3, "one was told of more than once");
        told == 3
    })
    .await;

    driver.vm_delete(foreign.id).await.unwrap();
    for name in ["runs", "rests"] {
        control.vm_delete(&ann, name).await.unwrap();
    }
    within(GOES, "the VMs go", async || {
        ids(driver.as_ref()).await.is_empty()
    })
    .await;
    control.stop().await;
    stop.cancel();
    node.await.unwrap();
}

fn own_config(data: &std::path::Path, image: &str) -> Config {
    let mut config = config(data);
    config.images[0].reference = image.to_owned();
    // Bridges are the host's: out of the way of others.
    config.network_range = "10.127.255.160/27".into();
    config.orphan_grace_s = u32::try_from(GRACE.as_secs()).unwrap();
    config
}

/// Of an owner whom no database here knows.
fn foreign_spec(image: &str, subnet: &str) -> VmSpec {
    let owner_id = Uuid::now_v7();
    VmSpec {
        id: Uuid::now_v7(),
        name: "foreign".into(),
        owner_id,
        image: image.into(),
        cpu_millis: 500,
        memory_mib: 64,
        disk_gib: 1,
        network: NetworkSpec {
            name: format!("mc{}", &owner_id.simple().to_string()[22..]),
            subnet: subnet.into(),
        },
        ssh_port: None,
    }
}

async fn comes(control: &Control, ann: &Actor, name: &str, state: VmState) {
    within(GOES, &format!("{name} is {state:?}"), async || {
        let list = control.vm_list(ann).await.unwrap();
        let mut vms = list.vms.iter();
        vms.any(|vm| vm.name == name && vm.state == state)
    })
    .await;
}

async fn ids(driver: &dyn Driver) -> BTreeSet<Uuid> {
    let list = driver.vm_list().await.unwrap();
    list.into_iter().map(|vm| vm.spec.id).collect()
}

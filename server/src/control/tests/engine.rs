//! A real engine under a server and its reconcilers: killed and back, and changed behind their backs.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use app::model::VmState;
use node::driver::Driver;
use node_api::{
    exec::ExecRequest,
    vm::{PowerState, VmReport},
};

use super::{
    cloud::{config, connect, serve},
    private_engine::PrivateEngine,
};
use crate::{
    config::Config,
    db::{
        Db,
        testing::{user, within},
        vm::vm_list_any,
    },
};

/// From the engine's first answer to VMs that run: after a kill its first starts can fail for 15 s.
const BACK: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_its_engine_was_killed_every_vm_wanted_running_runs_again_and_no_other() {
    let Some(mut engine) = PrivateEngine::start() else {
        return;
    };
    let driver = engine.driver();
    let data = tempfile::tempdir().expect("a folder");
    let db = Db::open(&Db::sqlite_url(&data.path().join("minicloud.db")))
        .await
        .expect("SQLite opens");
    let ann = user(&db, "ann", 5).await;
    let (address, stop, node) = serve("node-1", Arc::new(engine.driver()), "127.0.0.1:0").await;
    let control = connect(&db, &address, own_config(data.path(), "10.127.255.192/27")).await;

    for name in ["runs1", "runs2", "rests"] {
        let made = control
            .vm_create(&ann, name, "small", "alpine", false)
            .await;
        made.expect("it is created");
    }
    comes(&db, [VmState::Running; 3]).await;
    for name in ["runs1", "runs2", "rests"] {
        let script = format!("echo {name} > /root/file");
        assert_eq!(run(&driver, name, &script).await, "");
    }
    control.vm_stop(&ann, "rests").await.expect("accepted");
    let wanted = [VmState::Stopped, VmState::Running, VmState::Running];
    comes(&db, wanted).await;
    let before = started(&driver).await;

    engine.kill();
    engine.restart();

    within(BACK, "both run again", async || {
        let Ok(list) = driver.vm_list().await else {
            return false;
        };
        let again = |vm: &VmReport| {
            vm.power == PowerState::Running
                && !before.contains(&(vm.engine_id.clone(), vm.started_at))
        };
        list.iter().filter(|vm| again(vm)).count() == 2
    })
    .await;
    comes(&db, wanted).await;
    for name in ["runs1", "runs2"] {
        assert_eq!(
            run(&driver, name, "cat /root/file").await,
            format!("{name}\n")
        );
    }
    // Time enough for several passes of the reconciler.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(find(&driver, "rests").await.power, PowerState::Exited);
    comes(&db, wanted).await;
    control.vm_start(&ann, "rests").await.expect("accepted");
    comes(&db, [VmState::Running; 3]).await;
    assert_eq!(run(&driver, "rests", "cat /root/file").await, "rests\n");

    for name in ["runs1", "runs2", "rests"] {
        control.vm_delete(&ann, name).await.expect("accepted");
    }
    within(BACK, "all are gone", async || {
        driver.vm_list().await.is_ok_and(|list| list.is_empty())
    })
    .await;
    control.stop().await;
    stop.cancel();
    node.await.expect("it ended well");
}

/// The promise is that what is shown is at most ten seconds behind the engine; three times that is the test's
/// patience.
const SHOWN: Duration = Duration::from_secs(30);

/// Waits until that is shown, and tells how long it took.
async fn shown(what: &str, is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    within(SHOWN, what, is_so).await;
    println!("{what} is shown after {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_done_to_a_container_behind_its_back_is_shown_within_ten_seconds() {
    let Some(engine) = PrivateEngine::start() else {
        return;
    };
    let data = tempfile::tempdir().expect("a folder");
    let db = Db::open(&Db::sqlite_url(&data.path().join("minicloud.db")))
        .await
        .expect("SQLite opens");
    let ann = user(&db, "ann", 5).await;
    let driver = Arc::new(engine.driver());
    let (address, stop, node) = serve("node-1", driver, "127.0.0.1:0").await;
    let control = connect(&db, &address, own_config(data.path(), "10.127.255.64/27")).await;
    let begun = Instant::now();
    let told = std::sync::Mutex::new(None);
    let see = async || {
        let list = control.vm_list(&ann).await.expect("a list");
        let vm = list.vms.into_iter().next().expect("it is there");
        let now = Some((vm.state, vm.reason.clone()));
        let mut told = told.lock().expect("no panic with it");
        if *told != now {
            println!("{:?} {now:?}", begun.elapsed());
            *told = now;
        }
        vm
    };
    let made = control
        .vm_create(&ann, "web1", "small", "alpine", false)
        .await;
    let container = format!("mc-{}", made.expect("it is created").id);
    within(BACK, "it runs", async || {
        see().await.state == VmState::Running
    })
    .await;

    engine.docker(&["kill", &container]);
    shown("that it was killed", async || {
        see().await.state != VmState::Running
    })
    .await;
    within(BACK, "it is started again", async || {
        see().await.state == VmState::Running
    })
    .await;

    engine.docker(&["rm", "-f", &container]);
    shown("that its container is gone", async || {
        let vm = see().await;
        let reason = vm.reason.unwrap_or_default();
        vm.state == VmState::Failed && reason.contains("container is gone")
    })
    .await;
    control.vm_delete(&ann, "web1").await.expect("accepted");
    within(BACK, "it is deleted", async || {
        let list = control.vm_list(&ann).await.expect("a list");
        list.vms.is_empty()
    })
    .await;
    control.stop().await;
    stop.cancel();
    node.await.expect("it ended well");
}

fn own_config(data: &std::path::Path, range: &str) -> Config {
    let mut config = config(data);
    config.images[0].reference = "minicloud/base".into();
    // Bridges are the host's: out of the way of others.
    config.network_range = range.into();
    config
}

/// Waits for the states of all VMs, by name.
async fn comes(db: &Db, states: [VmState; 3]) {
    within(BACK, &format!("{states:?}"), async || {
        let mut rows = vm_list_any(db).await.expect("rows");
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        rows.iter().map(|row| row.state).eq(states)
    })
    .await;
}

async fn find(driver: &dyn Driver, name: &str) -> VmReport {
    let list = driver.vm_list().await.expect("a list");
    let mut list = list.into_iter();
    list.find(|vm| vm.spec.name == name).expect("it is there")
}

/// Which container has run since when.
async fn started(driver: &dyn Driver) -> Vec<(String, Option<i64>)> {
    let list = driver.vm_list().await.expect("a list");
    list.into_iter()
        .map(|vm| (vm.engine_id, vm.started_at))
        .collect()
}

/// What a script in a VM prints.
async fn run(driver: &dyn Driver, name: &str, script: &str) -> String {
    let argv = ["/bin/sh", "-c", script].map(str::to_owned).into();
    let id = find(driver, name).await.spec.id;
    let request = ExecRequest {
        argv,
        timeout_s: 10,
    };
    driver.vm_exec(id, &request).await.expect("it ran").stdout
}

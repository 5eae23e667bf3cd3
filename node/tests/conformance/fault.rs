//! Faults of an engine that is the test's own: one that cannot start things, one that is stopped,
//! one that is killed. Needs root, dockerd and runc, as the other tests of the real engine.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use node::{
    clock::now_us,
    driver::{Driver, docker::DockerDriver},
};
use node_api::{
    error::NodeErrorCode,
    exec::{ExecRequest, ExecStart, FILES},
    vm::{PowerState, VmSpec},
};
use tokio::io::AsyncWriteExt as _;

use super::{common, private_engine::PrivateEngine};

fn vm(owner: u128) -> VmSpec {
    common::spec("web1", owner)
}

/// From a killed engine's first answer on: its first starts can fail for 15 s.
const BACK: Duration = Duration::from_secs(90);

async fn degraded(driver: &DockerDriver) -> Option<String> {
    driver.engine().await.engine.degraded
}

/// From then on one answer that is late is no reason yet.
async fn until_known(driver: &DockerDriver) {
    common::until("all is known of the engine", async || {
        degraded(driver).await.is_none()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_starts_nothing_degrades_and_heals_by_a_trial() {
    let Some(engine) = PrivateEngine::start() else {
        return;
    };
    let driver = engine.driver();
    let (good, bad) = (vm(0xf001), vm(0xf002));
    driver.vm_create(&good, true).await.expect("created");
    until_known(&driver).await;
    engine.set_broken(true);
    let first = driver.vm_create(&bad, true).await.expect_err("broken");
    assert_eq!(first.code, NodeErrorCode::Engine, "{first}");
    assert_eq!(degraded(&driver).await, None);
    driver.vm_start(bad.id).await.expect_err("broken");
    let reason = degraded(&driver).await.expect("degraded");
    assert!(reason.contains("could not find bridge docker0"), "{reason}");
    // Trials fail as well, leave nothing, and what runs runs on.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(degraded(&driver).await.is_some());
    assert_eq!(
        driver.vm_get(good.id).await.expect("there").power,
        PowerState::Running
    );
    assert_eq!(driver.vm_list().await.expect("a list").len(), 2);
    let failed = driver
        .vm_get(bad.id)
        .await
        .expect("there")
        .exit
        .expect("why it does not run");
    assert!(
        failed.error.contains("could not find bridge docker0"),
        "{failed:?}"
    );
    engine.set_broken(false);
    common::until("healed by a trial", async || {
        degraded(&driver).await.is_none()
    })
    .await;
    assert_eq!(
        driver.vm_start(bad.id).await.expect("started").power,
        PowerState::Running
    );
    assert_eq!(driver.vm_list().await.expect("a list").len(), 2);
    for spec in [good, bad] {
        driver.vm_delete(spec.id).await.expect("deleted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_engine_degrades_within_seconds_and_comes_back() {
    let Some(engine) = PrivateEngine::start() else {
        return;
    };
    let driver = engine.driver();
    let spec = vm(0xf003);
    driver.vm_create(&spec, true).await.expect("created");
    until_known(&driver).await;
    engine.pause();
    let began = Instant::now();
    assert_eq!(degraded(&driver).await, None, "it may be bad luck");
    let reason = degraded(&driver).await.expect("degraded");
    assert!(reason.contains("did not answer"), "{reason}");
    // Twice 3 s.
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
    let capacity = driver.engine().await.capacity;
    assert!(capacity.memory_mib > 0, "what was known stays known");
    engine.resume();
    common::until("back", async || degraded(&driver).await.is_none()).await;
    assert_eq!(
        driver.vm_list().await.expect("a list")[0].power,
        PowerState::Running
    );
    driver.vm_delete(spec.id).await.expect("deleted");
}

/// By the helper's own input: through the engine it would stand still with it.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_while_the_engine_stands_still() {
    let Some(engine) = PrivateEngine::start() else {
        return;
    };
    let driver = engine.driver();
    let spec = vm(0xf008);
    driver.vm_create(&spec, true).await.expect("created");
    let container = format!("mc-{}", spec.id);
    let first = engine.docker(&["inspect", "--format", "{{.State.Pid}}", &container]);
    let file = format!("/proc/{}/root/root/file", first.trim());
    let start = ExecStart {
        argv: [FILES, "scp", "-t", "/root"].map(str::to_owned).into(),
        env: Vec::new(),
    };
    let mut process = driver.vm_process(spec.id, &start).await.expect("begun");
    engine.pause();
    let content: Vec<u8> = (0..8_000_000_u32).map(|at| (at % 251) as u8).collect();
    let head = format!("C0644 {} file\n", content.len()).into_bytes();
    let upload = [&head[..], &content, &[0]].concat();
    let given = async {
        process.input.write_all(&upload).await?;
        process.input.flush().await
    };
    let given = tokio::time::timeout(common::PATIENCE, given).await;
    given.expect("taken in time").expect("written");
    common::until("all of it is there", async || {
        std::fs::read(&file).is_ok_and(|found| found == content)
    })
    .await;
    engine.resume();
    process.input.shutdown().await.expect("ended");
    let code = async || process.control.exit_code().await;
    common::until("it ends well", async || matches!(code().await, Ok(Some(0)))).await;
    driver.vm_delete(spec.id).await.expect("deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_engine_was_killed_its_vms_are_seen_and_start_again_with_their_files() {
    let Some(mut engine) = PrivateEngine::start() else {
        return;
    };
    let driver = engine.driver();
    let spec = vm(0xf004);
    driver.vm_create(&spec, true).await.expect("created");
    let run = async |script: &str| {
        let argv = ["/bin/sh", "-c", script].map(str::to_owned).into();
        let request = ExecRequest {
            argv,
            timeout_s: 10,
        };
        driver.vm_exec(spec.id, &request).await
    };
    run("echo kept > /root/file").await.expect("ran");
    let mut events = driver.events();
    engine.kill();
    assert!(degraded(&driver).await.is_some());
    assert_eq!(
        driver.vm_list().await.expect_err("away").code,
        NodeErrorCode::EngineAway
    );
    engine.restart();
    common::until("back", async || degraded(&driver).await.is_none()).await;
    let power = driver.vm_get(spec.id).await.expect("there").power;
    assert_eq!(
        power,
        PowerState::Exited,
        "without live-restore it went down with the engine"
    );
    common::until_within(BACK, "started", async || {
        driver.vm_start(spec.id).await.is_ok()
    })
    .await;
    assert_eq!(run("cat /root/file").await.expect("ran").stdout, "kept\n");
    // The stream of events came back, too.
    let heard = tokio::time::timeout(common::PATIENCE, async {
        while events.recv().await.expect("an event").vm_id != spec.id {}
    });
    heard.await.expect("an event in time");
    driver.vm_delete(spec.id).await.expect("deleted");
}

/// As a node tells it that has just begun.
async fn engine_began_at(engine: &PrivateEngine) -> i64 {
    let driver = engine.driver();
    until_known(&driver).await;
    let status = driver.engine().await.engine;
    status.started_at.expect("its process is seen")
}

/// By that, and by when a VM ended, it is known whether the VM ended by itself while its node was not running.
#[tokio::test(flavor = "multi_thread")]
async fn since_when_the_engine_runs_is_told_by_a_node_that_began_later() {
    let before = now_us();
    let Some(mut engine) = PrivateEngine::start() else {
        return;
    };
    let first = engine_began_at(&engine).await;
    // The moment of the boot is told in whole seconds, and how long after it a process began in hundredths.
    let slack_us = 1_010_000;
    let about = (before - slack_us)..=(now_us() + slack_us);
    assert!(about.contains(&first), "{first} in {about:?}");
    assert_eq!(engine_began_at(&engine).await, first);
    let driver = engine.driver();
    let spec = vm(0xf007);
    driver.vm_create(&spec, true).await.expect("created");
    engine.docker(&["kill", &format!("mc-{}", spec.id)]);
    common::until("it has ended", async || {
        driver.vm_get(spec.id).await.expect("there").power == PowerState::Exited
    })
    .await;
    let exit = driver.vm_get(spec.id).await.expect("there").exit;
    let ended = exit.expect("it was killed").finished_at;
    engine.kill();
    engine.restart();
    let anew = engine_began_at(&engine).await;
    assert!(
        first < ended + slack_us && ended < anew + slack_us,
        "{first} {ended} {anew}"
    );
    assert!(first < anew, "{first} {anew}");
    driver.vm_delete(spec.id).await.expect("deleted");
}

/// The engine reads a VM's list of users when it starts it, and has its lock of the container meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_vm_whose_start_never_ends_is_listed_with_the_others() {
    let Some(engine) = PrivateEngine::start() else {
        return;
    };
    let driver = Arc::new(engine.driver());
    let (held, other) = (vm(0xf005), vm(0xf006));
    for spec in [&held, &other] {
        driver.vm_create(spec, true).await.expect("created");
    }
    let script = "rm /etc/passwd && mkfifo /etc/passwd";
    let request = ExecRequest {
        argv: ["/bin/sh", "-c", script].map(str::to_owned).into(),
        timeout_s: 10,
    };
    driver.vm_exec(held.id, &request).await.expect("ran");
    driver.vm_stop(held.id).await.expect("stopped");
    let (starter, id) = (driver.clone(), held.id);
    let starting = tokio::spawn(async move { starter.vm_start(id).await });
    // A list that asks in vain notes it. From then on what would have to ask is refused at once.
    common::until("it is asked for no more", async || {
        let list = driver.vm_list().await.expect("a list");
        let power = |id: uuid::Uuid| list.iter().find(|vm| vm.spec.id == id).map(|vm| vm.power);
        assert!(power(held.id).is_some());
        assert_eq!(power(other.id), Some(PowerState::Running));
        let usage = driver.vm_usage(held.id).await;
        let is_refused =
            usage.is_err_and(|error| error.message.contains("the engine tells nothing of VM"));
        is_refused || starting.is_finished()
    })
    .await;
    if starting.is_finished() {
        eprintln!("this engine starts it all the same: that shows little");
    }
    starting.abort();
    common::until("it is let go", async || {
        // The engine reads the list more than once.
        engine.open_fifos();
        let look = tokio::time::timeout(Duration::from_secs(3), driver.vm_get(held.id));
        look.await.is_ok()
    })
    .await;
    for spec in [held, other] {
        driver.vm_delete(spec.id).await.expect("deleted");
    }
}

//! What every driver must do, held by the simulated engine and by a real one alike.
//!
//! The real one is used when `MINICLOUD_TEST_DOCKER=1`, with the image `MINICLOUD_TEST_IMAGE`
//! (default `minicloud/base`). Each test has a node name and owners of its own, and takes what it made
//! away, also when it fails.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

#[path = "conformance/bench.rs"]
mod bench;
mod common;
#[path = "conformance/docker.rs"]
mod docker;
#[path = "conformance/fault.rs"]
mod fault;
#[path = "conformance/files.rs"]
mod files;
#[path = "conformance/full.rs"]
mod full;
#[path = "common/private_engine.rs"]
mod private_engine;
#[path = "conformance/reach.rs"]
mod reach;
#[path = "conformance/registry.rs"]
mod registry;
#[path = "conformance/terminal.rs"]
mod terminal;

use std::time::Duration;

use bench::Bench;
use node::driver::TtySpec;
use node_api::{error::NodeErrorCode, event::NodeEventKind, exec::ExecOutput, vm::PowerState};

/// Runs a check on both drivers.
macro_rules! on_both {
    ($(async fn $name:ident($bench:ident: &Bench) $body:block)*) => {
        $(async fn $name($bench: &Bench) $body)*

        mod sim {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::Bench::sim().run(async |bench| super::$name(bench).await).await;
            })*
        }

        mod on_docker {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(bench) = super::Bench::docker().await {
                    bench.run(async |bench| super::$name(bench).await).await;
                }
            })*
        }
    };
}

#[path = "conformance/process.rs"]
mod process;
#[path = "conformance/ssh.rs"]
mod ssh;

on_both! {

async fn a_create_may_be_repeated_one_after_the_other_and_at_once(bench: &Bench) {
    let spec = bench.spec("web1", 0);
    let first = bench.driver.vm_create(&spec, true).await.expect("created");
    let again = bench.driver.vm_create(&spec, true).await.expect("still there");
    assert_eq!((first.power, again.power), (PowerState::Running, PowerState::Running));
    assert_eq!(first.engine_id, again.engine_id);
    assert_eq!(first.started_at, again.started_at);
    let other = bench.spec("web2", 0);
    let creates = (0..5).map(|_| bench.driver.vm_create(&other, true));
    for made in futures_util::future::join_all(creates).await {
        assert_eq!(made.expect("created").power, PowerState::Running);
    }
    let mut names: Vec<_> = bench.list().await.into_iter().map(|vm| vm.spec.name).collect();
    names.sort();
    assert_eq!(names, ["web1", "web2"]);
}

async fn a_vm_that_was_only_created_waits_for_its_start(bench: &Bench) {
    let spec = bench.spec("web1", 0);
    let made = bench.driver.vm_create(&spec, false).await.expect("created");
    assert_eq!((made.power, made.started_at, made.exit), (PowerState::Created, None, None));
    assert_eq!(made.spec, spec);
    let begun = bench.driver.vm_start(spec.id).await.expect("started");
    assert_eq!(begun.power, PowerState::Running);
    assert!(begun.started_at.is_some());
    let address = begun.address.expect("an address");
    let prefix = spec.network.subnet.rsplit_once('.').expect("a subnet").0;
    assert!(address.starts_with(prefix), "{address} in {}", spec.network.subnet);
}

async fn a_stopped_vm_keeps_its_files(bench: &Bench) {
    let spec = bench.vm("web1", 0).await;
    bench.sh(&spec, "echo kept > /root/file").await;
    let stopped = bench.driver.vm_stop(spec.id).await.expect("stopped");
    assert_eq!(stopped.power, PowerState::Exited);
    assert_eq!(stopped.exit.expect("ended").code, 0);
    let again = bench.driver.vm_stop(spec.id).await.expect("still stopped");
    assert_eq!(again.power, PowerState::Exited);
    bench.driver.vm_start(spec.id).await.expect("started");
    bench.driver.vm_start(spec.id).await.expect("still running");
    assert_eq!(bench.sh(&spec, "cat /root/file").await.stdout, "kept\n");
}

async fn a_trap_of_a_program_started_from_a_shell_runs_at_the_stop(bench: &Bench) {
    let spec = bench.vm("web1", 0).await;
    let mut terminal = bench.terminal(&spec, 80, 24).await;
    terminal.type_in(bench.trap()).await;
    terminal.wait_for("armed").await;
    let began = std::time::Instant::now();
    bench.driver.vm_stop(spec.id).await.expect("stopped");
    // What is held up is killed after ten.
    assert!(began.elapsed() < Duration::from_secs(9), "a shell held it up: {:?}", began.elapsed());
    bench.driver.vm_start(spec.id).await.expect("started");
    assert_eq!(bench.sh(&spec, "cat /root/trap").await.stdout, "trapped\n");
}

async fn a_delete_is_for_good_and_may_be_repeated(bench: &Bench) {
    let spec = bench.vm("web1", 0).await;
    for _ in 0..2 {
        bench.driver.vm_delete(spec.id).await.expect("deleted");
    }
    let gone = bench.driver.vm_get(spec.id).await.expect_err("gone");
    assert_eq!(gone.code, NodeErrorCode::NotFound);
    assert!(bench.list().await.is_empty());
    bench.driver.vm_create(&spec, true).await.expect("made anew");
}

async fn the_last_vm_of_an_owner_takes_the_network_along(bench: &Bench) {
    let (one, two, other) =
        (bench.vm("web1", 0).await, bench.vm("web2", 0).await, bench.vm("web1", 1).await);
    bench.driver.vm_delete(one.id).await.expect("deleted");
    assert!(bench.networks().await.contains(&one.network.name));
    bench.driver.vm_delete(two.id).await.expect("deleted");
    let left = bench.networks().await;
    assert!(!left.contains(&one.network.name), "{left:?}");
    assert!(left.contains(&other.network.name), "{left:?}");
}

async fn a_network_stays_while_another_nodes_vm_is_in_it(bench: &Bench) {
    let mine = bench.vm("web1", 0).await;
    let second = bench.second_node();
    let theirs = bench.spec("web2", 0);
    second.vm_create(&theirs, true).await.expect("created");
    bench.driver.vm_delete(mine.id).await.expect("deleted");
    assert!(bench.networks().await.contains(&mine.network.name));
    second.vm_delete(theirs.id).await.expect("deleted");
    assert!(!bench.networks().await.contains(&mine.network.name));
}

async fn another_nodes_vm_is_not_found_here(bench: &Bench) {
    let second = bench.second_node();
    let theirs = bench.spec("web1", 0);
    second.vm_create(&theirs, true).await.expect("created");
    for refused in [
        bench.driver.vm_get(theirs.id).await.map(drop),
        bench.driver.vm_start(theirs.id).await.map(drop),
        bench.driver.vm_stop(theirs.id).await.map(drop),
        bench.driver.vm_usage(theirs.id).await.map(drop),
        bench.driver.vm_tty(theirs.id, &TtySpec::login(80, 24)).await.map(drop),
        bench.exec(theirs.id, &["true"]).await.map(drop),
    ] {
        assert_eq!(refused.expect_err("not ours").code, NodeErrorCode::NotFound);
    }
    bench.driver.vm_delete(theirs.id).await.expect("nothing to do");
    assert_eq!(second.vm_get(theirs.id).await.expect("there").power, PowerState::Running);
    let taken = bench.driver.vm_create(&theirs, true).await.expect_err("taken");
    assert_eq!(taken.code, NodeErrorCode::Conflict);
}

async fn poweroff_inside_ends_it_with_0(bench: &Bench) {
    let spec = bench.vm("web1", 0).await;
    // PID 1 takes everything along, the command included: its own answer may be lost.
    let _ = bench.exec(spec.id, &bench.poweroff()).await;
    bench.until_power(&spec, PowerState::Exited).await;
    let exit = bench.driver.vm_get(spec.id).await.expect("there").exit.expect("ended");
    assert_eq!((exit.code, exit.oom_killed), (0, false));
}

async fn a_command_gives_its_output_and_exit_code(bench: &Bench) {
    let spec = bench.vm("web1", 0).await;
    let ExecOutput { exit_code, mixed, truncated, .. } =
        bench.sh(&spec, "echo out; exit 42").await;
    assert_eq!((exit_code, mixed.as_str(), truncated), (42, "out\n", false));
    assert_eq!(bench.sh(&spec, "hostname").await.stdout, "web1\n");
    let none = bench.exec(spec.id, &["no-such-program"]).await.expect("ran");
    assert!(matches!(none.exit_code, 126 | 127), "{none:?}");
    bench.driver.vm_stop(spec.id).await.expect("stopped");
    let refused = bench.exec(spec.id, &["true"]).await.expect_err("stopped");
    assert_eq!(refused.code, NodeErrorCode::Conflict);
}

async fn a_command_that_takes_too_long_is_a_timeout(bench: &Bench) {
    let spec = bench.vm("web1", 0).await;
    let began = std::time::Instant::now();
    let refused = bench.exec_for(spec.id, &["sleep", "20"], 1).await.expect_err("too long");
    assert_eq!(refused.code, NodeErrorCode::Timeout);
    // It was not waited for to its end.
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

async fn usage_grows_while_it_runs_and_ends_with_it(bench: &Bench) {
    let spec = bench.vm("web1", 0).await;
    let mut last = bench.driver.vm_usage(spec.id).await.expect("usage");
    bench.make_busy(&spec).await;
    // Its share is half a core; a busy machine gives it that late, and tells it late.
    common::until("it uses what it may", async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let next = bench.driver.vm_usage(spec.id).await.expect("usage");
        let cores = (next.cpu_ns - last.cpu_ns) as f64 / 1000.0 / (next.at - last.at) as f64;
        last = next;
        println!("{cores} cores");
        (0.1..0.7).contains(&cores)
    })
    .await;
    assert!(last.memory_bytes > 0 && last.processes >= 2, "{last:?}");
    bench.driver.vm_stop(spec.id).await.expect("stopped");
    bench.driver.vm_usage(spec.id).await.expect_err("not running");
    let disk = bench.driver.vm_disk_bytes(spec.id).await.expect("disk");
    assert!(disk.is_some());
}

async fn a_missing_image_is_named_as_such(bench: &Bench) {
    let mut spec = bench.spec("web1", 0);
    spec.image = "minicloud-test/no-such-image:1".into();
    let refused = bench.driver.vm_create(&spec, true).await.expect_err("no image");
    assert_eq!(refused.code, NodeErrorCode::ImageMissing, "{refused}");
    assert!(bench.list().await.is_empty());
}

async fn memory_is_never_promised_twice(bench: &Bench) {
    let report = bench.driver.engine().await;
    let capacity = report.capacity.memory_mib;
    assert!(capacity > 64, "{report:?}");
    let mut specs: Vec<_> = (0..4).map(|i| bench.spec(&format!("vm{i}"), 0)).collect();
    for spec in &mut specs {
        spec.memory_mib = capacity / 2;
    }
    let creates = specs.iter().map(|spec| bench.driver.vm_create(spec, false));
    let (made, refused): (Vec<_>, Vec<_>) =
        futures_util::future::join_all(creates).await.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (2, 2));
    for error in refused.into_iter().filter_map(Result::err) {
        assert_eq!(error.code, NodeErrorCode::NoRoom);
    }
    let kept = bench.list().await[0].spec.id;
    bench.driver.vm_delete(kept).await.expect("deleted");
    let waiting = specs.into_iter().find(|spec| spec.id != kept && made_none(&made, spec.id));
    bench.driver.vm_create(&waiting.expect("one"), false).await.expect("fits now");
}

async fn what_happens_is_told(bench: &Bench) {
    let mut events = bench.driver.events();
    let spec = bench.vm("web1", 0).await;
    bench.driver.vm_stop(spec.id).await.expect("stopped");
    bench.driver.vm_delete(spec.id).await.expect("deleted");
    let expected = [
        NodeEventKind::VmCreated,
        NodeEventKind::VmStarted,
        NodeEventKind::VmExited,
        NodeEventKind::VmDeleted,
    ];
    for kind in expected {
        let next = tokio::time::timeout(common::PATIENCE, events.recv());
        let event = next.await.expect("in time").expect("an event");
        assert_eq!((event.vm_id, event.kind), (spec.id, kind));
    }
}

async fn a_terminal_has_its_size_from_the_first_prompt_on(bench: &Bench) {
    let spec = bench.vm("web1", 0).await;
    for (cols, rows) in [(81, 25), (500, 2), (132, 43)] {
        let mut terminal = bench.terminal(&spec, cols, rows).await;
        terminal.type_in("stty size\r").await;
        terminal.wait_for(&format!("{rows} {cols}")).await;
        terminal.type_in("exit 3\r").await;
        assert_eq!(terminal.exit_code().await, 3);
    }
}

async fn a_terminal_can_be_resized(bench: &Bench) {
    let spec = bench.vm("web1", 0).await;
    let mut terminal = bench.terminal(&spec, 80, 24).await;
    terminal.type_in("echo rea''dy\r").await;
    terminal.wait_for("ready").await;
    // Once may fall into what a driver does at the start on its own.
    for round in 1..=100 {
        terminal.tty.control.resize(100, 40).await.expect("resized");
        terminal.type_in(&format!("stty size; echo rou''nd {round}.\r")).await;
        terminal.wait_for(&format!("round {round}.")).await;
        if terminal.text().contains("40 100") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it keeps its size: {:?}", terminal.text());
}

async fn a_closed_terminal_ends_its_shell(bench: &Bench) {
    let spec = bench.vm("web1", 0).await;
    let mut terminal = bench.terminal(&spec, 80, 24).await;
    terminal.type_in("echo rea''dy\r").await;
    terminal.wait_for("ready").await;
    assert_eq!(terminal.tty.control.exit_code().await.expect("known"), None);
    terminal.tty.control.kill().await.expect("killed");
    assert!(terminal.exit_code().await >= 128);
    terminal.tty.control.kill().await.expect("nothing left to kill");
}

async fn a_driver_made_anew_finds_the_vms(bench: &Bench) {
    let spec = bench.vm("web1", 0).await;
    let again = bench.same_node();
    let found = again.vm_list().await.expect("a list");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].spec.clone(), found[0].power), (spec, PowerState::Running));
}

}

fn made_none(
    made: &[Result<node_api::vm::VmReport, node::driver::DriverError>],
    id: uuid::Uuid,
) -> bool {
    !made.iter().flatten().any(|vm| vm.spec.id == id)
}

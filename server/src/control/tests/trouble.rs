//! Nodes that go away, answers that are lost, servers that end in the middle.

use std::time::{Duration, Instant};

use app::model::{NodeHealth, VmState};
use futures_util::{
    FutureExt as _,
    future::{BoxFuture, join_all},
};
use node::driver::{
    DriverError,
    sim::{SimCall, SimConfig, SimFault},
};
use node_api::error::NodeErrorCode;
use tokio::{net::TcpListener, task::JoinHandle};

use super::cloud::{Cloud, SimNode, admin};
use crate::{
    control::ControlError,
    db::{
        Db,
        testing::{each_db, eventually, user},
    },
};

fn fault(code: NodeErrorCode) -> DriverError {
    DriverError::new(code, "as the engine said")
}

/// The promise is fifteen seconds; three times that is the test's patience.
const UNKNOWN: Duration = Duration::from_secs(45);

#[tokio::test]
async fn a_silent_nodes_vms_are_unknown_within_fifteen_seconds_and_come_back_as_they_are() {
    each_db(async |db| {
        let mut cloud = Cloud::new(db, 2).await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.run(&ann, "web1").await;
        cloud.run(&ann, "web2").await;
        let begun = Instant::now();
        cloud.nodes[0].end().await;
        let mut seen = Vec::new();
        while begun.elapsed() < UNKNOWN {
            let vm = cloud.see(&ann, "web1").await.unwrap();
            seen.push(vm.state);
            if vm.state == VmState::Unknown {
                println!("unknown after {:?}", begun.elapsed());
                assert!(vm.reason.unwrap().contains("node-1 does not answer"));
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(seen.last(), Some(&VmState::Unknown), "{seen:?}");
        assert_eq!(
            cloud.see(&ann, "web2").await.unwrap().state,
            VmState::Running
        );
        // So say the counts: of each node, of all, and in the metrics, which are made of these.
        let overview = cloud.control.overview().await.unwrap();
        let counts = overview.nodes.iter().map(|node| {
            let name = node.name.as_str();
            (name, node.vms, node.vms_running, node.vms_unknown)
        });
        let counts: Vec<_> = counts.collect();
        assert_eq!(counts, [("node-1", 1, 0, 1), ("node-2", 1, 1, 0)]);
        assert_eq!((overview.vms_running, overview.vms_unknown), (1, 1));
        assert_eq!(
            cloud.run(&ann, "web3").await.node.as_deref(),
            Some("node-2")
        );
        // A VM whose deletion was acknowledged while its node was away goes when it is back.
        cloud.control.vm_delete(&ann, "web1").await.unwrap();
        cloud.nodes[0].begin_again().await;
        cloud.gone(&ann, "web1").await;
        assert!(cloud.nodes[0].engine.vms().is_empty());
        cloud.end().await;
    })
    .await;
}

/// The promise: no request of a user hangs longer.
const LONGEST: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn where_a_node_takes_calls_and_never_answers_nobody_waits_over_thirty_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let url = Db::sqlite_url(&folder.path().join("minicloud.db"));
    let mut cloud = Cloud::new(Db::open(&url).await.unwrap(), 1).await;
    let ann = user(&cloud.db, "ann", 5).await;
    let id = cloud.run(&ann, "web1").await.id;
    let (control, root) = (cloud.control.clone(), admin());
    let shell = control.shell_open(&ann, "web1", None, false).await.unwrap();
    let place = control.shell_find(&ann, &shell.shell.id).await.unwrap();
    let silence = go_silent(&mut cloud.nodes[0]).await;

    let argv = || vec!["/bin/true".to_owned()];
    let asked: Vec<(&str, BoxFuture<Result<(), ControlError>>)> = vec![
        ("list", control.vm_list(&ann).map(none).boxed()),
        ("page", control.vm_get(&ann, "web1").map(none).boxed()),
        ("offer", control.vm_offer(&ann).map(none).boxed()),
        ("create", cloud.create(&ann, "web2").map(none).boxed()),
        (
            "open",
            control
                .shell_open(&ann, "web1", None, true)
                .map(none)
                .boxed(),
        ),
        ("attach", control.shell_attach(&place, "").map(none).boxed()),
        ("close", control.shell_close(&ann, &shell.shell.id).boxed()),
        // The longest that a command may take and the margin of its call are 29 s: no time is left for a
        // machine that is busy.
        (
            "exec",
            control
                .vm_exec(&ann, "web1", argv(), Some(15))
                .map(none)
                .boxed(),
        ),
        (
            "stream",
            control.vm_exec_attach(&ann, "web1").map(none).boxed(),
        ),
        (
            "files",
            control.vm_files_attach(&ann, "web1").map(none).boxed(),
        ),
        (
            "port",
            control.vm_connect(&ann, "web1", 7, true).map(none).boxed(),
        ),
        ("admin", control.admin_vm_get(&root, &id).map(none).boxed()),
        ("overview", control.overview().map(none).boxed()),
        ("nodes", control.node_list(&root).map(none).boxed()),
    ];
    let timed = asked.into_iter().map(|(what, asked)| async move {
        let answer = tokio::time::timeout(LONGEST, asked).await;
        (what, answer.unwrap_or_else(|_| panic!("{what} hangs")))
    });
    let mut failed = 0;
    for (what, answer) in join_all(timed).await {
        if let Err(error) = answer {
            let message = error.answer("r-1").message;
            assert!(message.contains("node-1"), "{what}: {message}");
            failed += 1;
        }
    }
    assert!(failed >= 7, "what needs the node fails: {failed}");
    // By now it is known; what can wait for it is taken on at once.
    for (what, asked) in [
        ("stop", control.vm_stop(&ann, "web1").map(none).boxed()),
        ("delete", control.vm_delete(&ann, "web1").boxed()),
    ] {
        let begun = Instant::now();
        asked.await.unwrap();
        // A call to the node would be waited for longer.
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
    }
    silence.abort();
    control.stop().await;
}

fn none<T, E>(done: Result<T, E>) -> Result<(), E> {
    done.map(drop)
}

/// Ends the node and puts in its place what takes connections and never says a word.
async fn go_silent(node: &mut SimNode) -> JoinHandle<()> {
    node.end().await;
    let address = node.address.trim_start_matches("http://");
    let listener = TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(listener.accept().await.unwrap());
        }
    })
}

#[tokio::test]
async fn a_lost_answer_makes_nothing_twice() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let engine = &cloud.nodes[0].engine;
        for call in [
            SimCall::Create,
            SimCall::Start,
            SimCall::Stop,
            SimCall::Delete,
        ] {
            engine.fail_next(call, 1, SimFault::After(fault(NodeErrorCode::Timeout)));
        }
        cloud.run(&ann, "web1").await;
        cloud.control.vm_stop(&ann, "web1").await.unwrap();
        cloud.comes(&ann, "web1", VmState::Stopped).await;
        cloud.control.vm_start(&ann, "web1").await.unwrap();
        cloud.comes(&ann, "web1", VmState::Running).await;
        assert_eq!(cloud.containers(), 1);
        cloud.control.vm_delete(&ann, "web1").await.unwrap();
        cloud.gone(&ann, "web1").await;
        assert_eq!(cloud.containers(), 0);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn an_engine_that_refuses_is_tried_again_and_the_wait_is_told() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let refusal = SimFault::Before(fault(NodeErrorCode::Engine));
        cloud.nodes[0].engine.fail_next(SimCall::Create, 3, refusal);
        cloud.create(&ann, "web1").await.unwrap();
        eventually("the wait is told", async || {
            let reason = cloud.see(&ann, "web1").await.unwrap().reason;
            reason.is_some_and(|reason| reason.contains("as the engine said"))
        })
        .await;
        let runs = cloud.comes(&ann, "web1", VmState::Running).await;
        assert_eq!(runs.reason, None);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn what_cannot_work_has_failed_at_once_in_the_nodes_words() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let refusal = SimFault::Before(fault(NodeErrorCode::NoRoom));
        cloud.nodes[0].engine.fail_next(SimCall::Create, 1, refusal);
        cloud.create(&ann, "web1").await.unwrap();
        let failed = cloud.comes(&ann, "web1", VmState::Failed).await;
        assert_eq!(failed.reason.unwrap(), "node-1: as the engine said.");
        cloud.control.vm_delete(&ann, "web1").await.unwrap();
        cloud.gone(&ann, "web1").await;
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn addresses_that_something_else_has_are_left_to_it_and_others_are_taken() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let bob = user(&cloud.db, "bob", 5).await;
        cloud.run(&bob, "first").await;
        let taken = SimFault::Before(fault(NodeErrorCode::SubnetTaken));
        cloud.nodes[0].engine.fail_next(SimCall::Create, 2, taken);
        cloud.run(&ann, "web1").await;
        // 0 is Bob's, 1 and 2 were taken, and the next is further off.
        assert_eq!(cloud.row(&ann, "web1").await.network_index, Some(6));
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_new_server_goes_on_where_the_last_one_ended() {
    each_db(async |db| {
        let slow = SimConfig {
            create_delay: Duration::from_millis(300),
            stop_delay: Duration::from_millis(300),
            ..SimConfig::default()
        };
        let mut cloud = Cloud::with(db, 1, slow, |_| {}).await;
        let ann = user(&cloud.db, "ann", 9).await;
        for name in ["stops", "goes"] {
            cloud.run(&ann, name).await;
        }
        cloud.create(&ann, "comes").await.unwrap();
        cloud.control.vm_stop(&ann, "stops").await.unwrap();
        cloud.control.vm_delete(&ann, "goes").await.unwrap();
        cloud.restart().await;
        cloud.comes(&ann, "comes", VmState::Running).await;
        cloud.comes(&ann, "stops", VmState::Stopped).await;
        cloud.gone(&ann, "goes").await;
        assert_eq!(cloud.containers(), 2);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_restart_of_server_and_nodes_touches_no_vm() {
    each_db(async |db| {
        let mut cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let before = cloud.run(&ann, "web1").await;
        cloud.nodes[0].end().await;
        cloud.nodes[0].begin_again().await;
        cloud.restart().await;
        cloud.all_ready().await;
        let after = cloud.comes(&ann, "web1", VmState::Running).await;
        assert_eq!(after.started_at, before.started_at);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn many_containers_that_the_database_does_not_know_are_left_alone_and_reported() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 20).await;
        for n in 0..8 {
            cloud.run(&ann, &format!("v{n}")).await;
        }
        // The database is another one: the same node, and nothing it has.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.db");
        let other = crate::db::Db::open(&crate::db::Db::sqlite_url(&path))
            .await
            .unwrap();
        let node = &cloud.nodes[0];
        let second = crate::control::Control::start(other, cloud.config.clone(), |_, _| {})
            .await
            .unwrap();
        second
            .node_local_ensure("node-1", &node.address, "0123456789abcdef0123456789abcdef")
            .await
            .unwrap();
        eventually("the alarm is on the overview", async || {
            let problems = second.overview().await.unwrap().problems;
            problems.iter().any(|problem| {
                problem.severe
                    && problem
                        .message
                        .contains("8 of 8 containers have owners this database never knew")
            })
        })
        .await;
        assert_eq!(cloud.containers(), 8);
        second.stop().await;
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_deleted_accounts_row_goes_with_its_last_vm() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 2).await;
        let ann = user(&cloud.db, "ann", 5).await;
        for name in ["a", "b", "c"] {
            cloud.run(&ann, name).await;
        }
        let mut tx = cloud.db.write_exclusive().await.unwrap();
        assert!(
            crate::db::user::user_delete(&mut tx, &ann.user_id, 1)
                .await
                .unwrap()
        );
        let nodes = crate::db::vm::vm_delete_by_owner(&mut tx, &ann.user_id, Some(&ann))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(nodes.len(), 2);
        cloud.control.wake_nodes(&nodes);
        eventually("the name is free", async || {
            !crate::db::user::user_name_taken(&cloud.db, "ann")
                .await
                .unwrap()
        })
        .await;
        assert_eq!(cloud.containers(), 0);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_disabled_users_vms_stop_and_cannot_be_made() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.run(&ann, "web1").await;
        let mut tx = cloud.db.write_exclusive().await.unwrap();
        crate::db::user::user_disabled_set(&mut tx, &ann.user_id, true)
            .await
            .unwrap();
        let nodes = crate::db::vm::vm_stop_by_owner(&mut tx, &ann.user_id, Some(&admin()))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        cloud.control.wake_nodes(&nodes);
        cloud.comes(&ann, "web1", VmState::Stopped).await;
        let refused = super::cloud::words(cloud.create(&ann, "web2").await);
        assert_eq!(refused.code, "disabled");
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_node_that_never_answered_is_unreachable_and_gets_nothing() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let credential = "f".repeat(32);
        cloud
            .control
            .node_local_ensure("node-9", "http://127.0.0.1:9", &credential)
            .await
            .unwrap();
        let node = cloud.control.node_get(&admin(), "node-9").await.unwrap();
        assert!(matches!(node.health, NodeHealth::Unreachable { .. }));
        for name in ["a", "b"] {
            assert_eq!(cloud.run(&ann, name).await.node.as_deref(), Some("node-1"));
        }
        cloud.end().await;
    })
    .await;
}

//! Retries of what has failed: a VM gives nothing up by them.

use app::model::{NodeHealth, VmState};
use node::driver::{
    DriverError,
    sim::{SimCall, SimConfig, SimFault},
};
use node_api::error::NodeErrorCode;

use super::cloud::{Cloud, admin, id};
use crate::{
    config::Config,
    db::{
        testing::{each_db, eventually, user},
        vm::{VmRow, vm_write},
    },
};

const FILE: &str = "/root/mine";

#[tokio::test]
async fn a_vm_that_has_run_stays_with_its_files_however_often_its_start_is_refused() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 2).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let vm = cloud.run(&ann, "web1").await;
        assert_eq!(vm.node.as_deref(), Some("node-1"));
        let script = format!("echo kept > {FILE}");
        let argv = ["sh", "-c", script.as_str()].map(str::to_owned).to_vec();
        let written = cloud.control.vm_exec(&ann, "web1", argv, Some(10)).await;
        assert_eq!(written.unwrap().exit_code, 0);
        cloud.control.vm_stop(&ann, "web1").await.unwrap();
        cloud.comes(&ann, "web1", VmState::Stopped).await;

        let engine = &cloud.nodes[0].engine;
        let refusal = DriverError::new(NodeErrorCode::NoRoom, "there is no room");
        // Of the start, and of both retries after it.
        engine.fail_next(SimCall::Start, 3, SimFault::Before(refusal));
        cloud.control.vm_start(&ann, "web1").await.unwrap();
        cloud.comes(&ann, "web1", VmState::Failed).await;
        for _ in 0..2 {
            let tried = cloud.control.vm_retry(&ann, "web1").await.unwrap();
            assert_eq!(tried.node.as_deref(), Some("node-1"));
            cloud.comes(&ann, "web1", VmState::Failed).await;
        }
        cloud.control.vm_retry(&ann, "web1").await.unwrap();
        let runs = cloud.comes(&ann, "web1", VmState::Running).await;
        assert_eq!(runs.node.as_deref(), Some("node-1"));
        assert_eq!(engine.file(id(&vm), FILE).as_deref(), Some("kept\n"));
        assert_eq!(cloud.containers(), 1);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_vm_whose_container_is_there_is_tried_again_without_its_image() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.run(&ann, "web1").await;
        cloud.control.vm_stop(&ann, "web1").await.unwrap();
        cloud.comes(&ann, "web1", VmState::Stopped).await;
        let engine = &cloud.nodes[0].engine;
        engine.configure(|sim| sim.images.clear());
        eventually("it is known that the image is gone", async || {
            let node = cloud.control.node_get(&admin(), "node-1").await.unwrap();
            node.images.is_empty()
        })
        .await;
        let refusal = DriverError::new(NodeErrorCode::NoRoom, "there is no room");
        engine.fail_next(SimCall::Start, 1, SimFault::Before(refusal));
        cloud.control.vm_start(&ann, "web1").await.unwrap();
        cloud.comes(&ann, "web1", VmState::Failed).await;
        let tried = cloud.control.vm_retry(&ann, "web1").await.unwrap();
        assert_eq!(tried.state, VmState::Starting);
        cloud.comes(&ann, "web1", VmState::Running).await;
        assert_eq!(engine.calls(SimCall::Create), 1);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_retry_makes_no_container_anew_before_its_loss_is_told() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let vm = cloud.run(&ann, "web1").await;
        cloud.control.vm_stop(&ann, "web1").await.unwrap();
        cloud.comes(&ann, "web1", VmState::Stopped).await;
        let engine = &cloud.nodes[0].engine;
        let refusal = DriverError::new(NodeErrorCode::NoRoom, "there is no room");
        engine.fail_next(SimCall::Start, 1, SimFault::Before(refusal));
        cloud.control.vm_start(&ann, "web1").await.unwrap();
        let failed = cloud.comes(&ann, "web1", VmState::Failed).await;
        assert!(failed.reason.unwrap().contains("there is no room"));
        engine.vm_vanishes(id(&vm));
        cloud.control.vm_retry(&ann, "web1").await.unwrap();
        let lost = cloud.comes(&ann, "web1", VmState::Failed).await;
        assert!(lost.reason.unwrap().contains("container is gone"));
        assert_eq!(cloud.containers(), 0);
        cloud.control.vm_retry(&ann, "web1").await.unwrap();
        cloud.comes(&ann, "web1", VmState::Running).await;
        assert_eq!(cloud.containers(), 1);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_vm_whose_container_was_never_made_is_tried_on_another_node() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 2).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let refusal = DriverError::new(NodeErrorCode::NoRoom, "there is no room");
        let engine = &cloud.nodes[0].engine;
        engine.fail_next(SimCall::Create, 1, SimFault::Before(refusal));
        cloud.create(&ann, "web1").await.unwrap();
        let failed = cloud.comes(&ann, "web1", VmState::Failed).await;
        assert_eq!(failed.node.as_deref(), Some("node-1"));
        cloud.control.vm_retry(&ann, "web1").await.unwrap();
        let runs = cloud.comes(&ann, "web1", VmState::Running).await;
        assert_eq!(runs.node.as_deref(), Some("node-2"));
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_vm_whose_node_went_away_while_it_was_made_is_tried_there_alone_and_runs_once() {
    each_db(async |db| {
        let mut cloud = Cloud::new(db, 2).await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.run(&ann, "web1").await;
        cloud.nodes[0].end().await;
        eventually("its node is unreachable", async || {
            let node = cloud.control.node_get(&admin(), "node-1").await.unwrap();
            matches!(node.health, NodeHealth::Unreachable { .. })
        })
        .await;
        // It was made and started, and nobody was told.
        let row = cloud.rows().await.remove(0);
        let failed = VmRow {
            state: VmState::Failed,
            created_once: false,
            engine_id: None,
            ..row.clone()
        };
        let mut tx = cloud.db.write().await.unwrap();
        assert!(vm_write(&mut tx, &row, &failed).await.unwrap());
        tx.commit().await.unwrap();
        let tried = cloud.control.vm_retry(&ann, "web1").await.unwrap();
        assert_eq!(tried.node.as_deref(), Some("node-1"));
        assert_eq!(cloud.containers(), 1);
        cloud.nodes[0].begin_again().await;
        let runs = cloud.comes(&ann, "web1", VmState::Running).await;
        assert_eq!(runs.node.as_deref(), Some("node-1"));
        assert_eq!(cloud.containers(), 1);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_vm_that_is_tried_on_another_node_leaves_nothing_on_the_first_whatever_comes_of_it() {
    each_db(async |db| {
        let short = |config: &mut Config| config.orphan_grace_s = 1;
        let cloud = Cloud::with(db, 2, SimConfig::default(), short).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let refusal = || {
            let words = DriverError::new(NodeErrorCode::NoRoom, "there is no room");
            SimFault::Before(words)
        };
        // Made there, and not started; on the other not even made.
        let [first, second] = &cloud.nodes[..] else {
            panic!("two nodes")
        };
        first.engine.fail_next(SimCall::Start, 1, refusal());
        second.engine.fail_next(SimCall::Create, 1, refusal());
        cloud.create(&ann, "web1").await.unwrap();
        cloud.comes(&ann, "web1", VmState::Failed).await;
        assert_eq!((first.engine.vms().len(), cloud.containers()), (1, 1));
        let tried = cloud.control.vm_retry(&ann, "web1").await.unwrap();
        assert_eq!(tried.node.as_deref(), Some("node-2"));
        eventually("what is left on the first goes", async || {
            cloud.containers() == 0
        })
        .await;
        let failed = cloud.comes(&ann, "web1", VmState::Failed).await;
        assert_eq!(failed.node.as_deref(), Some("node-2"));
        cloud.control.vm_retry(&ann, "web1").await.unwrap();
        cloud.comes(&ann, "web1", VmState::Running).await;
        assert_eq!(cloud.containers(), 1);
        cloud.end().await;
    })
    .await;
}

//! Exits that nobody asked for, and containers that vanish.

use app::model::VmState;
use node::driver::sim::SimCall;

use super::cloud::{Cloud, id};
use crate::{
    clock::{self, SECOND},
    db::{
        testing::{each_db, eventually, user},
        vm::DesiredState,
    },
};

#[tokio::test]
async fn shut_down_from_inside_is_stopped_and_stays_so() {
    each_db(async |db| {
        let mut cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let vm = cloud.run(&ann, "web1").await;
        cloud.nodes[0].engine.vm_exits(id(&vm), 0);
        cloud.comes(&ann, "web1", VmState::Stopped).await;
        assert_eq!(cloud.row(&ann, "web1").await.desired, DesiredState::Stopped);
        cloud.restart().await;
        cloud.all_ready().await;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        assert_eq!(
            cloud.see(&ann, "web1").await.unwrap().state,
            VmState::Stopped
        );
        assert_eq!(cloud.kinds(&ann, "web1").await.last().unwrap(), "vm_exited");
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_crash_is_restarted_and_told() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let vm = cloud.run(&ann, "web1").await;
        let engine = &cloud.nodes[0].engine;
        engine.configure(|sim| sim.hold.push(SimCall::Start));
        engine.vm_exits(id(&vm), 3);
        let waits = cloud.comes(&ann, "web1", VmState::Starting).await;
        assert_eq!(
            waits.reason.unwrap(),
            "It ended with code 3 and starts again (restart 1 of 3)."
        );
        engine.configure(|sim| sim.hold.clear());
        let again = cloud.comes(&ann, "web1", VmState::Running).await;
        assert!(again.started_at > vm.started_at);
        assert_eq!(cloud.row(&ann, "web1").await.restarts, 1);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn out_of_memory_again_and_again_is_failed_with_the_reason_in_words() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let vm = cloud.run(&ann, "web1").await;
        // As after two restarts, so that the test need not wait for 21 s.
        let row = cloud.row(&ann, "web1").await;
        let after = crate::db::vm::VmRow {
            restarts: 3,
            ..row.clone()
        };
        let mut tx = cloud.db.write().await.unwrap();
        assert!(
            crate::db::vm::vm_write(&mut tx, &row, &after)
                .await
                .unwrap()
        );
        tx.commit().await.unwrap();
        cloud.nodes[0].engine.vm_runs_out_of_memory(id(&vm));
        let failed = cloud.comes(&ann, "web1", VmState::Failed).await;
        assert_eq!(
            failed.reason.unwrap(),
            "It ran out of memory (256 MiB) and was restarted 3 times."
        );
        eventually("the kill is an event of its own", async || {
            cloud
                .kinds(&ann, "web1")
                .await
                .contains(&"vm_oom".to_owned())
        })
        .await;
        cloud.control.vm_retry(&ann, "web1").await.unwrap();
        cloud.comes(&ann, "web1", VmState::Running).await;
        assert_eq!(cloud.containers(), 1);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn what_ended_with_its_engine_runs_again_and_what_was_stopped_rests() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let runs = cloud.run(&ann, "runs").await;
        let other = cloud.run(&ann, "other").await;
        cloud.run(&ann, "rests").await;
        cloud.control.vm_stop(&ann, "rests").await.unwrap();
        cloud.comes(&ann, "rests", VmState::Stopped).await;
        let engine = &cloud.nodes[0].engine;
        engine.set_away(Some("Cannot connect to the Docker daemon"));
        let unknown = cloud.comes(&ann, "runs", VmState::Unknown).await;
        assert!(unknown.reason.unwrap().contains("Cannot connect"));
        engine.vm_exits(id(&runs), 0);
        engine.vm_exits(id(&other), 137);
        engine.set_away(None);
        for (name, before) in [("runs", &runs), ("other", &other)] {
            eventually(&format!("{name} runs again"), async || {
                let vm = cloud.see(&ann, name).await.unwrap();
                vm.state == VmState::Running && vm.started_at > before.started_at
            })
            .await;
            assert_eq!(cloud.row(&ann, name).await.restarts, 0);
        }
        assert_eq!(
            cloud.see(&ann, "rests").await.unwrap().state,
            VmState::Stopped
        );
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn an_engine_that_was_away_for_a_moment_between_two_polls_is_no_shut_down() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let before = cloud.run(&ann, "web1").await;
        let engine = &cloud.nodes[0].engine;
        engine.set_away(Some("it restarts"));
        engine.vm_exits(id(&before), 0);
        engine.set_away(None);
        eventually("it runs again", async || {
            let vm = cloud.see(&ann, "web1").await.unwrap();
            vm.state == VmState::Running && vm.started_at > before.started_at
        })
        .await;
        assert!(
            cloud
                .kinds(&ann, "web1")
                .await
                .contains(&"vm_interrupted".to_owned())
        );
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn what_ends_by_itself_while_its_node_is_down_is_taken_for_that_when_the_node_is_back() {
    each_db(async |db| {
        let mut cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let engine = cloud.nodes[0].engine.clone();
        engine.configure(|sim| sim.began_at = Some(clock::now() - 3_600 * SECOND));
        let off = cloud.run(&ann, "off").await;
        let crashed = cloud.run(&ann, "crashed").await;
        cloud.nodes[0].end().await;
        engine.vm_exits(id(&off), 0);
        engine.vm_exits(id(&crashed), 3);
        cloud.nodes[0].begin_again().await;
        cloud.comes(&ann, "off", VmState::Stopped).await;
        assert_eq!(cloud.row(&ann, "off").await.desired, DesiredState::Stopped);
        eventually("the other is restarted, which counts", async || {
            let row = cloud.row(&ann, "crashed").await;
            row.state == VmState::Running && row.restarts == 1
        })
        .await;
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn what_ended_with_its_engine_while_its_node_was_down_runs_again() {
    each_db(async |db| {
        let mut cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let engine = cloud.nodes[0].engine.clone();
        engine.configure(|sim| sim.began_at = Some(clock::now() - 3_600 * SECOND));
        let before = cloud.run(&ann, "web1").await;
        cloud.nodes[0].end().await;
        engine.vm_exits(id(&before), 0);
        engine.configure(|sim| sim.began_at = Some(clock::now()));
        cloud.nodes[0].begin_again().await;
        eventually("it runs again", async || {
            let vm = cloud.see(&ann, "web1").await.unwrap();
            vm.state == VmState::Running && vm.started_at > before.started_at
        })
        .await;
        assert_eq!(cloud.row(&ann, "web1").await.restarts, 0);
        let kinds = cloud.kinds(&ann, "web1").await;
        assert!(kinds.contains(&"vm_interrupted".to_owned()), "{kinds:?}");
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_container_that_vanished_is_told_and_a_retry_makes_it_anew() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let vm = cloud.run(&ann, "web1").await;
        cloud.nodes[0].engine.vm_vanishes(id(&vm));
        let lost = cloud.comes(&ann, "web1", VmState::Failed).await;
        assert!(lost.reason.unwrap().contains("container is gone"));
        cloud.control.vm_retry(&ann, "web1").await.unwrap();
        cloud.comes(&ann, "web1", VmState::Running).await;
        assert_eq!(cloud.containers(), 1);
        cloud.end().await;
    })
    .await;
}

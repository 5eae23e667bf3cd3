//! From Create to Delete, as users go.

use std::time::Duration;

use app::model::{ErrorKind, VmState};
use node::driver::sim::SimCall;
use tokio::time::Instant;

use super::cloud::{Cloud, admin, id, words};
use crate::db::{
    testing::{each_db, eventually, user},
    user::user_disabled_set,
    vm::{DesiredState, VmRow, vm_stop_by_owner, vm_write},
};

#[tokio::test]
async fn a_vm_is_created_shut_down_started_restarted_and_deleted() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 2).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let vm = cloud.run(&ann, "web1").await;
        assert_eq!(
            (vm.owner.as_str(), vm.node.as_deref()),
            ("ann", Some("node-1"))
        );
        assert!(vm.started_at.is_some() && vm.reason.is_none());
        assert_eq!(cloud.containers(), 1);
        let detail = cloud.control.vm_get(&ann, "web1").await.unwrap();
        assert!(detail.address.is_some() && detail.engine_id.is_some());
        assert_eq!(
            detail.placement_reason,
            "Round robin: node-1 was next; 2 of 2 nodes fit."
        );

        assert_eq!(
            cloud.control.vm_stop(&ann, "web1").await.unwrap().state,
            VmState::Stopping
        );
        cloud.comes(&ann, "web1", VmState::Stopped).await;
        assert_eq!(cloud.containers(), 1, "a stopped VM keeps its disk");

        assert_eq!(
            cloud.control.vm_start(&ann, "web1").await.unwrap().state,
            VmState::Starting
        );
        let first = cloud.comes(&ann, "web1", VmState::Running).await.started_at;
        assert_eq!(
            cloud.control.vm_restart(&ann, "web1").await.unwrap().state,
            VmState::Stopping
        );
        eventually("it runs anew", async || {
            let vm = cloud.see(&ann, "web1").await.unwrap();
            vm.state == VmState::Running && vm.started_at > first
        })
        .await;

        cloud.control.vm_delete(&ann, "web1").await.unwrap();
        cloud.gone(&ann, "web1").await;
        assert_eq!(cloud.containers(), 0);
        assert!(
            cloud
                .nodes
                .iter()
                .all(|node| node.engine.networks().is_empty())
        );
        let kinds = cloud.kinds(&ann, "web1").await;
        assert_eq!(
            kinds,
            [
                "vm_create",
                "vm_running",
                "vm_stop",
                "vm_start",
                "vm_running",
                "vm_restart",
                "vm_running",
                "vm_delete",
                "vm_deleted"
            ]
        );
        cloud.run(&ann, "web1").await;
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn every_verb_can_be_said_twice() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.run(&ann, "web1").await;
        for _ in 0..2 {
            cloud.control.vm_start(&ann, "web1").await.unwrap();
        }
        for _ in 0..2 {
            cloud.control.vm_stop(&ann, "web1").await.unwrap();
        }
        cloud.comes(&ann, "web1", VmState::Stopped).await;
        let engine = &cloud.nodes[0].engine;
        engine.configure(|sim| sim.hold.push(SimCall::Delete));
        for _ in 0..2 {
            cloud.control.vm_delete(&ann, "web1").await.unwrap();
        }
        engine.configure(|sim| sim.hold.clear());
        cloud.gone(&ann, "web1").await;
        let kinds = cloud.kinds(&ann, "web1").await;
        assert_eq!(
            kinds,
            [
                "vm_create",
                "vm_running",
                "vm_stop",
                "vm_delete",
                "vm_deleted"
            ]
        );
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_vm_that_is_shut_down_while_it_is_made_ends_stopped_and_can_be_started() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        cloud.nodes[0]
            .engine
            .configure(|sim| sim.create_delay = Duration::from_millis(200));
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.create(&ann, "web1").await.unwrap();
        cloud.control.vm_stop(&ann, "web1").await.unwrap();
        cloud.comes(&ann, "web1", VmState::Stopped).await;
        cloud.control.vm_start(&ann, "web1").await.unwrap();
        cloud.comes(&ann, "web1", VmState::Running).await;
        assert_eq!(cloud.containers(), 1);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_vm_that_is_deleted_while_it_is_made_leaves_nothing() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let engine = &cloud.nodes[0].engine;
        engine.configure(|sim| sim.hold = vec![SimCall::Create, SimCall::Delete]);
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.create(&ann, "web1").await.unwrap();
        eventually("the node makes it", async || {
            engine.calls(SimCall::Create) > 0
        })
        .await;
        cloud.control.vm_delete(&ann, "web1").await.unwrap();
        let again = words(cloud.create(&ann, "web1").await);
        assert!(
            again.message.contains("still being deleted"),
            "{}",
            again.message
        );
        engine.configure(|sim| sim.hold.clear());
        cloud.gone(&ann, "web1").await;
        assert_eq!(cloud.containers(), 0);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn bad_input_gets_a_message_beside_its_field_and_leaves_nothing() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 2).await;
        let create = async |name: &str, flavor: &str, image: &str| {
            words(
                cloud
                    .control
                    .vm_create(&ann, name, flavor, image, false)
                    .await,
            )
        };
        cloud.run(&ann, "taken").await;
        for (name, flavor, image, field, code, kind) in [
            (
                "My_VM",
                "small",
                "alpine",
                "name",
                "name_invalid",
                ErrorKind::Invalid,
            ),
            (
                "",
                "small",
                "alpine",
                "name",
                "name_invalid",
                ErrorKind::Invalid,
            ),
            (
                "taken",
                "small",
                "alpine",
                "name",
                "vm_name_taken",
                ErrorKind::Conflict,
            ),
            (
                "a",
                "huge",
                "alpine",
                "flavor",
                "flavor_unknown",
                ErrorKind::Invalid,
            ),
            (
                "a",
                "small",
                "windows",
                "image",
                "image_unknown",
                ErrorKind::Invalid,
            ),
        ] {
            let error = create(name, flavor, image).await;
            assert_eq!(error.field.as_deref(), Some(field), "{}", error.message);
            assert_eq!((error.code.as_str(), error.kind), (code, kind));
        }
        cloud.run(&ann, "second").await;
        let third = create("third", "small", "alpine").await;
        assert_eq!(
            (third.code.as_str(), third.kind),
            ("quota_exceeded", ErrorKind::Conflict)
        );
        assert!(third.message.contains("2 of 2 VMs"), "{}", third.message);
        assert_eq!(cloud.rows().await.len(), 2);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn where_no_size_and_no_image_is_named_the_first_and_the_default_are_taken() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 2).await;
        let made = cloud.control.vm_create(&ann, "web1", "", "", false).await;
        let vm = made.unwrap();
        assert_eq!((vm.flavor.as_str(), vm.image.as_str()), ("small", "alpine"));
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn anothers_vm_is_as_one_that_does_not_exist() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let bob = user(&cloud.db, "bob", 5).await;
        cloud.run(&ann, "web1").await;
        let answers = |name: &'static str| {
            let (control, bob) = (cloud.control.clone(), bob.clone());
            async move {
                [
                    words(control.vm_get(&bob, name).await.map(drop)),
                    words(control.vm_start(&bob, name).await),
                    words(control.vm_stop(&bob, name).await),
                    words(control.vm_restart(&bob, name).await),
                    words(control.vm_retry(&bob, name).await),
                    words(control.vm_delete(&bob, name).await),
                    words(control.vm_event_list(&bob, name, None).await),
                    words(control.shell_open(&bob, name, None, false).await),
                ]
            }
        };
        for (theirs, nobodys) in answers("web1")
            .await
            .into_iter()
            .zip(answers("nosuch").await)
        {
            assert_eq!(theirs.kind, ErrorKind::NotFound);
            assert_eq!(theirs.message.replace("web1", "nosuch"), nobodys.message);
        }
        assert!(cloud.control.vm_list(&bob).await.unwrap().vms.is_empty());
        cloud.run(&bob, "web1").await;
        assert_eq!(cloud.control.vm_list(&ann).await.unwrap().vms.len(), 1);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn whoever_waits_for_the_outcome_gets_it_or_what_is_there_at_the_deadline() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let vm = cloud.create(&ann, "web1").await.unwrap();
        let wait = async |generation, seconds| {
            let deadline = Instant::now() + Duration::from_secs(seconds);
            cloud
                .control
                .vm_wait(&vm.id, generation, deadline)
                .await
                .unwrap()
        };
        assert_eq!(wait(1, 60).await.unwrap().state, VmState::Running);
        let engine = &cloud.nodes[0].engine;
        engine.configure(|sim| sim.hold.push(SimCall::Stop));
        cloud.control.vm_stop(&ann, "web1").await.unwrap();
        assert_eq!(wait(2, 0).await.unwrap().state, VmState::Stopping);
        engine.configure(|sim| sim.hold.clear());
        assert_eq!(wait(2, 60).await.unwrap().state, VmState::Stopped);
        cloud.control.vm_delete(&ann, "web1").await.unwrap();
        assert_eq!(wait(3, 60).await, None);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn an_admin_acts_on_anybodys_vm_and_the_owner_sees_who_it_was() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let vm = cloud.run(&ann, "web1").await;
        assert_eq!(
            cloud
                .control
                .admin_vm_list(&admin())
                .await
                .unwrap()
                .vms
                .len(),
            1
        );
        cloud.control.admin_vm_stop(&admin(), &vm.id).await.unwrap();
        cloud.comes(&ann, "web1", VmState::Stopped).await;
        let page = cloud
            .control
            .vm_event_list(&ann, "web1", None)
            .await
            .unwrap();
        let said: Vec<&str> = page
            .events
            .iter()
            .map(|event| event.sentence.as_str())
            .collect();
        assert!(said.contains(&"root shut web1 down"), "{said:?}");
        cloud
            .control
            .admin_vm_delete(&admin(), &vm.id)
            .await
            .unwrap();
        cloud.gone(&ann, "web1").await;
        assert_eq!(cloud.control.overview().await.unwrap().vms, 0);
        let nobody = words(
            cloud
                .control
                .admin_vm_get(&admin(), &id(&vm).to_string())
                .await
                .map(drop),
        );
        assert_eq!(nobody.kind, ErrorKind::NotFound);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn every_tab_of_the_owner_is_told_of_each_change() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let mut changes = cloud.control.changes();
        cloud.run(&ann, "web1").await;
        let mut mine = 0;
        // What is seen is told of a moment later.
        eventually("creating and running are told", async || {
            while let Ok(change) = changes.try_recv() {
                mine += usize::from(change.owner_id.as_deref() == Some(&ann.user_id));
            }
            mine >= 2
        })
        .await;
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_vm_runs_soon_after_it_was_asked_for() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 20).await;
        let mut times = Vec::new();
        for n in 0..20 {
            let mut changes = cloud.control.changes();
            let begun = std::time::Instant::now();
            cloud.create(&ann, &format!("v{n}")).await.unwrap();
            while cloud.see(&ann, &format!("v{n}")).await.unwrap().state != VmState::Running {
                changes.recv().await.unwrap();
            }
            times.push(begun.elapsed());
        }
        times.sort();
        println!(
            "create to running, engine at no cost: median {:?}, worst {:?}",
            times[10], times[19]
        );
        // The bar is 60 ms in a release build on an idle machine; this is neither. A node that is not woken
        // looks every two seconds.
        assert!(times[10] < Duration::from_secs(2), "{times:?}");
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn what_was_asked_before_an_account_was_disabled_and_done_after_it_is_refused() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.run(&ann, "web1").await;
        // The restart has read the VM, and waits for its turn to write.
        let mut tx = cloud.db.write_exclusive().await.unwrap();
        let (control, asker) = (cloud.control.clone(), ann.clone());
        let restart = tokio::spawn(async move { control.vm_restart(&asker, "web1").await });
        tokio::time::sleep(Duration::from_millis(300)).await;
        user_disabled_set(&mut tx, &ann.user_id, true)
            .await
            .unwrap();
        let root = admin();
        let nodes = vm_stop_by_owner(&mut tx, &ann.user_id, Some(&root)).await;
        tx.commit().await.unwrap();
        cloud.control.wake_nodes(&nodes.unwrap());
        assert_eq!(words(restart.await.unwrap()).code, "disabled");
        let row = cloud.row(&ann, "web1").await;
        assert_eq!(row.desired, DesiredState::Stopped);
        cloud.comes(&ann, "web1", VmState::Stopped).await;
        // Nor is one who was an admin when asking.
        user_disabled_set_now(&cloud, &root.user_id).await;
        let start = cloud.control.admin_vm_start(&root, &row.id).await;
        assert_eq!(words(start).code, "disabled");
        let added = cloud.control.image_add(&root, "b", "b:1", "", None).await;
        assert_eq!(words(added).code, "disabled");
        cloud.end().await;
    })
    .await;
}

async fn user_disabled_set_now(cloud: &Cloud, user_id: &str) {
    let mut tx = cloud.db.write().await.unwrap();
    user_disabled_set(&mut tx, user_id, true).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn retry_of_a_vm_that_could_not_be_shut_down_shuts_it_down() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.run(&ann, "web1").await;
        let engine = &cloud.nodes[0].engine;
        engine.configure(|config| config.hold = vec![SimCall::Stop]);
        cloud.control.vm_stop(&ann, "web1").await.unwrap();
        // As it is written down when its time is over.
        let row = cloud.row(&ann, "web1").await;
        let failed = VmRow {
            state: VmState::Failed,
            reason: Some("It did not shut down within 60 s on node-1.".into()),
            ..row.clone()
        };
        let mut tx = cloud.db.write().await.unwrap();
        assert!(vm_write(&mut tx, &row, &failed).await.unwrap());
        tx.commit().await.unwrap();
        let retried = cloud.control.vm_retry(&ann, "web1").await.unwrap();
        assert_eq!(retried.state, VmState::Stopping);
        let row = cloud.row(&ann, "web1").await;
        assert_eq!(row.desired, DesiredState::Stopped);
        engine.configure(|config| config.hold.clear());
        cloud.comes(&ann, "web1", VmState::Stopped).await;
        cloud.end().await;
    })
    .await;
}

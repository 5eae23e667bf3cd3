//! Shells: opened, found again, closed, and nobody else's.

use std::{sync::Arc, time::Duration};

use app::model::{ErrorKind, VmState};
use node_api::{
    error::{NodeError, NodeErrorCode},
    shell::{SHELLS_PER_VM, ShellCreate},
};
use uuid::Uuid;

use super::cloud::{Cloud, admin, words};
use crate::{
    actor::Actor,
    balancer::{NodeCallError, NodeEntry},
    db::{
        shell::{ShellRow, shell_list_by_vm},
        testing::{each_db, eventually, user},
    },
};

#[tokio::test]
async fn a_shell_is_found_again_until_a_new_one_is_asked_for_or_it_is_closed() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.run(&ann, "web1").await;
        let open = async |shell: Option<&str>, new| {
            cloud
                .control
                .shell_open(&ann, "web1", shell, new)
                .await
                .unwrap()
        };
        let first = open(None, false).await;
        assert_eq!(first.attach, format!("/shells/{}/attach", first.shell.id));
        assert_eq!(open(None, false).await.shell.id, first.shell.id);
        let second = open(None, true).await;
        assert_ne!(second.shell.id, first.shell.id);
        assert_eq!(
            open(None, false).await.shell.id,
            second.shell.id,
            "the newest"
        );
        let named = open(Some(&first.shell.id), false).await;
        assert_eq!(
            (named.shell.id.as_str(), named.others.len()),
            (first.shell.id.as_str(), 1)
        );
        let place = cloud
            .control
            .shell_find(&ann, &first.shell.id)
            .await
            .unwrap();
        cloud
            .control
            .shell_attach(&place, "client=0123456789abcdef")
            .await
            .unwrap();
        cloud
            .control
            .shell_close(&ann, &second.shell.id)
            .await
            .unwrap();
        assert!(
            cloud
                .control
                .shell_find(&ann, &second.shell.id)
                .await
                .is_err()
        );
        assert_eq!(open(None, false).await.shell.id, first.shell.id);
        let detail = cloud.control.vm_get(&ann, "web1").await.unwrap();
        assert_eq!(detail.shells.unwrap().len(), 1);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_stopped_vm_has_no_shell_and_says_what_to_do() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.run(&ann, "web1").await;
        cloud.control.vm_stop(&ann, "web1").await.unwrap();
        cloud.comes(&ann, "web1", VmState::Stopped).await;
        let refused = words(cloud.control.shell_open(&ann, "web1", None, false).await);
        assert_eq!(refused.code, "vm_not_running");
        assert!(refused.message.contains("Start it first"));

        let engine = &cloud.nodes[0].engine;
        engine.configure(|sim| sim.start_delay = Duration::from_millis(500));
        cloud.control.vm_start(&ann, "web1").await.unwrap();
        let refused = words(cloud.control.shell_open(&ann, "web1", None, false).await);
        assert_eq!(refused.code, "vm_not_running");
        assert!(refused.message.contains("(starting). Wait until it runs"));
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_shell_is_its_owners_and_an_admin_in_it_is_an_event_once() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let bob = user(&cloud.db, "bob", 5).await;
        let root = admin();
        let vm = cloud.run(&ann, "web1").await;
        let shell = cloud
            .control
            .shell_open(&ann, "web1", None, false)
            .await
            .unwrap()
            .shell
            .id;
        for refused in [
            words(cloud.control.shell_find(&bob, &shell).await.map(drop)),
            words(cloud.control.shell_close(&bob, &shell).await),
            words(cloud.control.shell_close(&root, &shell).await),
        ] {
            assert_eq!(refused.kind, ErrorKind::NotFound);
        }
        let opened = async || {
            let kinds = cloud.kinds(&ann, "web1").await;
            kinds.iter().filter(|kind| *kind == "shell_open").count()
        };
        assert_eq!(opened().await, 1);
        let theirs = cloud
            .control
            .admin_shell_open(&root, &vm.id, None, false)
            .await
            .unwrap();
        assert_eq!(
            (theirs.shell.id.as_str(), opened().await),
            (shell.as_str(), 2)
        );
        for _ in 0..3 {
            cloud.control.shell_find(&root, &shell).await.unwrap();
        }
        assert_eq!(opened().await, 2);
        let new = cloud
            .control
            .admin_shell_open(&root, &vm.id, None, true)
            .await
            .unwrap()
            .shell
            .id;
        assert_eq!(opened().await, 3);
        cloud.control.shell_close(&root, &new).await.unwrap();
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn shells_of_a_deleted_vm_cannot_be_found() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.run(&ann, "web1").await;
        let shell = cloud
            .control
            .shell_open(&ann, "web1", None, false)
            .await
            .unwrap()
            .shell
            .id;
        cloud.control.vm_delete(&ann, "web1").await.unwrap();
        assert!(
            cloud.control.shell_find(&ann, &shell).await.is_err(),
            "at once"
        );
        cloud.gone(&ann, "web1").await;
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn an_address_of_a_shell_that_has_ended_says_so_for_ones_own_vm_alone() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let (control, ann) = (&cloud.control, user(&cloud.db, "ann", 5).await);
        let bob = user(&cloud.db, "bob", 5).await;
        cloud.run(&ann, "web1").await;
        let open = control.shell_open(&ann, "web1", None, false).await;
        let closed = open.unwrap().shell.id;
        control.shell_close(&ann, &closed).await.unwrap();
        let unknown = Uuid::now_v7().to_string();
        for id in [closed.as_str(), unknown.as_str()] {
            let refused = words(control.shell_open(&ann, "web1", Some(id), false).await);
            assert_eq!(
                (
                    refused.kind,
                    refused.code.as_str(),
                    refused.message.as_str()
                ),
                (
                    ErrorKind::Conflict,
                    "shell_ended",
                    "This shell of web1 has ended. Open a new one."
                )
            );
            let others = words(control.shell_open(&bob, "web1", Some(id), false).await);
            assert_eq!(others.kind, ErrorKind::NotFound);
        }
        let no_id = words(control.shell_open(&ann, "web1", Some("1"), false).await);
        assert_eq!(no_id.kind, ErrorKind::NotFound);
        cloud.end().await;
    })
    .await;
}

/// The node of a VM, and the VM's id there.
async fn place(cloud: &Cloud, owner: &Actor, vm: &str) -> (Arc<NodeEntry>, Uuid) {
    let row = cloud.row(owner, vm).await;
    cloud.control.shell_node(&row).unwrap()
}

#[tokio::test]
async fn a_shell_that_its_node_made_for_nobody_is_closed_at_the_next_look() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let (control, ann) = (&cloud.control, user(&cloud.db, "ann", 5).await);
        cloud.run(&ann, "web1").await;
        let own = control.shell_open(&ann, "web1", None, false).await.unwrap();
        let (entry, vm_id) = place(&cloud, &ann, "web1").await;
        let nobodys = ShellCreate::new(Uuid::now_v7(), 80, 24);
        entry.client.shell_create(vm_id, &nobodys).await.unwrap();
        let seen = control.shell_open(&ann, "web1", None, false).await.unwrap();
        assert_eq!((&seen.shell.id, seen.others.len()), (&own.shell.id, 0));
        eventually("it is closed", async || {
            let there = entry.client.shell_list(vm_id).await.unwrap();
            there.iter().all(|shell| shell.id != nobodys.id)
        })
        .await;
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_shell_whose_node_did_not_answer_stays_in_the_list_and_a_refused_one_does_not() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let (control, ann) = (&cloud.control, user(&cloud.db, "ann", 5).await);
        cloud.run(&ann, "web1").await;
        let (entry, _) = place(&cloud, &ann, "web1").await;
        let row = cloud.row(&ann, "web1").await;
        let made = control.shell_open(&ann, "web1", None, false).await.unwrap();
        let id: Uuid = made.shell.id.parse().unwrap();

        let late = NodeCallError::Timeout(Duration::from_secs(10));
        let refused = words(control.shell_unmade(&row, &entry, id, late).await);
        assert_eq!(refused.code, "node_unavailable");
        let again = control.shell_open(&ann, "web1", None, false).await.unwrap();
        assert_eq!(again.shell.id, made.shell.id, "it can be found, and closed");

        let no = NodeCallError::Refused(NodeError {
            code: NodeErrorCode::Engine,
            message: "no".into(),
        });
        words(control.shell_unmade(&row, &entry, id, no).await);
        let rows = shell_list_by_vm(&cloud.db, &row.id).await.unwrap();
        assert!(rows.is_empty(), "{rows:?}");
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn the_thirty_third_shell_of_a_vm_is_refused_with_what_to_do() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let (control, ann) = (&cloud.control, user(&cloud.db, "ann", 5).await);
        cloud.run(&ann, "web1").await;
        let mut last = String::new();
        for _ in 0..SHELLS_PER_VM {
            let open = control.shell_open(&ann, "web1", None, true).await;
            last = open.unwrap().shell.id;
        }
        let refused = words(control.shell_open(&ann, "web1", None, true).await);
        assert_eq!(
            (
                refused.kind,
                refused.code.as_str(),
                refused.message.as_str()
            ),
            (
                ErrorKind::Conflict,
                "shells_max",
                "web1 has 32 shells open. Close one first."
            )
        );
        control.shell_close(&ann, &last).await.unwrap();
        control.shell_open(&ann, "web1", None, true).await.unwrap();
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn who_was_in_a_shell_is_forgotten_with_its_row() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let (control, ann) = (&cloud.control, user(&cloud.db, "ann", 5).await);
        let root = admin();
        let vm = cloud.run(&ann, "web1").await;
        let mut shells = Vec::new();
        for _ in 0..2 {
            let open = control.admin_shell_open(&root, &vm.id, None, true).await;
            shells.push(open.unwrap().shell.id);
        }
        let ended = ShellRow {
            id: shells[0].clone(),
            vm_id: vm.id.clone(),
            opened_by: root.user_id.clone(),
            created_at: 0,
            is_told: false,
        };
        let row = cloud.row(&ann, "web1").await;
        let swept = control.shell_rows_sweep(&row, &[ended], &[]).await;
        swept.unwrap();
        let rows = shell_list_by_vm(&cloud.db, &vm.id).await.unwrap();
        assert_eq!(rows.len(), 1, "{rows:?}");
        let told: Vec<_> = control.told_shells().iter().cloned().collect();
        assert_eq!(told, [(root.user_id, shells[1].clone())]);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn of_a_vm_whose_node_does_not_answer_nobody_says_that_no_shell_is_open() {
    each_db(async |db| {
        let mut cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.run(&ann, "web1").await;
        let open = cloud.control.shell_open(&ann, "web1", None, false).await;
        let shells = async || {
            let detail = cloud.control.vm_get(&ann, "web1").await.unwrap();
            detail.shells.map(|shells| shells.len())
        };
        assert_eq!((open.is_ok(), shells().await), (true, Some(1)));
        cloud.nodes[0].end().await;
        // At once, while the VM seems to run, and once its state is not known.
        let detail = cloud.control.vm_get(&ann, "web1").await.unwrap();
        assert!(detail.shells.is_none(), "{:?}", detail.shells);
        cloud.comes(&ann, "web1", VmState::Unknown).await;
        let detail = cloud.control.vm_get(&ann, "web1").await.unwrap();
        assert!(detail.shells.is_none(), "{:?}", detail.shells);
        cloud.nodes[0].begin_again().await;
        cloud.end().await;
    })
    .await;
}

//! Shells: opened, found again, closed, and nobody else's.

use app::model::{ErrorKind, Role, VmState};

use super::cloud::{Cloud, words};
use crate::{
    actor::Actor,
    db::testing::{each_db, user},
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
        assert_eq!(detail.shells.len(), 1);
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
        let root = Actor {
            role: Role::Admin,
            ..user(&cloud.db, "root", 5).await
        };
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

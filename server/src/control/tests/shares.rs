//! Shells that are shared: invited, accepted, taken back, and never more than that.

use std::time::{Duration, Instant};

use app::model::{ErrorKind, Role, ShellMode, VmState};
use tokio::net::TcpListener;

use super::cloud::{Cloud, words};
use crate::{
    actor::Actor,
    clock,
    control::Control,
    db::{
        shell_invitation::{ShellInvitationRow, shell_invitation_find, shell_invitation_insert},
        testing::{each_db, eventually, user},
        user::user_delete,
    },
    secret::Secret,
};

/// Ann's VM web1 with a shell, and Bob.
struct Scene {
    cloud: Cloud,
    ann: Actor,
    bob: Actor,
    shell: String,
}

impl Scene {
    async fn new(db: crate::db::Db) -> Self {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let bob = user(&cloud.db, "bob", 5).await;
        cloud.run(&ann, "web1").await;
        let shell = Self::open(&cloud.control, &ann).await;
        Self {
            cloud,
            ann,
            bob,
            shell,
        }
    }

    async fn open(control: &Control, owner: &Actor) -> String {
        let opened = control.shell_open(owner, "web1", None, true).await.unwrap();
        opened.shell.id
    }

    fn control(&self) -> &Control {
        &self.cloud.control
    }

    /// The token of a new link to Ann's shell.
    async fn invite(&self, mode: ShellMode) -> String {
        let made = self.control();
        let made = made
            .shell_invitation_create(&self.ann, &self.shell, mode)
            .await;
        made.unwrap().1.expose().to_owned()
    }

    /// Bob's grant to Ann's shell.
    async fn grant(&self, mode: ShellMode) -> String {
        let token = self.invite(mode).await;
        let grant = self.control().shell_grant_create(&self.bob, &token).await;
        grant.unwrap().id
    }

    async fn has_seat(&self, actor: &Actor) -> bool {
        self.control().shell_seat(actor, &self.shell).await.is_ok()
    }
}

#[tokio::test]
async fn an_accepted_invitation_lets_one_user_into_one_shell_and_nothing_else() {
    each_db(async |db| {
        let scene = Scene::new(db).await;
        let control = scene.control();
        let carl = user(&scene.cloud.db, "carl", 5).await;
        let token = scene.invite(ShellMode::Watch).await;
        let seen = control
            .shell_invitation_get(&scene.bob, &token)
            .await
            .unwrap();
        assert_eq!((seen.owner.as_str(), seen.vm.as_str()), ("ann", "web1"));
        assert!(!scene.has_seat(&scene.bob).await, "a look changes nothing");
        let grant = control
            .shell_grant_create(&scene.bob, &token)
            .await
            .unwrap();
        assert_eq!((grant.user.as_str(), grant.mode), ("bob", ShellMode::Watch));
        let seat = control.shell_seat(&scene.bob, &scene.shell).await.unwrap();
        assert_eq!(seat.mode(), ShellMode::Watch);
        for refused in [
            words(control.shell_grant_create(&carl, &token).await),
            words(control.shell_invitation_get(&carl, &token).await),
        ] {
            assert_eq!(refused.code, "invitation_closed", "good once");
            assert_eq!(refused.kind, ErrorKind::NotFound);
        }
        let second = Scene::open(control, &scene.ann).await;
        for refused in [
            words(control.shell_seat(&scene.bob, &second).await.map(drop)),
            words(control.shell_find(&scene.bob, &scene.shell).await.map(drop)),
            words(control.shell_close(&scene.bob, &scene.shell).await),
            words(control.shell_share_get(&scene.bob, &scene.shell).await),
            words(control.vm_get(&scene.bob, "web1").await.map(drop)),
            words(control.shell_seat(&carl, &scene.shell).await.map(drop)),
            words(control.shell_shared_get(&carl, &grant.id).await),
            words(control.shell_shared_get(&scene.ann, &grant.id).await),
            words(control.shell_grant_delete(&carl, &grant.id).await),
        ] {
            assert_eq!(
                (refused.kind, refused.code.as_str()),
                (ErrorKind::NotFound, "not_found")
            );
        }
        scene.cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_grant_is_taken_back_by_the_owner_or_given_up_and_both_are_events() {
    each_db(async |db| {
        let scene = Scene::new(db).await;
        let control = scene.control();
        let first = scene.grant(ShellMode::Watch).await;
        control
            .shell_grant_delete(&scene.ann, &first)
            .await
            .unwrap();
        assert!(!scene.has_seat(&scene.bob).await);
        let second = scene.grant(ShellMode::Type).await;
        let shared = control.shell_shared_list(&scene.bob).await.unwrap();
        assert_eq!((shared.len(), shared[0].id.as_str()), (1, second.as_str()));
        control
            .shell_grant_delete(&scene.bob, &second)
            .await
            .unwrap();
        assert!(!scene.has_seat(&scene.bob).await);
        let again = words(control.shell_grant_delete(&scene.bob, &second).await);
        assert_eq!(again.kind, ErrorKind::NotFound);
        let kinds = scene.cloud.kinds(&scene.ann, "web1").await;
        let shared: Vec<&str> = kinds
            .iter()
            .map(String::as_str)
            .filter(|kind| kind.starts_with("shell_") && *kind != "shell_open")
            .collect();
        assert_eq!(
            shared,
            [
                "shell_invitation_create",
                "shell_grant_create",
                "shell_grant_delete",
                "shell_invitation_create",
                "shell_grant_create",
                "shell_grant_leave"
            ]
        );
        scene.cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_second_acceptance_stands_in_place_of_the_first() {
    each_db(async |db| {
        let scene = Scene::new(db).await;
        let first = scene.grant(ShellMode::Type).await;
        let grant = scene
            .control()
            .shell_seat(&scene.bob, &scene.shell)
            .await
            .unwrap();
        let before = grant.grant.clone().unwrap();
        let visit = scene.control().shell_visit(&scene.bob, &before).await;
        let visit = visit.unwrap();
        let second = scene.grant(ShellMode::Watch).await;
        assert_ne!(first, second);
        assert!(
            visit.ended.is_cancelled(),
            "who came in by the first is out"
        );
        let held = scene.control().shell_seat_check(&scene.bob, &grant).await;
        assert_eq!(words(held).kind, ErrorKind::NotFound);
        let share = scene
            .control()
            .shell_share_get(&scene.ann, &scene.shell)
            .await;
        let share = share.unwrap();
        assert_eq!(
            (share.grants.len(), share.grants[0].mode),
            (1, ShellMode::Watch)
        );
        drop(visit);
        scene.cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_link_that_was_withdrawn_or_is_past_its_end_or_the_owners_own_gives_nothing() {
    each_db(async |db| {
        let scene = Scene::new(db).await;
        let control = scene.control();
        let token = scene.invite(ShellMode::Watch).await;
        let own = words(control.shell_grant_create(&scene.ann, &token).await);
        assert_eq!(own.code, "invitation_own");
        let open = control
            .shell_share_get(&scene.ann, &scene.shell)
            .await
            .unwrap();
        let id = &open.invitations[0].id;
        let others = words(control.shell_invitation_delete(&scene.bob, id).await);
        assert_eq!(others.kind, ErrorKind::NotFound);
        control
            .shell_invitation_delete(&scene.ann, id)
            .await
            .unwrap();
        let row = ShellInvitationRow {
            id: "i1".into(),
            expires_at: clock::now() - 1,
            ..row(&scene).await
        };
        let mut tx = scene.cloud.db.write().await.unwrap();
        let late = Secret::new("late");
        shell_invitation_insert(&mut tx, &row, &late.hash())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        for token in [token.as_str(), "late", "", "never"] {
            let refused = words(control.shell_grant_create(&scene.bob, token).await);
            assert_eq!(refused.code, "invitation_closed", "{token}");
        }
        let open = control
            .shell_share_get(&scene.ann, &scene.shell)
            .await
            .unwrap();
        assert!(open.invitations.is_empty(), "{open:?}");
        scene.cloud.end().await;
    })
    .await;
}

/// What an open invitation of Ann's looks like in the table.
async fn row(scene: &Scene) -> ShellInvitationRow {
    let token = Secret::new(scene.invite(ShellMode::Watch).await);
    let found = shell_invitation_find(&scene.cloud.db, &token.hash(), clock::now()).await;
    let row = found.unwrap().unwrap();
    scene
        .control()
        .shell_invitation_delete(&scene.ann, &row.id)
        .await
        .unwrap();
    row
}

#[tokio::test]
async fn of_many_who_accept_at_once_one_gets_in() {
    each_db(async |db| {
        let scene = Scene::new(db).await;
        let token = scene.invite(ShellMode::Watch).await;
        let mut people = Vec::new();
        for number in 0..8 {
            people.push(user(&scene.cloud.db, &format!("guest{number}"), 1).await);
        }
        let accepts = people
            .iter()
            .map(|person| scene.control().shell_grant_create(person, &token));
        let done = futures_util::future::join_all(accepts).await;
        assert_eq!(
            done.iter().filter(|done| done.is_ok()).count(),
            1,
            "{done:?}"
        );
        scene.cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn grants_and_links_end_with_the_shell_the_vm_and_the_account() {
    each_db(async |db| {
        let mut scene = Scene::new(db).await;
        scene.grant(ShellMode::Type).await;
        let token = scene.invite(ShellMode::Type).await;
        let control = scene.control();
        control.shell_close(&scene.ann, &scene.shell).await.unwrap();
        assert!(!scene.has_seat(&scene.bob).await, "the shell was closed");
        let refused = words(control.shell_grant_create(&scene.bob, &token).await);
        assert_eq!(refused.code, "invitation_closed");

        scene.shell = Scene::open(scene.control(), &scene.ann).await;
        let grant = scene.grant(ShellMode::Type).await;
        let mut tx = scene.cloud.db.write_exclusive().await.unwrap();
        user_delete(&mut tx, &scene.bob.user_id, 1).await.unwrap();
        tx.commit().await.unwrap();
        assert!(!scene.has_seat(&scene.bob).await, "the account was deleted");
        let share = scene
            .control()
            .shell_share_get(&scene.ann, &scene.shell)
            .await;
        assert!(share.unwrap().grants.is_empty());
        let gone = words(scene.control().shell_grant_delete(&scene.ann, &grant).await);
        assert_eq!(gone.kind, ErrorKind::NotFound);

        scene.bob = user(&scene.cloud.db, "bobby", 5).await;
        let grant = scene.grant(ShellMode::Type).await;
        let control = scene.control();
        control.vm_stop(&scene.ann, "web1").await.unwrap();
        scene
            .cloud
            .comes(&scene.ann, "web1", VmState::Stopped)
            .await;
        eventually("shells end with their VM", async || {
            let list = control.shell_shared_list(&scene.bob).await.unwrap();
            list.is_empty()
        })
        .await;
        let ended = words(control.shell_shared_get(&scene.bob, &grant).await);
        assert_eq!(ended.code, "shell_ended");
        control.vm_delete(&scene.ann, "web1").await.unwrap();
        assert!(!scene.has_seat(&scene.bob).await, "the VM was deleted");
        let gone = words(control.shell_shared_get(&scene.bob, &grant).await);
        assert_eq!(gone.code, "not_found");
        scene.cloud.gone(&scene.ann, "web1").await;
        scene.cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_vms_shells_are_shared_so_often_and_then_something_must_go() {
    each_db(async |db| {
        let scene = Scene::new(db).await;
        scene.grant(ShellMode::Watch).await;
        for _ in 1..32 {
            scene.invite(ShellMode::Watch).await;
        }
        let control = scene.control();
        let over = async || {
            let made = control
                .shell_invitation_create(&scene.ann, &scene.shell, ShellMode::Watch)
                .await;
            made.map(drop)
        };
        assert_eq!(words(over().await).code, "shell_shares_max");
        let share = control
            .shell_share_get(&scene.ann, &scene.shell)
            .await
            .unwrap();
        control
            .shell_invitation_delete(&scene.ann, &share.invitations[0].id)
            .await
            .unwrap();
        over().await.unwrap();
        scene.cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_link_to_a_shell_that_has_ended_is_not_open_and_makes_no_grant() {
    each_db(async |db| {
        let mut scene = Scene::new(db).await;
        let first = scene.invite(ShellMode::Watch).await;
        let grant = scene.grant(ShellMode::Watch).await;
        let refusals = async |scene: &Scene, token: &str| {
            let control = scene.control();
            [
                words(control.shell_invitation_get(&scene.bob, token).await).code,
                words(control.shell_grant_create(&scene.bob, token).await).code,
            ]
        };
        let vm = scene.cloud.row(&scene.ann, "web1").await;
        let (entry, _) = scene.control().shell_node(&vm).unwrap();
        let ended = scene.shell.clone();
        // By itself, that is not by its owner's word.
        entry
            .client
            .shell_close(ended.parse().unwrap())
            .await
            .unwrap();
        assert_eq!(refusals(&scene, &first).await, ["invitation_closed"; 2]);
        assert!(
            !scene.control().shell_may_live(&vm.id, &ended).await,
            "{grant}"
        );

        scene.shell = Scene::open(scene.control(), &scene.ann).await;
        let second = scene.invite(ShellMode::Watch).await;
        assert!(scene.control().shell_may_live(&vm.id, &scene.shell).await);
        scene.control().vm_stop(&scene.ann, "web1").await.unwrap();
        scene
            .cloud
            .comes(&scene.ann, "web1", VmState::Stopped)
            .await;
        assert_eq!(refusals(&scene, &second).await, ["invitation_closed"; 2]);
        let kinds = scene.cloud.kinds(&scene.ann, "web1").await;
        let granted = kinds.iter().filter(|kind| *kind == "shell_grant_create");
        assert_eq!(granted.count(), 1, "the one before");
        scene.cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn who_accepts_while_the_shell_is_closed_is_in_or_told_that_it_is_closed() {
    each_db(async |db| {
        let mut scene = Scene::new(db).await;
        let carl = user(&scene.cloud.db, "carl", 5).await;
        for _ in 0..8 {
            scene.shell = Scene::open(scene.control(), &scene.ann).await;
            let tokens = [
                scene.invite(ShellMode::Watch).await,
                scene.invite(ShellMode::Type).await,
            ];
            let (control, shell) = (scene.control(), &scene.shell);
            let (bobs, carls, closed, invited) = tokio::join!(
                control.shell_grant_create(&scene.bob, &tokens[0]),
                control.shell_grant_create(&carl, &tokens[1]),
                control.shell_close(&scene.ann, shell),
                control.shell_invitation_create(&scene.ann, shell, ShellMode::Watch),
            );
            closed.unwrap();
            let refused = [bobs.err(), carls.err(), invited.err()];
            for refused in refused.into_iter().flatten() {
                let refused = refused.answer("r");
                assert_eq!(refused.kind, ErrorKind::NotFound, "{refused:?}");
            }
            assert!(!scene.has_seat(&scene.bob).await);
        }
        scene.cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn who_accepts_while_their_account_is_deleted_has_no_grant() {
    each_db(async |db| {
        let scene = Scene::new(db).await;
        let token = scene.invite(ShellMode::Watch).await;
        let mut tx = scene.cloud.db.write_exclusive().await.unwrap();
        user_delete(&mut tx, &scene.bob.user_id, 1).await.unwrap();
        tx.commit().await.unwrap();
        let refused = scene.control().shell_grant_create(&scene.bob, &token).await;
        assert_eq!(words(refused).kind, ErrorKind::Forbidden);
        let open = scene
            .control()
            .shell_invitation_get(&scene.ann, &token)
            .await;
        assert!(open.is_ok(), "the link was not used up");
        scene.cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_grant_counts_before_an_admins_right_and_says_so() {
    each_db(async |db| {
        let mut scene = Scene::new(db).await;
        scene.bob.role = Role::Admin;
        let control = scene.control();
        let vm_id = control.vm_get(&scene.ann, "web1").await.unwrap().vm.id;
        let page = async || {
            let opened = control
                .admin_shell_open(&scene.bob, &vm_id, Some(&scene.shell), false)
                .await;
            opened.unwrap()
        };
        let as_admin = control.shell_seat(&scene.bob, &scene.shell).await.unwrap();
        assert_eq!(as_admin.mode(), ShellMode::Type);
        assert!(!page().await.watches);
        let grant = scene.grant(ShellMode::Watch).await;
        assert!(page().await.watches, "the page says that one watches");
        let as_guest = control.shell_seat(&scene.bob, &scene.shell).await.unwrap();
        assert_eq!(as_guest.mode(), ShellMode::Watch);
        let held = control.shell_seat_check(&scene.bob, &as_admin).await;
        assert_eq!(words(held).kind, ErrorKind::NotFound, "no seat beside it");
        control
            .shell_grant_delete(&scene.ann, &grant)
            .await
            .unwrap();
        let held = control.shell_seat_check(&scene.bob, &as_guest).await;
        assert_eq!(words(held).kind, ErrorKind::NotFound, "taken back");
        assert!(!page().await.watches);
        scene.cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_guest_who_comes_and_goes_all_the_time_is_two_events() {
    each_db(async |db| {
        let scene = Scene::new(db).await;
        let control = scene.control();
        let grant = scene.grant(ShellMode::Watch).await;
        let seat = control.shell_seat(&scene.bob, &scene.shell).await.unwrap();
        let row = seat.grant.unwrap();
        for _ in 0..20 {
            let visit = control.shell_visit(&scene.bob, &row).await;
            drop(visit.unwrap());
        }
        let visits = async || {
            let kinds = scene.cloud.kinds(&scene.ann, "web1").await;
            let is_visit = |kind: &String| kind == "shell_join" || kind == "shell_leave";
            kinds.into_iter().filter(is_visit).collect::<Vec<_>>()
        };
        assert_eq!(visits().await, ["shell_join"]);
        control
            .shell_grant_delete(&scene.ann, &grant)
            .await
            .unwrap();
        let both = ["shell_join", "shell_leave"];
        eventually("it is noted that they left", async || {
            visits().await == both
        })
        .await;
        scene.cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_node_that_does_not_answer_keeps_nobodys_first_page() {
    each_db(async |db| {
        let mut scene = Scene::new(db).await;
        scene.grant(ShellMode::Watch).await;
        scene.cloud.nodes[0].end().await;
        let listen = scene.cloud.nodes[0].address.clone();
        let silent = TcpListener::bind(listen.strip_prefix("http://").unwrap()).await;
        let silent = silent.unwrap();
        let began = Instant::now();
        let list = scene.control().shell_shared_list(&scene.bob).await.unwrap();
        assert_eq!(list.len(), 1, "it is listed as long as nobody knows better");
        let took = began.elapsed();
        println!("the list took {took:?}");
        // The node itself would be waited for ten seconds.
        assert!(took < Duration::from_secs(9), "{took:?}");
        drop(silent);
        scene.cloud.nodes[0].begin_again().await;
        scene.cloud.end().await;
    })
    .await;
}

//! What holds for every change that control and accounts can make: its event is part of it.

use std::{collections::BTreeSet, fmt::Debug, fs, path::Path};

use app::model::{QuotaForm, Role, ShellMode, VmState};
use node::driver::{
    DriverError,
    sim::{SimCall, SimConfig, SimEngine, SimFault},
};
use node_api::error::NodeErrorCode;

use crate::{
    auth::testing::{Browser, OTHER, PASSWORD, auth_on, events},
    control::{
        ShellWish,
        tests::cloud::{CREDENTIAL, Cloud, SimNode, admin},
    },
    db::{
        Db,
        event::SYSTEM,
        testing::{each_db, events_hide, eventually, user},
    },
    public_key::PublicKey,
    scope::Scopes,
};

/// Its private half was thrown away.
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIERF/2hogv7RNsw08L+0TZRm0AAHrvJXNdr7sZjvD+Vn ann@laptop";
const QUOTA: QuotaForm = QuotaForm {
    vms: 7,
    cpu_millis: 500,
    memory_mib: 256,
    disk_gib: 2,
};

/// Calls that change nothing that anybody is told of: they read, wait, check, or are the server's own
/// beginning and end. `node_local_ensure` writes down what stands in the configuration.
const READS: &str = "
    admin_vm_get admin_vm_list check event_list first_start_pending hash image_list login_session_list
    node_get node_list node_local_ensure node_local_left_over overview password_strength shell_attach shell_invitation_get
    shell_may_live shell_seat shell_seat_check shell_share_get shell_shared_get shell_shared_list ssh_key_list
    ssh_key_users ssh_turn start stop strength token_list user_list verify viewer vm_event_list vm_find
    vm_find_named vm_get vm_is_on vm_list vm_list_by_node vm_name_check vm_offer vm_settle vm_views
    vm_wait wait
";

/// Makes changes one after the other, and knows which calls were made.
struct Watch {
    db: Db,
    called: BTreeSet<&'static str>,
}

impl Watch {
    /// A change and its event are one: where the event cannot be written, the change is refused and
    /// undone; else there is one event more, of that kind.
    async fn change<T, E: Debug>(
        &mut self,
        call: &'static str,
        kind: &str,
        run: impl AsyncFn() -> Result<T, E>,
    ) -> T {
        events_hide(&self.db, true).await;
        let refused = run().await;
        events_hide(&self.db, false).await;
        assert!(refused.is_err(), "{call} is done without its event");
        self.told(call, kind, run).await
    }

    /// It is told of, but happens also where that cannot be written down.
    async fn told<T, E: Debug>(
        &mut self,
        call: &'static str,
        kind: &str,
        run: impl AsyncFn() -> Result<T, E>,
    ) -> T {
        let before = self.kinds().await;
        let done = run().await;
        let done = done.unwrap_or_else(|error| panic!("{call}: {error:?}"));
        let after = self.kinds().await;
        assert_eq!(after[before.len()..], [kind], "{call}");
        self.called.insert(call);
        done
    }

    /// Kinds of the events of people, and of whoever has the host, oldest first.
    async fn kinds(&self) -> Vec<String> {
        let of_people = |actor: &str, kind: &str| actor != SYSTEM || kind == "user_password_reset";
        let events = events(&self.db).await.into_iter();
        let events = events.filter(|event| of_people(&event.actor, &event.kind));
        events.map(|event| event.kind).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_change_is_made_without_its_event() {
    each_db(async |db| {
        let mut watch = Watch {
            db: db.clone(),
            called: BTreeSet::new(),
        };
        // While there is nobody yet.
        accounts(&mut watch).await;
        let cloud = Cloud::new(db, 1).await;
        vms(&mut watch, &cloud).await;
        shells(&mut watch, &cloud).await;
        nodes_and_images(&mut watch, &cloud).await;
        let reads: BTreeSet<String> = READS.split_whitespace().map(str::to_owned).collect();
        let changes: BTreeSet<String> = watch.called.iter().copied().map(str::to_owned).collect();
        assert!(reads.is_disjoint(&changes));
        // A new call is to be tried here, or named above.
        let tried = reads
            .into_iter()
            .chain(changes)
            .map(|call| base(&call).to_owned());
        assert_eq!(tried.collect::<BTreeSet<String>>(), calls());
        cloud.end().await;
    })
    .await;
}

/// A create with an id that its caller chose is the create.
fn base(call: &str) -> &str {
    call.strip_suffix("_as").unwrap_or(call)
}

/// Every method of control and of accounts that others can await.
fn calls() -> BTreeSet<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![source.join("control.rs"), source.join("auth.rs")];
    for folder in ["control", "auth"] {
        let entries = fs::read_dir(source.join(folder)).unwrap();
        files.extend(entries.map(|entry| entry.unwrap().path()));
    }
    let is_code = |path: &&std::path::PathBuf| path.is_file() && !path.ends_with("auth/testing.rs");
    let texts = files
        .iter()
        .filter(is_code)
        .map(|path| fs::read_to_string(path).unwrap());
    let name = |line: &str| {
        let rest = line.strip_prefix("    pub async fn ")?;
        Some(base(rest.split(['(', '<']).next()?).to_owned())
    };
    texts
        .flat_map(|text| text.lines().filter_map(name).collect::<Vec<_>>())
        .collect()
}

async fn accounts(watch: &mut Watch) {
    let auth = auth_on(watch.db.clone()).await;
    let ann = watch
        .change("account_create", "account_create", async || {
            let mut browser = Browser::new(&auth);
            browser.register("ann", PASSWORD).await.map(|()| browser)
        })
        .await;
    let root = watch
        .change("login", "login", async || {
            let mut browser = Browser::new(&auth);
            browser.login("admin", PASSWORD).await.map(|_| browser)
        })
        .await;
    let other = Browser::of(&auth, "ann", PASSWORD).await.caller().await;
    let other = other.login_session_id.unwrap();
    watch
        .change("login_session_delete", "login_session_delete", async || {
            auth.login_session_delete(&ann.caller().await, &other).await
        })
        .await;
    let other = Browser::of(&auth, "ann", PASSWORD).await;
    watch
        .change("logout", "logout", async || {
            auth.logout(&other.caller().await).await
        })
        .await;
    let ann = watch
        .change("password_change", "password_change", async || {
            let mut browser = ann.clone();
            let changed = browser.password_change(PASSWORD, OTHER).await;
            changed.map(|()| browser)
        })
        .await;

    let caller = ann.caller().await;
    let scopes = Scopes::parse("read write").unwrap();
    let (token, _) = watch
        .change("token_create", "token_create", async || {
            let id = uuid::Uuid::now_v7().to_string();
            auth.token_create(&caller, &id, "laptop", scopes, None)
                .await
        })
        .await;
    watch
        .change("token_delete", "token_delete", async || {
            auth.token_delete(&caller, &token.id).await
        })
        .await;
    let id = uuid::Uuid::now_v7().to_string();
    watch
        .change("ssh_key_add", "ssh_key_add", async || {
            auth.ssh_key_add(&caller, &id, KEY, None).await
        })
        .await;
    let key = PublicKey::read(KEY).unwrap();
    let found = auth.ssh_key_users(&key, None).await.unwrap().remove(0);
    let signed_in = watch
        .change("ssh_signed_in", "ssh_sign_in", async || {
            auth.ssh_signed_in("ann", caller.address, &found, true)
                .await
        })
        .await;
    watch
        .told("ssh_ended", "ssh_sign_out", async || {
            auth.ssh_ended(&signed_in, "a shell").await;
            Ok::<_, ()>(())
        })
        .await;
    watch
        .change("ssh_key_delete", "ssh_key_delete", async || {
            auth.ssh_key_delete(&caller, &id).await
        })
        .await;

    let gone = Browser::registered(&auth, "gone").await.caller().await;
    watch
        .change("account_delete", "account_delete", async || {
            auth.account_delete(&gone, "YES").await
        })
        .await;
    let root = root.caller().await;
    watch
        .change("user_quota", "user_quota", async || {
            auth.user_quota(&root, "ann", QUOTA).await
        })
        .await;
    let id = uuid::Uuid::now_v7().to_string();
    watch
        .change("user_create", "user_create", async || {
            auth.user_create(&root, &id, "zoe").await
        })
        .await;
    for (disabled, kind) in [(true, "user_disable"), (false, "user_enable")] {
        watch
            .change("user_disable", kind, async || {
                auth.user_disable(&root, "ann", disabled).await
            })
            .await;
    }
    watch
        .change("user_role", "user_role", async || {
            auth.user_role(&root, "ann", Role::Admin).await
        })
        .await;
    watch
        .change("user_password_reset", "user_password_reset", async || {
            auth.user_password_reset(&root, "ann").await
        })
        .await;
    watch
        .change(
            "user_password_reset_on_host",
            "user_password_reset",
            async || auth.user_password_reset_on_host("ann").await,
        )
        .await;
}

async fn vms(watch: &mut Watch, cloud: &Cloud) {
    let control = &cloud.control;
    let (vic, root) = (user(&cloud.db, "vic", 9).await, admin());
    let ready = async |name: &str, state: VmState| cloud.comes(&vic, name, state).await;
    watch
        .change("vm_create", "vm_create", async || {
            cloud.create(&vic, "web1").await
        })
        .await;
    let id = uuid::Uuid::now_v7().to_string();
    watch
        .change("vm_create_as", "vm_create", async || {
            control
                .vm_create_as(&vic, &id, "web2", "small", "alpine", false)
                .await
        })
        .await;
    ready("web1", VmState::Running).await;
    ready("web2", VmState::Running).await;
    watch
        .change("vm_stop", "vm_stop", async || {
            control.vm_stop(&vic, "web1").await
        })
        .await;
    ready("web1", VmState::Stopped).await;
    watch
        .change("vm_start", "vm_start", async || {
            control.vm_start(&vic, "web1").await
        })
        .await;
    ready("web1", VmState::Running).await;
    watch
        .change("vm_restart", "vm_restart", async || {
            control.vm_restart(&vic, "web1").await
        })
        .await;
    ready("web1", VmState::Running).await;

    let full = DriverError::new(NodeErrorCode::NoRoom, "there is no room");
    let engine = &cloud.nodes[0].engine;
    engine.fail_next(SimCall::Create, 1, SimFault::Before(full));
    cloud.create(&vic, "web3").await.unwrap();
    ready("web3", VmState::Failed).await;
    watch
        .change("vm_retry", "vm_retry", async || {
            control.vm_retry(&vic, "web3").await
        })
        .await;

    watch
        .change("admin_vm_stop", "vm_stop", async || {
            control.admin_vm_stop(&root, &id).await
        })
        .await;
    ready("web2", VmState::Stopped).await;
    watch
        .change("admin_vm_start", "vm_start", async || {
            control.admin_vm_start(&root, &id).await
        })
        .await;
    ready("web2", VmState::Running).await;
    let argv = || vec!["/bin/sh".into(), "-c".into(), "echo".into()];
    watch
        .change("vm_exec", "vm_exec", async || {
            control.vm_exec(&vic, "web1", argv(), None).await
        })
        .await;
    watch
        .change("admin_vm_exec", "vm_exec", async || {
            control.admin_vm_exec(&root, &id, argv(), None).await
        })
        .await;
    watch
        .change("vm_exec_attach", "vm_exec", async || {
            control.vm_exec_attach(&vic, "web1").await.map(drop)
        })
        .await;
    watch
        .change("vm_files_attach", "vm_files", async || {
            control.vm_files_attach(&vic, "web1").await.map(drop)
        })
        .await;
    watch
        .change("vm_connect", "vm_connect", async || {
            control.vm_connect(&vic, "web1", 7, true).await.map(drop)
        })
        .await;
    watch
        .change("vm_delete", "vm_delete", async || {
            control.vm_delete(&vic, "web1").await
        })
        .await;
    watch
        .change("admin_vm_delete", "vm_delete", async || {
            control.admin_vm_delete(&root, &id).await
        })
        .await;
}

async fn shells(watch: &mut Watch, cloud: &Cloud) {
    let control = &cloud.control;
    let sue = user(&cloud.db, "sue", 5).await;
    let guest = user(&cloud.db, "guest", 5).await;
    let root = admin();
    let vm = cloud.run(&sue, "web1").await;
    let wish = || ShellWish {
        cols: 80,
        rows: 24,
        at_first_attach: false,
        command: None,
        env: Vec::new(),
    };
    watch
        .change("shell_create", "shell_open", async || {
            control.shell_create(&sue, "web1", wish()).await.map(drop)
        })
        .await;
    let shell = watch
        .change("shell_open", "shell_open", async || {
            control.shell_open(&sue, "web1", None, true).await
        })
        .await;
    let shell = shell.shell.id;
    watch
        .change("admin_shell_open", "shell_open", async || {
            control.admin_shell_open(&root, &vm.id, None, true).await
        })
        .await;
    // An admin who comes into somebody's shell.
    watch
        .change("shell_find", "shell_open", async || {
            control.shell_find(&root, &shell).await.map(drop)
        })
        .await;
    let invite = async || {
        let mode = ShellMode::Watch;
        control.shell_invitation_create(&sue, &shell, mode).await
    };
    let (invitation, _) = watch
        .change(
            "shell_invitation_create",
            "shell_invitation_create",
            async || invite().await,
        )
        .await;
    watch
        .change(
            "shell_invitation_delete",
            "shell_invitation_delete",
            async || control.shell_invitation_delete(&sue, &invitation.id).await,
        )
        .await;
    for (ends, kind) in [(&guest, "shell_grant_leave"), (&sue, "shell_grant_delete")] {
        let (_, token) = invite().await.unwrap();
        watch
            .change("shell_grant_create", "shell_grant_create", async || {
                control.shell_grant_create(&guest, token.expose()).await
            })
            .await;
        let seat = control.shell_seat(&guest, &shell).await.unwrap();
        let grant = seat.grant.unwrap();
        let visit = watch
            .told("shell_visit", "shell_join", async || {
                control.shell_visit(&guest, &grant).await.ok_or("no place")
            })
            .await;
        watch
            .change("shell_grant_delete", kind, async || {
                control.shell_grant_delete(ends, &grant.id).await
            })
            .await;
        let before = watch.kinds().await.len();
        drop(visit);
        eventually("their leaving is told", async || {
            let kinds = watch.kinds().await;
            kinds[before..] == ["shell_leave"]
        })
        .await;
    }
    watch
        .change("shell_close", "shell_close", async || {
            control.shell_close(&sue, &shell).await
        })
        .await;
}

async fn nodes_and_images(watch: &mut Watch, cloud: &Cloud) {
    let control = &cloud.control;
    let root = admin();
    let engine = SimEngine::new(SimConfig::default());
    let mut lab = SimNode::begin("lab", engine, "127.0.0.1:0").await;
    watch
        .change("node_add", "node_add", async || {
            control
                .node_add(&root, "lab", &lab.address, CREDENTIAL, None)
                .await
        })
        .await;
    for (cordoned, kind) in [(true, "node_cordon"), (false, "node_uncordon")] {
        watch
            .change("node_cordon", kind, async || {
                control.node_cordon(&root, "lab", cordoned).await
            })
            .await;
    }
    watch
        .change("node_remove", "node_remove", async || {
            control.node_remove(&root, "lab", None).await
        })
        .await;
    lab.end().await;
    watch
        .change("image_add", "image_add", async || {
            control
                .image_add(&root, "other", "other:1", "Other", None)
                .await
        })
        .await;
    watch
        .change("image_default", "image_default", async || {
            control.image_default(&root, "alpine").await
        })
        .await;
    watch
        .change("image_remove", "image_remove", async || {
            control.image_remove(&root, "other").await
        })
        .await;
}

//! VMs' own SSH servers: a port each, the keys of their owners, and what is in the way of it.

use app::model::{SshPublished, VmState};
use node::driver::{
    DriverError,
    sim::{SimCall, SimFault},
};
use node_api::error::NodeErrorCode;

use super::cloud::{Cloud, SSH_PORTS, id, words};
use crate::{
    actor::Actor,
    control::ControlError,
    db::{
        node::node_allocation_list,
        ssh_key::{SshKeyRow, ssh_key_delete, ssh_key_insert},
        testing::{each_db, eventually, user},
    },
};

const KEYS: &str = "/root/.ssh/authorized_keys";
const HOST_KEY: &str = "/etc/dropbear/dropbear_ed25519_host_key";

async fn key_add(cloud: &Cloud, owner: &Actor, name: &str) {
    let key = SshKeyRow {
        id: name.into(),
        user_id: owner.user_id.clone(),
        fingerprint: format!("SHA256:{name}"),
        public_key: format!("ssh-ed25519 {name}"),
        comment: "laptop".into(),
        created_at: 1,
        used_at: None,
        confirmed_at: None,
    };
    let mut tx = cloud.db.write().await.unwrap();
    ssh_key_insert(&mut tx, &key).await.unwrap();
    tx.commit().await.unwrap();
}

async fn publish(cloud: &Cloud, owner: &Actor, name: &str) -> Result<(), ControlError> {
    let made = cloud
        .control
        .vm_create(owner, name, "small", "alpine", true);
    made.await.map(drop)
}

/// Waits until the VM runs and its SSH is set up, or was given up.
async fn settled(cloud: &Cloud, owner: &Actor, name: &str) -> SshPublished {
    let mut last = None;
    eventually(&format!("the SSH of {name} is settled"), async || {
        let vm = cloud.see(owner, name).await;
        last = vm.and_then(|vm| vm.ssh_published);
        last.as_ref()
            .is_some_and(|at| at.ready || at.reason.is_some())
    })
    .await;
    last.expect("seen")
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_creates_at_once_each_gets_a_port_of_its_own_and_no_more_than_there_are() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 2).await;
        let ann = user(&cloud.db, "ann", 30).await;
        key_add(&cloud, &ann, "one").await;
        let names: Vec<String> = (0..20).map(|n| format!("vm{n}")).collect();
        let creates = names.iter().map(|name| publish(&cloud, &ann, name));
        let (made, refused): (Vec<_>, Vec<_>) = futures_util::future::join_all(creates)
            .await
            .into_iter()
            .partition(Result::is_ok);
        assert_eq!(
            (made.len(), refused.len()),
            (16, 4),
            "two nodes with 8 ports each"
        );
        for error in refused {
            let said = words(error);
            assert_eq!(said.code, "no_room");
            assert!(said.message.contains("no port left for SSH"), "{said:?}");
        }
        let rows = cloud.rows().await;
        let mut ports: Vec<_> = rows
            .iter()
            .map(|row| (row.node_id.clone(), row.ssh_port.expect("published")))
            .collect();
        let both = SSH_PORTS.first..SSH_PORTS.first + 16;
        assert!(
            ports.iter().all(|(_, port)| both.contains(port)),
            "{ports:?}"
        );
        ports.sort();
        ports.dedup();
        assert_eq!(ports.len(), 16, "no port twice on a node");
        // They are of one host: with another number of nodes each has another part.
        for node in node_allocation_list(&cloud.db).await.unwrap() {
            assert_eq!(node.ssh_ports.len(), 16, "{}", node.name);
        }
        // A VM without SSH needs none, and a port comes free with its VM.
        cloud.run(&ann, "plain").await;
        let first = rows.first().expect("one").name.clone();
        cloud.control.vm_delete(&ann, &first).await.unwrap();
        cloud.gone(&ann, &first).await;
        publish(&cloud, &ann, "next").await.unwrap();
        cloud.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn port_host_key_and_own_keys_stay_and_the_accounts_keys_are_those_of_the_start() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        key_add(&cloud, &ann, "one").await;
        let engine = cloud.nodes[0].engine.clone();
        // An answer that was lost costs nothing.
        let lost = DriverError::new(NodeErrorCode::Timeout, "lost");
        engine.fail_next(SimCall::Ssh, 1, SimFault::After(lost));
        publish(&cloud, &ann, "web1").await.unwrap();
        let at = settled(&cloud, &ann, "web1").await;
        assert_eq!((at.host.as_str(), at.ready), ("127.0.0.1", true));
        let vm = cloud.see(&ann, "web1").await.unwrap();
        let file = |path| engine.file(id(&vm), path).unwrap_or_default();
        assert!(
            file(KEYS).contains("ssh-ed25519 one laptop"),
            "{}",
            file(KEYS)
        );
        let host_key = file(HOST_KEY);
        cloud.control.vm_stop(&ann, "web1").await.unwrap();
        let stopped = cloud.comes(&ann, "web1", VmState::Stopped).await;
        assert!(!stopped.ssh_published.unwrap().ready);
        let mut tx = cloud.db.write().await.unwrap();
        ssh_key_delete(&mut tx, &ann.user_id, "one").await.unwrap();
        tx.commit().await.unwrap();
        key_add(&cloud, &ann, "two").await;
        cloud.control.vm_start(&ann, "web1").await.unwrap();
        eventually("the new key is there", async || file(KEYS).contains("two")).await;
        assert_eq!(settled(&cloud, &ann, "web1").await.port, at.port);
        assert!(!file(KEYS).contains("one") && engine.ssh_serves(id(&vm)));
        assert_eq!(file(HOST_KEY), host_key);
        // It crashes, and is started again with all that.
        engine.vm_exits(id(&vm), 1);
        eventually("it serves again", async || engine.ssh_serves(id(&vm))).await;
        cloud.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_vm_leaves_a_port_that_the_host_uses_and_one_that_had_it_waits_for_it() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        key_add(&cloud, &ann, "one").await;
        let engine = cloud.nodes[0].engine.clone();
        let odd: Vec<u16> = (SSH_PORTS.first..=SSH_PORTS.last)
            .filter(|port| port % 2 == 1)
            .collect();
        engine.configure(|sim| sim.ports_taken = odd);
        for name in ["web1", "web2", "web3"] {
            publish(&cloud, &ann, name).await.unwrap();
            let port = settled(&cloud, &ann, name).await.port;
            assert_eq!(port % 2, 0, "{port}");
        }
        cloud.control.vm_stop(&ann, "web1").await.unwrap();
        let stopped = cloud.comes(&ann, "web1", VmState::Stopped).await;
        let port = stopped.ssh_published.unwrap().port;
        engine.configure(|sim| sim.ports_taken = vec![port]);
        cloud.control.vm_start(&ann, "web1").await.unwrap();
        eventually("it says what it waits for", async || {
            let vm = cloud.see(&ann, "web1").await.unwrap();
            let reason = vm.reason.unwrap_or_default();
            reason.contains(&format!("port {port} for SSH is in use"))
        })
        .await;
        engine.configure(|sim| sim.ports_taken.clear());
        assert_eq!(settled(&cloud, &ann, "web1").await.port, port);
        cloud.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_that_has_run_keeps_its_port_when_it_is_tried_again_while_another_program_has_it() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        key_add(&cloud, &ann, "one").await;
        let engine = cloud.nodes[0].engine.clone();
        publish(&cloud, &ann, "web1").await.unwrap();
        let port = settled(&cloud, &ann, "web1").await.port;
        cloud.control.vm_stop(&ann, "web1").await.unwrap();
        cloud.comes(&ann, "web1", VmState::Stopped).await;
        let refusal = DriverError::new(NodeErrorCode::NoRoom, "there is no room");
        engine.fail_next(SimCall::Start, 1, SimFault::Before(refusal));
        cloud.control.vm_start(&ann, "web1").await.unwrap();
        cloud.comes(&ann, "web1", VmState::Failed).await;
        engine.configure(|sim| sim.ports_taken = vec![port]);
        cloud.control.vm_retry(&ann, "web1").await.unwrap();
        eventually("it says what it waits for", async || {
            let vm = cloud.see(&ann, "web1").await.unwrap();
            let reason = vm.reason.unwrap_or_default();
            reason.contains(&format!("port {port} for SSH is in use"))
        })
        .await;
        // Its container publishes that port and no other.
        assert_eq!(cloud.row(&ann, "web1").await.ssh_port, Some(port));
        engine.configure(|sim| sim.ports_taken.clear());
        assert_eq!(settled(&cloud, &ann, "web1").await.port, port);
        cloud.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vm_whose_ssh_server_does_not_start_runs_says_so_and_is_tried_at_its_next_start() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        key_add(&cloud, &ann, "one").await;
        let engine = cloud.nodes[0].engine.clone();
        let broken = DriverError::new(NodeErrorCode::Conflict, "dropbear is not there");
        engine.fail_next(SimCall::Ssh, 4, SimFault::Before(broken));
        publish(&cloud, &ann, "web1").await.unwrap();
        let at = settled(&cloud, &ann, "web1").await;
        assert!(!at.ready);
        assert!(at.reason.unwrap().contains("ropbear is not there"));
        cloud.comes(&ann, "web1", VmState::Running).await;
        assert!(
            cloud
                .kinds(&ann, "web1")
                .await
                .contains(&"vm_ssh_failed".to_owned())
        );
        cloud.control.vm_restart(&ann, "web1").await.unwrap();
        eventually("it is ready", async || {
            let vm = cloud.see(&ann, "web1").await.unwrap();
            vm.ssh_published.is_some_and(|at| at.ready)
        })
        .await;
        cloud.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_could_not_sign_in_is_refused_with_what_to_do() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let offer = cloud.control.vm_offer(&ann).await.unwrap();
        assert!(offer.ssh_unavailable.unwrap().contains("no SSH key"));
        let refused = words(publish(&cloud, &ann, "web1").await);
        assert_eq!(
            (refused.code.as_str(), refused.field.as_deref()),
            ("ssh_key_missing", Some("ssh_publish"))
        );
        key_add(&cloud, &ann, "one").await;
        let offer = cloud.control.vm_offer(&ann).await.unwrap();
        assert_eq!(offer.ssh_unavailable, None);
        let root = super::cloud::admin();
        let added = cloud
            .control
            .image_add(&root, "bare", "minicloud/base", "", None);
        added.await.unwrap();
        let bare = cloud.control.vm_create(&ann, "web1", "small", "bare", true);
        let refused = words(bare.await);
        assert_eq!(refused.code, "image_without_ssh");
        assert!(
            refused.message.contains("Choose one that does: alpine"),
            "{refused:?}"
        );
        assert!(cloud.rows().await.is_empty());
        // Without it the image is as good as any.
        let bare = cloud
            .control
            .vm_create(&ann, "web1", "small", "bare", false);
        bare.await.unwrap();
        let vm = cloud.comes(&ann, "web1", VmState::Running).await;
        assert_eq!(vm.ssh_published, None);
        cloud.end().await;
    })
    .await;
}

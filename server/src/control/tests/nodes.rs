//! Nodes added, removed, and asked for by the wrong name.

use std::{sync::Arc, time::Duration};

use app::model::{NodeHealth, VmState};
use futures_util::{SinkExt as _, StreamExt as _};
use node::driver::{
    DriverError,
    sim::{SimCall, SimConfig, SimDriver, SimEngine, SimFault},
};
use node_api::error::NodeErrorCode;
use tokio_tungstenite::tungstenite::Message;

use super::cloud::{CREDENTIAL, Cloud, SimNode, admin, serve_tls, words};
use crate::{
    balancer::NodeSocket,
    config::Config,
    db::{
        node::node_delete,
        testing::{each_db, eventually, user},
        vm::{VmRow, vm_write},
    },
};

#[tokio::test]
async fn a_node_is_added_only_when_it_answers_by_that_name_with_that_credential() {
    each_db(async |db| {
        let mut cloud = Cloud::new(db, 0).await;
        let engine = SimEngine::new(SimConfig::default());
        let mut other = SimNode::begin("lab", engine, "127.0.0.1:0").await;
        let root = admin();
        let add = async |name: &str, address: &str, credential: &str| {
            cloud
                .control
                .node_add(&root, name, address, credential, None)
                .await
        };
        let wrong = "f".repeat(32);
        for (name, address, credential, field) in [
            ("lab", other.address.as_str(), wrong.as_str(), "credential"),
            ("lab", other.address.as_str(), "short", "credential"),
            ("bal", other.address.as_str(), CREDENTIAL, "name"),
            ("La_b", other.address.as_str(), CREDENTIAL, "name"),
            ("lab", "http://127.0.0.1:9", CREDENTIAL, "address"),
            ("lab", "http://10.1.2.3:5000", CREDENTIAL, "fingerprint"),
            ("lab", "nonsense", CREDENTIAL, "address"),
        ] {
            let error = words(add(name, address, credential).await);
            assert_eq!(error.field.as_deref(), Some(field), "{}", error.message);
            assert!(
                !error.message.contains(credential),
                "no secret in {}",
                error.message
            );
        }
        assert!(cloud.control.node_list(&root).await.unwrap().is_empty());
        add("lab", &other.address, CREDENTIAL).await.unwrap();
        assert_eq!(
            words(add("lab", &other.address, CREDENTIAL).await).code,
            "node_name_taken"
        );
        cloud.all_ready().await;
        cloud.restart().await;
        cloud.all_ready().await;
        let view = cloud.control.node_get(&root, "lab").await.unwrap();
        assert!(!view.local && view.seen_at.is_some() && view.memory_mib > 0);
        cloud.control.node_remove(&root, "lab", None).await.unwrap();
        assert!(cloud.control.node_list(&root).await.unwrap().is_empty());
        other.end().await;
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_node_of_another_host_is_reached_over_tls_by_its_fingerprint_alone_shells_too() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 0).await;
        let engine = SimEngine::new(SimConfig::default());
        let driver = Arc::new(SimDriver::new(engine, "far"));
        let (address, fingerprint, stop, node) = serve_tls("far", driver).await;
        let root = admin();
        let add = async |fingerprint: Option<&str>| {
            let control = &cloud.control;
            control
                .node_add(&root, "far", &address, CREDENTIAL, fingerprint)
                .await
        };
        let other = "ab".repeat(32);
        for wrong in [None, Some("12ab"), Some(other.as_str())] {
            let refused = words(add(wrong).await);
            let field = refused.field.as_deref();
            assert_eq!(field, Some("fingerprint"), "{}", refused.message);
            assert!(!refused.message.contains(CREDENTIAL));
        }
        assert!(cloud.control.node_list(&root).await.unwrap().is_empty());
        // As `openssl x509 -fingerprint` prints it.
        let pairs: Vec<String> = fingerprint
            .as_bytes()
            .chunks(2)
            .map(|pair| String::from_utf8_lossy(pair).to_uppercase())
            .collect();
        add(Some(&pairs.join(":"))).await.unwrap();
        cloud.all_ready().await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.run(&ann, "web1").await;
        let control = &cloud.control;
        let open = control.shell_open(&ann, "web1", None, false).await.unwrap();
        let place = control.shell_find(&ann, &open.shell.id).await.unwrap();
        let socket = control
            .shell_attach(&place, "client=0123456789abcdef")
            .await;
        let said = answer(socket.unwrap(), "echo fine''ly\r", "finely").await;
        assert!(said.contains("finely"), "{said}");
        stop.cancel();
        cloud.end().await;
        node.await.unwrap();
    })
    .await;
}

/// Types into a shell, and reads until this has come (docs/shell-protocol.md).
async fn answer(mut socket: NodeSocket, typed: &str, wanted: &str) -> String {
    const OUTPUT: u8 = 0x01;
    const INPUT: u8 = 0x81;
    let mut frame = vec![INPUT];
    frame.extend(0_u64.to_be_bytes());
    frame.extend(typed.as_bytes());
    socket.send(Message::Binary(frame.into())).await.unwrap();
    let mut said = String::new();
    let reading = async {
        while !said.contains(wanted) {
            let Message::Binary(frame) = socket.next().await.unwrap().unwrap() else {
                continue;
            };
            if frame[0] == OUTPUT {
                said.push_str(&String::from_utf8_lossy(&frame[9..]));
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), reading)
        .await
        .expect("in time");
    said
}

#[tokio::test]
async fn a_node_with_vms_is_removed_only_by_name_and_its_vms_can_be_made_anew_elsewhere() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 2).await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.run(&ann, "web1").await;
        cloud.run(&ann, "web2").await;
        let root = admin();
        let refused = words(cloud.control.node_remove(&root, "node-1", None).await);
        assert!(refused.message.contains("ann/web1") && !refused.message.contains("web2"));
        assert_eq!(
            words(
                cloud
                    .control
                    .node_remove(&root, "node-1", Some("yes"))
                    .await
            )
            .code,
            "node_has_vms"
        );
        cloud
            .control
            .node_remove(&root, "node-1", Some("node-1"))
            .await
            .unwrap();
        let lost = cloud.see(&ann, "web1").await.unwrap();
        assert_eq!((lost.state, lost.node.clone()), (VmState::Failed, None));
        eventually("its container is gone from the host", async || {
            cloud.containers() == 1
        })
        .await;
        assert!(lost.reason.unwrap().contains("node-1 was removed"));
        assert_eq!(
            cloud.see(&ann, "web2").await.unwrap().state,
            VmState::Running
        );
        cloud.control.vm_retry(&ann, "web1").await.unwrap();
        assert_eq!(
            cloud
                .comes(&ann, "web1", VmState::Running)
                .await
                .node
                .as_deref(),
            Some("node-2")
        );
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn of_what_is_being_made_on_a_node_that_is_removed_nothing_stays() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 20).await;
        let engine = cloud.nodes[0].engine.clone();
        engine.configure(|config| config.hold = vec![SimCall::Create]);
        for number in 0..20 {
            let name = format!("web{number}");
            let made = cloud
                .control
                .vm_create(&ann, &name, "small", "alpine", false);
            made.await.unwrap();
        }
        // More than a node is asked to make at once: the others wait for their turn.
        eventually("sixteen are being made", async || {
            engine.calls(SimCall::Create) == 16
        })
        .await;
        let root = admin();
        let removed = cloud.control.node_remove(&root, "node-1", Some("node-1"));
        removed.await.unwrap();
        engine.configure(|config| config.hold.clear());
        eventually("each is asked to be gone", async || {
            engine.calls(SimCall::Delete) == 20
        })
        .await;
        eventually("none is there", async || cloud.containers() == 0).await;
        assert_eq!(engine.calls(SimCall::Create), 16);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_made_anew_on_a_removed_node_that_was_added_by_another_address_is_left_alone() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.run(&ann, "web1").await;
        let (engine, address) = (&cloud.nodes[0].engine, &cloud.nodes[0].address);
        let slow = DriverError::new(NodeErrorCode::Timeout, "the engine is slow");
        engine.fail_next(SimCall::Delete, 1, SimFault::Before(slow));
        engine.configure(|config| config.hold = vec![SimCall::Delete]);
        let (control, root) = (&cloud.control, admin());
        let removed = control.node_remove(&root, "node-1", Some("node-1"));
        removed.await.unwrap();
        eventually("it is tried once", async || {
            engine.calls(SimCall::Delete) == 1
        })
        .await;
        let other = address.replace("127.0.0.1", "localhost");
        let added = control.node_add(&root, "node-1", &other, CREDENTIAL, None);
        added.await.unwrap();
        cloud.all_ready().await;
        control.vm_retry(&ann, "web1").await.unwrap();
        cloud.comes(&ann, "web1", VmState::Running).await;
        engine.configure(|config| config.hold.clear());
        // Longer than until the next try.
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert_eq!(engine.calls(SimCall::Delete), 1);
        assert_eq!(cloud.containers(), 1);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_node_whose_row_is_gone_is_talked_to_no_more_and_nothing_of_it_is_touched() {
    each_db(async |db| {
        let short = |config: &mut Config| config.orphan_grace_s = 0;
        let cloud = Cloud::with(db, 2, SimConfig::default(), short).await;
        let ann = user(&cloud.db, "ann", 5).await;
        // As if who removed the node had been interrupted, and its host added again by another name.
        cloud.run(&ann, "web1").await;
        let row = cloud.row(&ann, "web1").await;
        let moved = VmRow {
            node_id: None,
            ..row.clone()
        };
        let mut tx = cloud.db.write().await.unwrap();
        assert!(vm_write(&mut tx, &row, &moved).await.unwrap());
        node_delete(&mut tx, row.node_id.as_deref().unwrap())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        eventually("nobody talks to it", async || {
            cloud.control.0.registry.list().len() == 1
        })
        .await;
        assert_eq!(cloud.containers(), 1);
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_node_that_answers_by_another_name_is_unreachable_and_its_vms_are_unknown() {
    each_db(async |db| {
        let mut cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.run(&ann, "web1").await;
        let address = cloud.nodes[0].address.clone();
        cloud.nodes[0].end().await;
        let engine = SimEngine::new(SimConfig::default());
        let listen = address.strip_prefix("http://").unwrap();
        let mut other = SimNode::begin("lab-1", engine, listen).await;
        eventually("it is told", async || {
            let node = cloud.control.node_get(&admin(), "node-1").await.unwrap();
            matches!(node.health, NodeHealth::Unreachable { reason } if reason.contains("is named lab-1"))
        })
        .await;
        assert_eq!(cloud.see(&ann, "web1").await.unwrap().state, VmState::Unknown);
        other.end().await;
        cloud.nodes[0].begin_again().await;
        cloud.comes(&ann, "web1", VmState::Running).await;
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_port_more_does_not_take_the_name_of_a_node_that_an_admin_added() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 0).await;
        let engine = SimEngine::new(SimConfig::default());
        let mut other = SimNode::begin("node-3", engine, "127.0.0.1:0").await;
        let (control, root) = (&cloud.control, admin());
        let added = control.node_add(&root, "node-3", &other.address, CREDENTIAL, None);
        added.await.unwrap();
        let taken = control.node_local_ensure("node-3", "http://127.0.0.1:9", CREDENTIAL);
        let refused = taken.await.unwrap_err().to_string();
        assert!(refused.contains("an admin added"), "{refused}");
        let node = control.node_get(&root, "node-3").await.unwrap();
        assert!(!node.local && node.address == other.address);
        other.end().await;
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn local_nodes_whose_ports_were_exchanged_keep_their_names_and_their_vms() {
    each_db(async |db| {
        let mut cloud = Cloud::new(db, 3).await;
        let ann = user(&cloud.db, "ann", 5).await;
        for name in ["web1", "web2", "web3"] {
            cloud.run(&ann, name).await;
        }
        for node in &mut cloud.nodes {
            node.end().await;
        }
        let nodes = cloud.nodes.iter();
        let mut addresses: Vec<_> = nodes.map(|node| node.address.clone()).collect();
        addresses.rotate_left(1);
        for (node, address) in cloud.nodes.iter_mut().zip(&addresses) {
            node.address.clone_from(address);
            node.begin_again().await;
        }
        cloud.restart().await;
        cloud.all_ready().await;
        let nodes = cloud.control.node_list(&admin()).await.unwrap();
        let at: Vec<_> = nodes.into_iter().map(|node| node.address).collect();
        assert_eq!(at, addresses);
        for (name, node) in [("web1", "node-1"), ("web2", "node-2"), ("web3", "node-3")] {
            let vm = cloud.comes(&ann, name, VmState::Running).await;
            assert_eq!(vm.node.as_deref(), Some(node));
        }
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_local_node_that_is_configured_no_more_gives_its_port_to_another() {
    each_db(async |db| {
        let mut cloud = Cloud::new(db, 2).await;
        let port = cloud.nodes[1].address.clone();
        for node in &mut cloud.nodes {
            node.end().await;
        }
        cloud.nodes.truncate(1);
        cloud.nodes[0].address.clone_from(&port);
        cloud.nodes[0].begin_again().await;
        cloud.restart().await;
        eventually("node-1 is ready there", async || {
            let node = cloud.control.node_get(&admin(), "node-1").await.unwrap();
            node.address == port && node.health == NodeHealth::Ready
        })
        .await;
        let rest = cloud.control.node_get(&admin(), "node-2").await.unwrap();
        assert!(matches!(rest.health, NodeHealth::Unreachable { .. }));
        let root = admin();
        let removed = cloud.control.node_remove(&root, "node-2", None).await;
        removed.unwrap();
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_port_that_a_node_of_an_admin_has_is_refused_with_what_to_do() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 0).await;
        let engine = SimEngine::new(SimConfig::default());
        let mut lab = SimNode::begin("lab", engine, "127.0.0.1:0").await;
        let (control, address) = (&cloud.control, lab.address.as_str());
        let root = admin();
        let added = control.node_add(&root, "lab", address, CREDENTIAL, None);
        added.await.unwrap();
        let refused = control
            .node_local_ensure("node-1", address, CREDENTIAL)
            .await;
        let message = refused.unwrap_err().to_string();
        for words in [address, "node-1", "--node-ports", "/admin/nodes"] {
            assert!(message.contains(words), "{words}: {message}");
        }
        cloud.end().await;
        lab.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_vm_without_a_node_is_deleted_at_once() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.run(&ann, "web1").await;
        cloud
            .control
            .node_remove(&admin(), "node-1", Some("node-1"))
            .await
            .unwrap();
        assert_eq!(
            words(cloud.control.vm_retry(&ann, "web1").await).code,
            "no_room"
        );
        cloud.control.vm_delete(&ann, "web1").await.unwrap();
        assert!(cloud.see(&ann, "web1").await.is_none());
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn the_overview_says_what_is_wrong_worst_first() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 2).await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.run(&ann, "web1").await;
        let well = cloud.control.overview().await.unwrap();
        assert!(well.problems.is_empty(), "{:?}", well.problems);
        // The admin, too.
        assert_eq!((well.users, well.vms, well.vms_running), (2, 1, 1));
        cloud.nodes[1].engine.set_away(Some("no engine here"));
        eventually("node-2 is degraded", async || {
            let node = cloud.control.node_get(&admin(), "node-2").await.unwrap();
            matches!(node.health, NodeHealth::Degraded { .. })
        })
        .await;
        let problems = cloud.control.overview().await.unwrap().problems;
        assert!(
            problems[0].severe && problems[0].message.contains("no engine here"),
            "{problems:?}"
        );
        cloud.run(&ann, "web2").await;
        assert_eq!(
            cloud.placed().await,
            [2, 0],
            "nothing is placed on a degraded node"
        );
        cloud.end().await;
    })
    .await;
}

//! Quotas, memory and placement hold when everybody asks at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use app::model::VmState;
use futures_util::{StreamExt as _, stream};
use node::driver::sim::SimConfig;
use uuid::Uuid;

use super::cloud::{Cloud, admin, words};
use crate::{
    actor::Actor,
    db::{
        testing::{each_db, eventually, user, within},
        vm::VmRow,
    },
};

fn roomy() -> SimConfig {
    SimConfig {
        memory_mib: 1 << 20,
        cores: 1000,
        ..SimConfig::default()
    }
}

/// How many are asked for at once where hundreds are wanted: all queue for one writer, and who waits there for
/// too long is refused.
const IN_FLIGHT: usize = 64;

/// Asks for so many VMs, all at once; how many were promised.
async fn create_at_once(cloud: &Cloud, actors: &[&Actor], each: usize) -> usize {
    create(cloud, actors, each, actors.len() * each).await
}

/// The same, [`IN_FLIGHT`] at once.
async fn create_many(cloud: &Cloud, actors: &[&Actor], each: usize) -> usize {
    create(cloud, actors, each, IN_FLIGHT).await
}

async fn create(cloud: &Cloud, actors: &[&Actor], each: usize, at_once: usize) -> usize {
    let asked = actors.iter().flat_map(|actor| {
        (0..each).map(move |n| async move { cloud.create(actor, &format!("v{n}")).await.is_ok() })
    });
    let done = stream::iter(asked).buffer_unordered(at_once);
    let done: Vec<bool> = done.collect().await;
    done.into_iter().filter(|done| *done).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_creates_at_once_under_a_quota_of_three_make_three_ten_times() {
    each_db(async |db| {
        let cloud = Cloud::with(db, 2, roomy(), |_| {}).await;
        for round in 0..10 {
            let ann = user(&cloud.db, &format!("ann{round}"), 3).await;
            assert_eq!(
                create_at_once(&cloud, &[&ann], 100).await,
                3,
                "round {round}"
            );
            assert_eq!(cloud.control.vm_list(&ann).await.unwrap().quota.vms, 3);
        }
        cloud.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_creates_at_once_promise_a_nodes_memory_once_ten_times() {
    each_db(async |db| {
        let sim = SimConfig {
            memory_mib: 2048 + 100,
            cores: 1000,
            ..SimConfig::default()
        };
        let cloud = Cloud::with(db, 1, sim, |_| {}).await;
        for round in 0..10 {
            let ann = user(&cloud.db, &format!("ann{round}"), 1000).await;
            let bob = user(&cloud.db, &format!("bob{round}"), 1000).await;
            let made = create_at_once(&cloud, &[&ann, &bob], 50).await;
            assert_eq!(made, 8, "round {round}");
            let refused = words(cloud.create(&ann, "one-more").await);
            assert_eq!(refused.code, "no_room");
            assert!(
                refused
                    .message
                    .contains("node-1 has 100 MiB free, it needs 256 MiB"),
                "{}",
                refused.message
            );
            empty(&cloud, &[&ann, &bob]).await;
        }
        cloud.end().await;
    })
    .await;
}

/// Deletes all VMs of these users, and waits until they are gone.
async fn empty(cloud: &Cloud, actors: &[&Actor]) {
    for actor in actors {
        for vm in cloud.control.vm_list(actor).await.unwrap().vms {
            cloud.control.vm_delete(actor, &vm.name).await.unwrap();
        }
    }
    within(Duration::from_secs(60), "all are gone", async || {
        cloud.rows().await.is_empty() && cloud.containers() == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_hundred_vms_over_ten_nodes_are_thirty_on_each() {
    each_db(async |db| {
        let cloud = Cloud::with(db, 10, roomy(), |_| {}).await;
        let ann = user(&cloud.db, "ann", 300).await;
        assert_eq!(create_many(&cloud, &[&ann], 300).await, 300);
        assert_eq!(cloud.placed().await, [30; 10]);
        all_run(&cloud, 300).await;
        cloud.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cordoned_and_a_full_node_get_none_and_the_rest_stay_even() {
    each_db(async |db| {
        let cloud = Cloud::with(db, 10, roomy(), |_| {}).await;
        cloud.nodes[3].engine.configure(|sim| sim.memory_mib = 100);
        let root = admin();
        let control = &cloud.control;
        control.node_cordon(&root, "node-2", true).await.unwrap();
        eventually("node-4 says that it is small", async || {
            let node = control.node_get(&root, "node-4").await.unwrap();
            node.memory_mib == 100
        })
        .await;
        let ann = user(&cloud.db, "ann", 300).await;
        assert_eq!(create_many(&cloud, &[&ann], 300).await, 300);
        let mut placed = cloud.placed().await;
        assert_eq!((placed[1], placed[3]), (0, 0), "cordoned, and full");
        placed.sort_unstable();
        // 300 over eight: 37 or 38 on each.
        let even = [0, 0, 37, 37, 37, 37, 38, 38, 38, 38];
        assert_eq!(placed, even);
        all_run(&cloud, 300).await;
        control.node_cordon(&root, "node-2", false).await.unwrap();
        let refused = words(cloud.create(&ann, "refused").await);
        assert_eq!(refused.code, "quota_exceeded");
        cloud.end().await;
    })
    .await;
}

async fn all_run(cloud: &Cloud, count: usize) {
    // Nothing is promised of how soon so many run, all on one machine.
    within(Duration::from_secs(180), "all run", async || {
        let rows = cloud.rows().await;
        let running = |row: &&VmRow| row.state == VmState::Running;
        rows.iter().filter(running).count() == count
    })
    .await;
    assert_eq!(cloud.containers(), count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_users_with_five_vms_each_fill_two_nodes_with_five_each() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 2).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let bob = user(&cloud.db, "bob", 5).await;
        assert_eq!(create_at_once(&cloud, &[&ann, &bob], 5).await, 10);
        assert_eq!(cloud.placed().await, [5, 5]);
        cloud.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_users_at_once_have_a_hundred_networks() {
    each_db(async |db| {
        let cloud = Cloud::with(db, 2, roomy(), |_| {}).await;
        let mut users = Vec::new();
        for n in 0..100 {
            users.push(user(&cloud.db, &format!("u{n}"), 5).await);
        }
        let actors: Vec<&Actor> = users.iter().collect();
        assert_eq!(create_many(&cloud, &actors, 2).await, 200);
        all_run(&cloud, 200).await;
        // What the engines were told, not what the rows say.
        let mut of_owner: BTreeMap<Uuid, BTreeSet<(String, String)>> = BTreeMap::new();
        for spec in cloud.nodes.iter().flat_map(|node| node.engine.specs()) {
            let network = (spec.network.name, spec.network.subnet);
            of_owner.entry(spec.owner_id).or_default().insert(network);
        }
        assert_eq!(of_owner.len(), 100);
        for (owner, networks) in &of_owner {
            assert_eq!(networks.len(), 1, "{owner} has {networks:?}");
        }
        let of_all = || of_owner.values().flatten();
        let names: BTreeSet<&str> = of_all().map(|(name, _)| name.as_str()).collect();
        let subnets: BTreeSet<&str> = of_all().map(|(_, subnet)| subnet.as_str()).collect();
        assert_eq!((names.len(), subnets.len()), (100, 100));
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn where_all_networks_are_taken_the_next_user_is_told() {
    each_db(async |db| {
        let only_one =
            |config: &mut crate::config::Config| config.network_range = "10.9.8.32/27".into();
        let cloud = Cloud::with(db, 1, SimConfig::default(), only_one).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let bob = user(&cloud.db, "bob", 5).await;
        cloud.create(&ann, "web1").await.unwrap();
        cloud.create(&ann, "web2").await.unwrap();
        assert_eq!(words(cloud.create(&bob, "web1").await).code, "no_network");
        assert_eq!(cloud.rows().await.len(), 2, "nothing is half done");
        cloud.end().await;
    })
    .await;
}

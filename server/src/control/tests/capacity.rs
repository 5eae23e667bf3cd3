//! Quotas, memory and placement hold when everybody asks at once.

use node::driver::sim::SimConfig;

use super::cloud::{Cloud, admin, words};
use crate::{
    actor::Actor,
    db::testing::{each_db, user},
};

fn roomy() -> SimConfig {
    SimConfig {
        memory_mib: 1 << 20,
        cores: 1000,
        ..SimConfig::default()
    }
}

/// Asks for so many VMs at once; how many were promised.
async fn create_at_once(cloud: &Cloud, actors: &[&Actor], each: usize) -> usize {
    let asked = actors.iter().flat_map(|actor| {
        (0..each).map(move |n| async move { cloud.create(actor, &format!("v{n}")).await.is_ok() })
    });
    futures_util::future::join_all(asked)
        .await
        .into_iter()
        .filter(|done| *done)
        .count()
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
async fn a_hundred_creates_at_once_promise_a_nodes_memory_once() {
    each_db(async |db| {
        let sim = SimConfig {
            memory_mib: 2048 + 100,
            cores: 1000,
            ..SimConfig::default()
        };
        let cloud = Cloud::with(db, 1, sim, |_| {}).await;
        let ann = user(&cloud.db, "ann", 1000).await;
        let bob = user(&cloud.db, "bob", 1000).await;
        assert_eq!(create_at_once(&cloud, &[&ann, &bob], 50).await, 8);
        let refused = words(cloud.create(&ann, "one-more").await);
        assert_eq!(refused.code, "no_room");
        assert!(
            refused
                .message
                .contains("node-1 has 100 MiB free, it needs 256 MiB"),
            "{}",
            refused.message
        );
        cloud.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_hundred_vms_over_ten_nodes_are_thirty_on_each() {
    each_db(async |db| {
        let cloud = Cloud::with(db, 10, roomy(), |_| {}).await;
        let ann = user(&cloud.db, "ann", 300).await;
        assert_eq!(create_at_once(&cloud, &[&ann], 300).await, 300);
        assert_eq!(cloud.placed().await, [30; 10]);
        crate::db::testing::eventually("all run", async || {
            cloud
                .rows()
                .await
                .iter()
                .all(|row| row.state == app::model::VmState::Running)
        })
        .await;
        assert_eq!(cloud.containers(), 300);
        cloud.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cordoned_and_a_full_node_get_none_and_the_rest_stay_even() {
    each_db(async |db| {
        let cloud = Cloud::with(db, 6, roomy(), |_| {}).await;
        cloud.nodes[3].engine.configure(|sim| sim.memory_mib = 100);
        cloud
            .control
            .node_cordon(&admin(), "node-2", true)
            .await
            .unwrap();
        crate::db::testing::eventually("node-4 says that it is small", async || {
            cloud
                .control
                .node_get(&admin(), "node-4")
                .await
                .unwrap()
                .memory_mib
                == 100
        })
        .await;
        let ann = user(&cloud.db, "ann", 100).await;
        assert_eq!(create_at_once(&cloud, &[&ann], 100).await, 100);
        assert_eq!(cloud.placed().await, [25, 0, 25, 0, 25, 25]);
        cloud
            .control
            .node_cordon(&admin(), "node-2", false)
            .await
            .unwrap();
        cloud.create(&ann, "refused").await.unwrap_err();
        cloud.end().await;
    })
    .await;
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
        assert_eq!(create_at_once(&cloud, &actors, 2).await, 200);
        let mut numbers: Vec<u32> = cloud
            .rows()
            .await
            .iter()
            .filter_map(|row| row.network_index)
            .collect();
        numbers.sort_unstable();
        let expected: Vec<u32> = (0..100).flat_map(|n| [n, n]).collect();
        assert_eq!(numbers, expected);
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

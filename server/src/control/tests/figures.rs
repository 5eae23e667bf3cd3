//! What pages show of a running cloud: usage, offers, the owner's list.

use std::time::Duration;

use super::cloud::{Cloud, admin, id};
use crate::db::testing::{each_db, user};

#[tokio::test]
async fn what_a_vm_uses_is_shown_in_percent_of_its_share_within_ten_seconds() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let vm = cloud.run(&ann, "web1").await;
        // Of the 500 thousandths of a core that a small VM has.
        cloud.nodes[0].engine.set_load(id(&vm), 450);
        let begun = std::time::Instant::now();
        let seen = loop {
            let vm = cloud.see(&ann, "web1").await.unwrap();
            if vm.cpu_percent.is_some_and(|percent| percent > 50.0) {
                break vm;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(12),
                "{:?}",
                vm.cpu_percent
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        assert!(seen.memory_used_mib.is_some() && !seen.cpu_history.is_empty());
        let detail = cloud.control.vm_get(&ann, "web1").await.unwrap();
        assert!(!detail.usage.is_empty());
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn the_form_offers_what_fits_and_says_why_the_rest_does_not() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        cloud.nodes[0].engine.configure(|sim| sim.cores = 1);
        crate::db::testing::eventually("one core is known", async || {
            let node = cloud.control.node_get(&admin(), "node-1").await.unwrap();
            node.cpu_millis == 4000
        })
        .await;
        let ann = user(&cloud.db, "ann", 1).await;
        let offer = cloud.control.vm_offer(&ann).await.unwrap();
        let names: Vec<&str> = offer
            .flavors
            .iter()
            .map(|flavor| flavor.name.as_str())
            .collect();
        assert_eq!(names, ["small", "medium"], "two cores are on no node");
        assert!(
            offer
                .flavors
                .iter()
                .all(|flavor| flavor.unavailable.is_none())
        );
        assert_eq!(
            cloud
                .control
                .vm_name_check(&ann, &offer.suggested_name)
                .await
                .ok(),
            Some(())
        );
        cloud.run(&ann, &offer.suggested_name).await;
        let offer = cloud.control.vm_offer(&ann).await.unwrap();
        assert!(
            offer
                .flavors
                .iter()
                .all(|flavor| flavor.unavailable.is_some())
        );
        assert_eq!((offer.quota.vms, offer.quota.memory_mib), (1, 256));
        cloud.end().await;
    })
    .await;
}

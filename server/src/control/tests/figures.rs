//! What pages show of a running cloud: usage, offers, the owner's list.

use std::time::Duration;

use app::model::{CountSample, VmState};
use node_api::usage::UsageSample;

use super::cloud::{Cloud, admin, id};
use crate::{
    control::count_history::CountHistory,
    db::testing::{each_db, eventually, user},
};

/// Three times the promise, for a busy machine.
const SHOWN: Duration = Duration::from_secs(30);

#[tokio::test]
async fn what_a_vm_uses_is_soon_shown_in_percent_of_its_share() {
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
            assert!(begun.elapsed() < SHOWN, "{:?}", vm.cpu_percent);
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        println!("what it uses is shown after {:?}", begun.elapsed());
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
        eventually("one core is known", async || {
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

#[tokio::test]
async fn a_vm_that_has_written_more_than_its_disk_is_told_to_its_owner_and_to_admins() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let vm = cloud.run(&ann, "web1").await;
        let node_id = cloud.row(&ann, "web1").await.node_id.unwrap();
        let fleet = &cloud.control.0.fleet;
        for (written, is_told) in [(2 << 30, false), (3 << 30, true)] {
            // As its node would tell it; a list that comes meanwhile has no disks.
            eventually("it is told, or not", async || {
                let mut report = fleet.get(&node_id, id(&vm)).unwrap();
                report.usage = Some(used(written));
                fleet.report(&node_id, report);
                let seen = cloud.see(&ann, "web1").await.unwrap();
                let problems = cloud.control.overview().await.unwrap().problems;
                let told = seen.reason.unwrap_or_default();
                assert_eq!(seen.state, VmState::Running);
                match is_told {
                    false => told.is_empty() && problems.is_empty(),
                    true => {
                        told.contains("3 GiB of its disk of 2 GiB")
                            && problems.len() == 1
                            && !problems[0].severe
                            && problems[0].message.contains("web1 uses 3 GiB")
                            && problems[0].link == format!("/admin/vms/{}", vm.id)
                    }
                }
            })
            .await;
        }
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn the_counts_of_the_overview_are_sampled_step_by_step() {
    each_db(async |db| {
        let cloud = Cloud::new(db, 1).await;
        let history = CountHistory::default();
        let at = async |now: i64| cloud.control.count_sample(&history, now).await.unwrap();
        at(0).await;
        let ann = user(&cloud.db, "ann", 5).await;
        at(CountSample::EVERY - 1).await;
        cloud.run(&ann, "web1").await;
        at(CountSample::EVERY).await;
        let seen = history.list();
        let counts = |counts: &CountSample| (counts.users, counts.vms, counts.nodes);
        let counts: Vec<_> = seen.iter().map(counts).collect();
        // The admin, too.
        assert_eq!(counts, [(1, 0, 1), (2, 1, 1)]);
        let overview = cloud.control.overview().await.unwrap();
        assert_eq!(overview.counts(), seen[1]);
        cloud.end().await;
    })
    .await;
}

fn used(disk_bytes: u64) -> UsageSample {
    UsageSample {
        at: 1,
        cpu_millis: 5,
        memory_mib: 9.0,
        rx_bytes: 0,
        tx_bytes: 0,
        disk_bytes: Some(disk_bytes),
        processes: 2,
    }
}

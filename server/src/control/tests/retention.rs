//! Stopped VMs that are kept for some days only.

use std::sync::Arc;

use app::model::VmState;

use super::cloud::Cloud;
use crate::{
    actor::Actor,
    clock::{self, SECOND},
    config::Config,
    control::retention::SETTING,
    db::{
        setting::setting_set,
        testing::{each_db, eventually, user},
        vm::{DesiredState, VmRow, vm_write},
    },
};

const DAY: i64 = 86_400 * SECOND;

/// A VM that was stopped so long ago.
async fn stopped(cloud: &Cloud, owner: &Actor, name: &str, days: i64) {
    cloud.run(owner, name).await;
    cloud.control.vm_stop(owner, name).await.unwrap();
    cloud.comes(owner, name, VmState::Stopped).await;
    let row = cloud.row(owner, name).await;
    let after = VmRow {
        changed_at: clock::now() - days * DAY,
        ..row.clone()
    };
    let mut tx = cloud.db.write().await.unwrap();
    assert!(vm_write(&mut tx, &row, &after).await.unwrap());
    tx.commit().await.unwrap();
}

/// The server begins anew with stopped VMs kept for so many days.
async fn restart_with(cloud: &mut Cloud, days: Option<u32>) {
    cloud.config = Arc::new(Config {
        stopped_retention_days: days,
        ..Config::clone(&cloud.config)
    });
    cloud.restart().await;
    cloud.all_ready().await;
}

/// Waits until the node's list was taken in some times more.
async fn looked_at(cloud: &Cloud, row: &VmRow) {
    let node_id = row.node_id.clone().unwrap();
    for _ in 0..3 {
        let before = cloud.control.0.fleet.listed_at(&node_id);
        cloud.control.wake_nodes(std::slice::from_ref(&node_id));
        eventually("the node is looked at", async || {
            cloud.control.0.fleet.listed_at(&node_id) != before
        })
        .await;
    }
}

#[tokio::test]
async fn a_retention_that_is_switched_on_takes_no_vm_that_was_not_told_of_it_first() {
    each_db(async |db| {
        let mut cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        stopped(&cloud, &ann, "old", 400).await;
        cloud.run(&ann, "runs").await;
        restart_with(&mut cloud, Some(3)).await;
        let row = cloud.row(&ann, "old").await;
        looked_at(&cloud, &row).await;
        assert_eq!(cloud.row(&ann, "old").await.desired, DesiredState::Stopped);
        eventually("its page says when it goes", async || {
            let reason = cloud.see(&ann, "old").await.unwrap().reason;
            reason.is_some_and(|reason| reason.starts_with("Stopped VMs are kept for 3 days"))
        })
        .await;
        let runs = cloud.comes(&ann, "runs", VmState::Running).await;
        assert_eq!(runs.reason, None);
        // What it remembers is made eight days old.
        let since = clock::now() - 8 * DAY;
        let mut tx = cloud.db.write().await.unwrap();
        let text = format!("3 {since}");
        setting_set(&mut tx, SETTING, &text).await.unwrap();
        tx.commit().await.unwrap();
        restart_with(&mut cloud, Some(3)).await;
        cloud.gone(&ann, "old").await;
        let kinds = cloud.kinds(&ann, "old").await;
        assert!(kinds.contains(&"vm_expired".to_owned()), "{kinds:?}");
        assert_eq!(cloud.containers(), 1, "the one that runs");
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_retention_that_is_switched_off_and_on_again_begins_anew() {
    each_db(async |db| {
        let mut cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        stopped(&cloud, &ann, "old", 400).await;
        let row = cloud.row(&ann, "old").await;
        let since = clock::now() - 400 * DAY;
        let mut tx = cloud.db.write().await.unwrap();
        let text = format!("30 {since}");
        setting_set(&mut tx, SETTING, &text).await.unwrap();
        tx.commit().await.unwrap();
        for days in [None, Some(30)] {
            restart_with(&mut cloud, days).await;
            looked_at(&cloud, &row).await;
            let after = cloud.row(&ann, "old").await;
            assert_eq!(after.desired, DesiredState::Stopped, "{days:?}");
        }
        cloud.end().await;
    })
    .await;
}

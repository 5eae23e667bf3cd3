//! Stopped VMs that are kept for some days only.

use std::sync::Arc;

use app::model::VmState;

use super::cloud::{Cloud, id};
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
    let vm = cloud.comes(owner, name, VmState::Stopped).await;
    let row = cloud.row(owner, name).await;
    let changed_at = clock::now() - days * DAY;
    cloud.nodes[0].engine.vm_ended_at(id(&vm), changed_at);
    // What the node said before would be believed.
    cloud.looked_at("node-1").await;
    let after = VmRow {
        changed_at,
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

#[tokio::test]
async fn a_retention_that_is_switched_on_takes_no_vm_that_was_not_told_of_it_first() {
    each_db(async |db| {
        let mut cloud = Cloud::new(db, 1).await;
        let ann = user(&cloud.db, "ann", 5).await;
        stopped(&cloud, &ann, "old", 400).await;
        cloud.run(&ann, "runs").await;
        restart_with(&mut cloud, Some(3)).await;
        cloud.looked_at("node-1").await;
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
        let since = clock::now() - 400 * DAY;
        let mut tx = cloud.db.write().await.unwrap();
        let text = format!("30 {since}");
        setting_set(&mut tx, SETTING, &text).await.unwrap();
        tx.commit().await.unwrap();
        for days in [None, Some(30)] {
            restart_with(&mut cloud, days).await;
            cloud.looked_at("node-1").await;
            let after = cloud.row(&ann, "old").await;
            assert_eq!(after.desired, DesiredState::Stopped, "{days:?}");
        }
        cloud.end().await;
    })
    .await;
}

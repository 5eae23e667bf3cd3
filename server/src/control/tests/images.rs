//! The catalogue, pulls with their progress, and what stands in where there is no registry.

use std::time::Duration;

use app::model::{ErrorKind, VmState};
use node::driver::sim::SimConfig;

use super::cloud::{Cloud, admin, words};
use crate::db::testing::{each_db, eventually, user};

fn bare() -> SimConfig {
    SimConfig {
        images: Vec::new(),
        ..SimConfig::default()
    }
}

#[tokio::test]
async fn a_missing_image_is_pulled_with_progress_in_percent() {
    each_db(async |db| {
        let sim = SimConfig {
            registry: vec!["alpine".into()],
            pull_until: 0,
            ..bare()
        };
        let cloud = Cloud::with(db, 1, sim, |_| {}).await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.create(&ann, "web1").await.unwrap();
        for percent in [0, 40, 80] {
            let engine = &cloud.nodes[0].engine;
            engine.configure(|sim| sim.pull_until = percent);
            eventually("its percent is shown", async || {
                let vm = cloud.see(&ann, "web1").await.unwrap();
                vm.progress.and_then(|progress| progress.percent) == Some(percent)
            })
            .await;
        }
        cloud.nodes[0].engine.configure(|sim| sim.pull_until = 100);
        cloud.comes(&ann, "web1", VmState::Running).await;
        let views = cloud.control.image_list(&admin()).await.unwrap();
        assert_eq!(views[0].name, "alpine");
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_failed_pull_says_the_engines_reason() {
    each_db(async |db| {
        let cloud = Cloud::with(db, 1, bare(), |_| {}).await;
        let ann = user(&cloud.db, "ann", 5).await;
        cloud.create(&ann, "web1").await.unwrap();
        let failed = cloud.comes(&ann, "web1", VmState::Failed).await;
        let reason = failed.reason.unwrap();
        assert!(
            reason.contains("alpine") && reason.contains("pull access denied"),
            "{reason}"
        );
        cloud.nodes[0]
            .engine
            .configure(|sim| sim.registry.push("alpine".into()));
        cloud.control.vm_retry(&ann, "web1").await.unwrap();
        cloud.comes(&ann, "web1", VmState::Running).await;
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn an_image_built_on_a_host_is_offered_and_stands_in_until_the_default_is_there() {
    each_db(async |db| {
        let sim = SimConfig {
            images: vec!["minicloud/base:latest".into()],
            ..SimConfig::default()
        };
        let cloud = Cloud::with(db, 1, sim, |_| {}).await;
        let ann = user(&cloud.db, "ann", 5).await;
        let default = async || {
            let offer = cloud.control.vm_offer(&ann).await.unwrap();
            offer
                .images
                .into_iter()
                .find(|image| image.default)
                .map(|image| image.reference)
        };
        eventually("base stands in", async || {
            default().await.as_deref() == Some("minicloud/base")
        })
        .await;
        cloud.nodes[0]
            .engine
            .configure(|sim| sim.images.push("alpine:latest".into()));
        eventually("alpine is the default", async || {
            default().await.as_deref() == Some("alpine")
        })
        .await;
        cloud.control.image_remove(&admin(), "base").await.unwrap();
        cloud.nodes[0]
            .engine
            .configure(|sim| sim.images.push("other".into()));
        tokio::time::sleep(Duration::from_millis(2500)).await;
        let names: Vec<_> = cloud.control.image_list(&admin()).await.unwrap();
        assert_eq!(
            names.len(),
            1,
            "what an admin removed is not offered anew: {names:?}"
        );
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn an_admin_keeps_the_catalogue() {
    each_db(async |db| {
        let sim = SimConfig {
            images: vec!["alpine".into()],
            ..SimConfig::default()
        };
        let cloud = Cloud::with(db, 1, sim, |_| {}).await;
        let root = admin();
        let control = &cloud.control;
        let fedora = control
            .image_add(&root, "fedora", "fedora:40", "Fedora", None)
            .await
            .unwrap();
        assert_eq!((fedora.present_on, fedora.default), (0, false));
        let twice = words(
            control
                .image_add(&root, "fedora", "fedora:41", "", None)
                .await,
        );
        assert_eq!(
            (twice.kind, twice.field.as_deref()),
            (ErrorKind::Invalid, Some("name"))
        );
        let bad = words(
            control
                .image_add(&root, "x", "not a reference", "", None)
                .await,
        );
        assert_eq!(bad.field.as_deref(), Some("reference"));
        assert!(
            control
                .image_default(&root, "fedora")
                .await
                .unwrap()
                .default
        );
        control.image_remove(&root, "fedora").await.unwrap();
        let back = control
            .image_add(&root, "fedora", "fedora:41", "", None)
            .await
            .unwrap();
        assert_eq!(back.reference, "fedora:41");
        control.image_remove(&root, "fedora").await.unwrap();
        assert_eq!(
            words(control.image_remove(&root, "alpine").await).code,
            "image_last"
        );
        assert_eq!(
            words(control.image_remove(&root, "nosuch").await).kind,
            ErrorKind::NotFound
        );
        cloud.end().await;
    })
    .await;
}

#[tokio::test]
async fn of_two_admins_who_remove_the_last_two_images_at_once_one_is_refused() {
    each_db(async |db| {
        let sim = SimConfig {
            images: vec!["alpine".into()],
            ..SimConfig::default()
        };
        let cloud = Cloud::with(db, 1, sim, |_| {}).await;
        let (control, root) = (&cloud.control, admin());
        for round in 0..10 {
            let names = control.image_rows().await.unwrap();
            let names: Vec<String> = names.into_iter().map(|row| row.name).collect();
            let spare = format!("spare-{round}");
            let added = control.image_add(&root, &spare, "alpine:3", "", None).await;
            added.unwrap();
            assert_eq!(names.len(), 1);
            let (first, second) = tokio::join!(
                control.image_remove(&root, &names[0]),
                control.image_remove(&root, &spare)
            );
            assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
            let refused = words(first.and(second));
            assert_eq!(refused.code, "image_last");
        }
        cloud.end().await;
    })
    .await;
}

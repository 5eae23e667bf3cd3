//! One tenant cannot starve others: what another user's requests and keys take while a VM floods, hogs memory, burns
//! CPU or is a fork bomb; and what its owner can still do.
//!
//! `script/test --long abuse` runs it against a server of its own with two nodes on the real engine, each a process as
//! in use, and with nothing beside it: `MINICLOUD_TEST_ABUSE` is where that server's pages are.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

#[path = "abuse/engine.rs"]
mod engine;
#[path = "abuse/kind.rs"]
mod kind;
#[path = "abuse/owner.rs"]
mod owner;
#[path = "abuse/probe.rs"]
mod probe;
#[path = "abuse/shell.rs"]
mod shell;
#[path = "abuse/tenant.rs"]
mod tenant;
#[path = "abuse/viewer.rs"]
mod viewer;

use std::time::{Duration, Instant};

use kind::{ABUSES, Abuse};
use probe::{Probe, Window};
use tenant::Tenant;
use viewer::Viewer;

/// The VM that is abused.
const VM: &str = "wild1";
/// For what takes a moment, on a machine that is kept busy.
const SOON: Duration = Duration::from_secs(120);

/// Waits until something is so; else fails with what was waited for.
async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < SOON, "not within {SOON:?}: {what}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Two users on one MiniCloud.
struct Stage {
    /// Whose VM it is that is abused.
    ann: Tenant,
    /// Who has a VM beside it, and one on the other node.
    bob: Tenant,
    probe: Probe,
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_one_vm_does_others_are_served_and_its_owner_can_end_it() {
    let Ok(base) = std::env::var("MINICLOUD_TEST_ABUSE") else {
        println!("skipped: `script/test --long abuse` starts a server for it");
        return;
    };
    let stage = Stage::set(&base).await;
    let started = stage.bob.leave_something().await;
    let idle = stage.probe.window().await;
    println!("{}\n{}", probe::HEAD, idle.rows("nothing", &idle));
    for abuse in ABUSES {
        let viewer = stage.others_are_served_under(abuse, &idle).await;
        stage.ann.shell_close(&viewer.id).await;
        stage.is_calm().await;
    }
    let _bomb = stage.others_are_served_under(Abuse::Forks, &idle).await;
    stage.its_owner_gets_in_or_is_told_why().await;
    stage.its_owner_ends_it().await;
    assert_eq!(stage.bob.what_was_left().await, started);
}

impl Stage {
    /// The VMs run, and bob's shells are open.
    async fn set(base: &str) -> Self {
        let ann = Tenant::new(base, "ann").await;
        let bob = Tenant::new(base, "bob").await;
        let node = ann.vm_create(VM, "large").await["node"].clone();
        let mut nodes = Vec::new();
        for name in tenant::QUIET {
            nodes.push(bob.vm_create(name, "small").await["node"].clone());
        }
        // The harder half is beside it, on its node.
        assert!(nodes.contains(&node), "{nodes:?} without {node}");
        assert_ne!(nodes[0], nodes[1]);
        let probe = Probe::begin(&bob).await;
        Self { ann, bob, probe }
    }

    /// Has the VM do that, measures while it does, and holds what is promised to others. It goes on.
    async fn others_are_served_under(&self, abuse: Abuse, idle: &Window) -> Viewer {
        let mut shell = self.ann.shell(VM).await;
        shell.wait_for("# ").await;
        shell.type_in(abuse.line()).await;
        let viewer = self.ann.watch(VM, shell);
        self.is_in_force(abuse, &viewer).await;
        let window = self.probe.window().await;
        println!("{}", window.rows(abuse.name(), idle));
        self.is_in_force(abuse, &viewer).await;
        window.is_as_promised(abuse.name(), idle);
        viewer
    }

    async fn is_in_force(&self, abuse: Abuse, viewer: &Viewer) {
        let before = abuse.measure(&self.ann, viewer).await;
        eventually(&format!("{} is in force", abuse.name()), async || {
            let now = abuse.measure(&self.ann, viewer).await;
            let is_so = abuse.is_in_force(before, now);
            if is_so {
                println!("({}: {before}, then {now} {})", abuse.name(), abuse.unit());
            }
            is_so
        })
        .await;
    }

    /// Nothing of what was done in it is left.
    async fn is_calm(&self) {
        let id = self.ann.vm_id(VM).await;
        eventually("its processes have ended", async || {
            engine::processes(&id).await < 10
        })
        .await;
    }
}

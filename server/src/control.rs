//! Control: the only code that sequences a change. A request writes what should be, with its event,
//! in one transaction, then wakes the reconciler of the node concerned; reconcilers alone talk to
//! nodes about VMs, and compare, act and write down again and again (docs: ARCHITECTURE.md).
//!
//! - [`vm`], `offer`, [`shell`], `shell_invitation`, `shell_grant`, `ssh_publish`, `node`, `image`, `event`, `overview`: what people ask, one noun a file;
//! - `request` (what a verb does to a row) and `plan` (what a row and a report ask for): pure;
//! - `reconcile`, `act`, `fleet`: one worker a node, its calls, and what nodes said last;
//! - `retention`: how long stopped VMs are kept; `count_history`: how the counts of the overview were;
//! - `view`: what pages show of it all.

mod act;
mod count_history;
mod error;
mod event;
mod event_sentence;
mod exec;
mod fail_point;
mod fleet;
mod image;
mod network;
mod node;
mod node_add;
mod node_file;
mod node_left_over;
mod node_remove;
mod offer;
mod orphan;
mod overview;
mod plan;
mod reconcile;
mod request;
mod retention;
mod shell;
mod shell_grant;
mod shell_invitation;
mod shell_live;
mod shell_lost;
mod shell_make;
mod shell_place;
mod shell_visit;
mod ssh_publish;
#[cfg(test)]
mod testing;
#[cfg(test)]
pub(crate) mod tests;
mod view;
mod vm;
mod vm_admin;
mod vm_by_node;
mod vm_change;
mod vm_create;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use node_api::log::NodeLog;
use tokio::{
    sync::broadcast,
    time::{Instant, interval_at, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    actor::Actor,
    balancer::{NodeEntry, Registry},
    clock,
    config::Config,
    db::{Db, Tx},
};

pub use error::ControlError;
pub use exec::{ExecLine, ExecTurn};
pub use shell_grant::ShellSeat;
pub use shell_make::ShellWish;
pub use shell_place::ShellPlace;
pub use shell_visit::ShellVisit;
pub use vm_by_node::NodeVms;

use count_history::CountHistory;
use fleet::Fleet;
use network::Networks;
use reconcile::Worker;
use retention::Retention;

/// Changes a slow reader may lag behind; then it looks at everything anew.
const CHANGES: usize = 1024;
/// How long the end waits for calls to nodes that are under way.
const STOP: Duration = Duration::from_secs(5);
/// How often nodes are looked for that nobody talks to.
const LOOK: Duration = Duration::from_secs(60);

/// A handle on control; cheap to clone.
#[derive(Clone)]
pub struct Control(Arc<Inner>);

struct Inner {
    db: Db,
    config: Arc<Config>,
    networks: Networks,
    /// How long stopped VMs are kept; None: for ever.
    retention: Option<Retention>,
    registry: Registry,
    fleet: Fleet,
    /// How the counts of the overview were.
    counts: CountHistory,
    /// One a node, by node id.
    workers: Mutex<HashMap<String, Arc<Worker>>>,
    /// Names of local nodes that are configured no more.
    left_over: Mutex<HashSet<String>>,
    changes: broadcast::Sender<Change>,
    exec_turns: exec::ExecTurns,
    exec_streams: exec::ExecTurns,
    connect_turns: exec::ExecTurns,
    live_turns: exec::ExecTurns,
    /// Pairs of user and shell whose owner was told that somebody else is in it.
    told_shells: Mutex<HashSet<(String, String)>>,
    /// Guests who are in shells of others.
    visits: shell_visit::ShellVisits,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// When this server began.
    began: i64,
}

/// Something that pages show has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whose it is; None: everybody's (a node's health, say).
    pub owner_id: Option<String>,
}

impl Control {
    /// Takes up the work where the last server left it. `logs` gets every record that a node logs,
    /// with the node's name. Runs until [`Control::stop`].
    pub async fn start(
        db: Db,
        config: Arc<Config>,
        logs: impl Fn(&str, NodeLog) + Send + Sync + 'static,
    ) -> Result<Self, ControlError> {
        let networks = Networks::parse(&config.network_range)?;
        let began = clock::now();
        let retention = Retention::take_up(&db, config.stopped_retention_days, began).await?;
        let control = Self(Arc::new(Inner {
            db,
            config,
            networks,
            retention,
            registry: Registry::new(Arc::new(logs)),
            fleet: Fleet::default(),
            counts: CountHistory::default(),
            workers: Mutex::default(),
            left_over: Mutex::default(),
            changes: broadcast::Sender::new(CHANGES),
            exec_turns: exec::ExecTurns::kept(),
            exec_streams: exec::ExecTurns::streams(),
            connect_turns: exec::ExecTurns::connections(),
            live_turns: exec::ExecTurns::live(),
            told_shells: Mutex::default(),
            visits: shell_visit::ShellVisits::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            began,
        }));
        control.image_seed().await?;
        control.node_take_up_all().await?;
        control.spawn(control.clone().watch_nodes());
        control.spawn(control.clone().watch_counts());
        Ok(control)
    }

    /// Ends all work; what is under way is taken up by the next server.
    pub async fn stop(&self) {
        self.0.stop.cancel();
        for entry in self.0.registry.list() {
            self.0.registry.remove(&entry.id);
        }
        self.lock_workers().clear();
        self.0.tasks.close();
        if timeout(STOP, self.0.tasks.wait()).await.is_err() {
            tracing::warn!("calls to nodes were still under way at the end");
        }
    }

    /// Told of every change from now on.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.0.changes.subscribe()
    }

    /// Makes the reconcilers of these nodes (ids) look at once.
    pub fn wake_nodes(&self, nodes: &[String]) {
        for id in nodes {
            if let Some(entry) = self.0.registry.get(id) {
                entry.woken.notify_one();
            }
        }
        self.tell(None);
    }

    fn tell(&self, owner_id: Option<&str>) {
        let owner_id = owner_id.map(str::to_owned);
        // Fails when nobody looks, which is fine.
        let _ = self.0.changes.send(Change { owner_id });
    }

    /// Has the reconciler look at one VM at once.
    fn wake_vm(&self, node_id: Option<&str>, vm_id: &str) {
        let worker = node_id.and_then(|id| self.lock_workers().get(id).cloned());
        if let Some(worker) = worker {
            worker.wake(vm_id);
        }
    }

    fn work_on(&self, entry: Arc<NodeEntry>) {
        let worker = Arc::new(Worker::new(self.clone(), entry));
        self.lock_workers()
            .insert(worker.node_id().to_owned(), worker.clone());
        worker.spawn();
    }

    /// As [`Db::write_as`]; [`ControlError::NoAccount`] where that refuses.
    async fn write_as(&self, actor: &Actor) -> Result<Tx, ControlError> {
        let tx = self.0.db.write_as(actor).await?;
        tx.ok_or(ControlError::NoAccount)
    }

    /// A task that ends with control.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.0.stop.clone();
        self.0.tasks.spawn(async move {
            stop.run_until_cancelled(task).await;
        });
    }

    fn lock_workers(&self) -> MutexGuard<'_, HashMap<String, Arc<Worker>>> {
        self.0
            .workers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody when a node's health changes, offers images that turn up on nodes, and now and then takes up
    /// nodes that nobody talks to: who added one may have been interrupted before that.
    async fn watch_nodes(self) {
        let mut changed = self.0.registry.changed();
        let mut look = interval_at(Instant::now() + LOOK, LOOK);
        loop {
            if let Err(error) = self.image_offer().await {
                tracing::warn!("the catalogue was not looked at: {}", error::chain(&error));
            }
            self.tell(None);
            tokio::select! {
                changed = changed.changed() => if changed.is_err() {
                    return;
                },
                _ = look.tick() => if let Err(error) = self.node_take_up_all().await {
                    tracing::warn!("the nodes were not looked at: {}", error::chain(&error));
                },
            }
        }
    }
}

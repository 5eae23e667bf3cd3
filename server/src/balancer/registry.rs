//! The nodes there are: each polled, followed, and remembered as it was last seen.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use app::model::NodeHealth;
use node_api::{log::NodeLog, status::NodeStatus};
use tokio::{
    sync::{Notify, watch},
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::{NodeAddress, NodeCallError, NodeClient, NodeState, follow};
use crate::clock;

/// How often a node is asked how it is.
const POLL: Duration = Duration::from_secs(2);
/// A node that has not answered yet is asked so often, so many times.
const FIRST_POLL: Duration = Duration::from_millis(100);
const FIRST_POLLS: u32 = 50;

/// Takes a node's log records: its name, and the record.
pub type NodeLogSink = Arc<dyn Fn(&str, NodeLog) + Send + Sync>;

/// A node that this server talks to. Its tasks end when it is dropped from the registry.
pub struct NodeEntry {
    /// Of its row in the database.
    pub id: String,
    pub name: String,
    /// Started and watched by this server.
    pub local: bool,
    pub client: NodeClient,
    /// Notified when something happened there: look at its VMs.
    pub woken: Notify,
    /// Cancelled when the node is removed or its address changes.
    pub gone: CancellationToken,
    state: RwLock<NodeState>,
    /// VMs in which shells were lost, until somebody takes them.
    lost_shells: watch::Sender<HashSet<Uuid>>,
    _ends_tasks: DropGuard,
}

impl NodeEntry {
    /// What is known of it now.
    pub fn state(&self) -> NodeState {
        self.state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Reads its state without copying it.
    pub fn with_state<T>(&self, read: impl FnOnce(&NodeState) -> T) -> T {
        read(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes a VM in which shells were lost, for [`NodeEntry::lost_shells`].
    pub fn shell_lost(&self, vm_id: Uuid) {
        self.lost_shells.send_modify(|vms| {
            vms.insert(vm_id);
        });
    }

    /// Waits until there are VMs in which shells were lost, and takes them.
    pub async fn lost_shells(&self) -> HashSet<Uuid> {
        let mut noted = self.lost_shells.subscribe();
        // It fails only without a sender, and that is this entry's own.
        let _ = noted.wait_for(|vms| !vms.is_empty()).await;
        self.lost_shells.send_replace(HashSet::new())
    }

    /// Asks the node how it is, at once; what it said before stays when it does not answer.
    pub async fn refresh(&self) {
        if let Ok(status) = self.client.status().await {
            self.poll(Ok(status));
        }
    }

    /// Takes in a poll's outcome; true when something others act on has changed.
    fn poll(&self, outcome: Result<NodeStatus, NodeCallError>) -> bool {
        let outcome = outcome.map_err(|error| error.to_string());
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let before = (state.health.clone(), images(&state));
        state.poll(outcome, clock::now());
        let changed = before != (state.health.clone(), images(&state));
        // The same trouble in other words is told once.
        let other = std::mem::discriminant(&before.0) != std::mem::discriminant(&state.health);
        if other {
            tell(&self.name, &state.health);
        }
        changed
    }
}

fn images(state: &NodeState) -> Vec<String> {
    state
        .status
        .as_ref()
        .map(|status| status.images.clone())
        .unwrap_or_default()
}

fn tell(node: &str, health: &NodeHealth) {
    match health {
        NodeHealth::Ready => {
            tracing::info!(target: "minicloud::balancer", node, "{node} is ready");
        }
        NodeHealth::Suspect => {
            tracing::warn!(target: "minicloud::balancer", node, "{node} missed two polls");
        }
        NodeHealth::Unreachable { reason } => {
            tracing::error!(target: "minicloud::balancer", node, "{node} is unreachable: {reason}");
        }
        NodeHealth::Degraded { reason } => {
            tracing::error!(target: "minicloud::balancer", node, "{node} is degraded: {reason}");
        }
    }
}

/// All nodes; cheap to clone.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    nodes: RwLock<HashMap<String, Arc<NodeEntry>>>,
    changed: watch::Sender<u64>,
    logs: NodeLogSink,
}

impl Registry {
    /// `logs` takes every record that any node logs.
    pub fn new(logs: NodeLogSink) -> Self {
        Self(Arc::new(Inner {
            nodes: RwLock::default(),
            changed: watch::Sender::new(0),
            logs,
        }))
    }

    /// Begins to talk to a node; one of the same id is replaced. Needs a tokio runtime.
    pub fn add(
        &self,
        id: &str,
        name: &str,
        local: bool,
        address: NodeAddress,
    ) -> Result<Arc<NodeEntry>, NodeCallError> {
        let gone = CancellationToken::new();
        let entry = Arc::new(NodeEntry {
            id: id.to_owned(),
            name: name.to_owned(),
            local,
            client: NodeClient::new(address)?,
            woken: Notify::new(),
            state: RwLock::new(NodeState::new(clock::now())),
            lost_shells: watch::Sender::new(HashSet::new()),
            _ends_tasks: gone.clone().drop_guard(),
            gone,
        });
        let old = self.write().insert(id.to_owned(), entry.clone());
        if let Some(old) = old {
            old.gone.cancel();
        }
        self.spawn(&entry);
        self.tell();
        Ok(entry)
    }

    /// Ends talking to a node.
    pub fn remove(&self, id: &str) {
        let old = self.write().remove(id);
        if let Some(old) = old {
            old.gone.cancel();
        }
        self.tell();
    }

    /// By its id; None where it was removed, or its address could not be used.
    pub fn get(&self, id: &str) -> Option<Arc<NodeEntry>> {
        self.read().get(id).cloned()
    }

    /// By name.
    pub fn list(&self) -> Vec<Arc<NodeEntry>> {
        let mut nodes: Vec<_> = self.read().values().cloned().collect();
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        nodes
    }

    /// Changes with every change of a node's health, its images, or the list of nodes.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    fn tell(&self) {
        self.0.changed.send_modify(|count| *count += 1);
    }

    fn spawn(&self, entry: &Arc<NodeEntry>) {
        let poll = poll(Arc::downgrade(entry), self.0.changed.clone());
        tokio::spawn(entry.gone.clone().run_until_cancelled_owned(poll));
        let events = follow::events(entry.clone());
        tokio::spawn(entry.gone.clone().run_until_cancelled_owned(events));
        let logs = follow::logs(entry.clone(), self.0.logs.clone());
        tokio::spawn(entry.gone.clone().run_until_cancelled_owned(logs));
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<String, Arc<NodeEntry>>> {
        self.0.nodes.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<String, Arc<NodeEntry>>> {
        self.0.nodes.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the node how it is, for ever. One that has just been started is asked more often until it
/// answers; if it does not, that is told once.
async fn poll(entry: std::sync::Weak<NodeEntry>, changed: watch::Sender<u64>) {
    let mut tick = interval(POLL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut first = FIRST_POLLS;
    loop {
        match first {
            0 => _ = tick.tick().await,
            FIRST_POLLS => {}
            _ => sleep(FIRST_POLL).await,
        }
        let Some(entry) = entry.upgrade() else { return };
        if entry.poll(entry.client.status().await) {
            entry.woken.notify_one();
            changed.send_modify(|count| *count += 1);
        }
        first = first.saturating_sub(1);
        if first > 0 && entry.with_state(|state| state.seen_at.is_some()) {
            first = 0;
        } else if first == 1 {
            entry.with_state(|state| tell(&entry.name, &state.health));
        }
    }
}

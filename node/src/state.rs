//! What all handlers share.

use std::sync::Arc;

use node_api::{
    event::{NodeEvent, NodeEventKind},
    log::NodeLog,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    clock::now_us, config::NodeConfig, driver::Driver, exec::ExecTurns, feed::Feed,
    metrics::Metrics, shell::ShellRegistry, status::StatusCache, usage::UsageStore,
};

/// Events that are kept for readers who come back.
const EVENTS_KEPT: usize = 2_000;

/// The state of a running node.
pub struct NodeState {
    pub config: NodeConfig,
    pub driver: Arc<dyn Driver>,
    pub shells: Arc<ShellRegistry>,
    /// Bounds the commands and the connections to ports that are open at once.
    pub exec_turns: ExecTurns,
    /// What `/v1/events` follows; the newest 2,000.
    pub events: Arc<Feed<NodeEvent>>,
    /// What `/v1/logs` follows.
    pub logs: Arc<Feed<NodeLog>>,
    /// The last 15 minutes of each VM.
    pub usage: UsageStore,
    /// The engine's last report, so that nobody waits for a silent engine.
    pub status: StatusCache,
    /// What `/metrics` tells.
    pub metrics: Metrics,
    /// Changes with every start; part of the ids of server-sent events.
    pub boot_id: String,
    /// Microseconds since the Unix epoch.
    pub started_at: i64,
    /// Cancelled when the node is to end: streams end then.
    pub shutdown: CancellationToken,
}

/// As handlers take it.
pub type AppState = Arc<NodeState>;

impl NodeState {
    /// Chooses the boot id and makes the registry of shells; starts no task and asks the engine nothing.
    pub(crate) fn new(
        config: NodeConfig,
        driver: Arc<dyn Driver>,
        logs: Arc<Feed<NodeLog>>,
    ) -> Self {
        let (limits, holder) = (config.shells.clone(), config.holder.clone());
        Self {
            config,
            shells: ShellRegistry::with_holder(driver.clone(), limits, holder),
            exec_turns: ExecTurns::default(),
            driver,
            events: Arc::new(Feed::new(EVENTS_KEPT)),
            logs,
            usage: UsageStore::default(),
            status: StatusCache::default(),
            metrics: Metrics::new(),
            boot_id: Uuid::now_v7().simple().to_string(),
            started_at: now_us(),
            shutdown: CancellationToken::new(),
        }
    }

    /// Tells the readers of `/v1/events`.
    pub fn event(&self, vm_id: Uuid, kind: NodeEventKind) {
        let at = now_us();
        self.events.push(|seq| NodeEvent {
            seq,
            at,
            vm_id,
            kind,
        });
    }
}

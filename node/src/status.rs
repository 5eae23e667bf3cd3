//! The node's own state, kept fresh without ever making the asker wait for a silent engine.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use node_api::status::{EngineStatus, NodeStatus};
use tokio::sync::watch;

use crate::{driver::EngineReport, state::NodeState};

/// A report younger than this is given as it is.
const FRESH: Duration = Duration::from_millis(1_000);
/// Longest wait for a new report; then the last one is given (the server allows 2 s in all).
const PATIENCE: Duration = Duration::from_millis(800);

/// The last report of the engine, and whether one is being fetched.
pub struct StatusCache {
    last: watch::Sender<Option<(Instant, EngineReport)>>,
    fetching: Mutex<bool>,
}

impl Default for StatusCache {
    fn default() -> Self {
        Self {
            last: watch::Sender::new(None),
            fetching: Mutex::new(false),
        }
    }
}

/// The node's state, at most about two seconds old.
pub async fn status(state: &Arc<NodeState>) -> NodeStatus {
    let mut seen = state.status.last.subscribe();
    if !is_fresh(&seen.borrow_and_update()) {
        refresh(state);
        // Not in time: what was known last is the answer.
        let _ = tokio::time::timeout(PATIENCE, seen.changed()).await;
    }
    let report = seen.borrow().as_ref().map(|(_, report)| report.clone());
    render(state, report.unwrap_or_else(silent))
}

fn is_fresh(last: &Option<(Instant, EngineReport)>) -> bool {
    last.as_ref().is_some_and(|(at, _)| at.elapsed() < FRESH)
}

/// Fetches a report in the background, one at a time.
fn refresh(state: &Arc<NodeState>) {
    if std::mem::replace(&mut *state.status.lock(), true) {
        return;
    }
    let state = state.clone();
    tokio::spawn(async move {
        let report = state.driver.engine().await;
        *state.status.lock() = false;
        tell(
            state.status.last.borrow().as_ref().map(|(_, old)| old),
            &report,
        );
        state
            .status
            .last
            .send_replace(Some((Instant::now(), report)));
    });
}

/// Logs when the engine goes away or comes back.
fn tell(before: Option<&EngineReport>, now: &EngineReport) {
    let before = before.and_then(|report| report.engine.degraded.as_deref());
    match (before, now.engine.degraded.as_deref()) {
        (None, Some(reason)) => tracing::error!("the engine cannot be used: {reason}"),
        (Some(_), None) => tracing::info!("the engine can be used again"),
        _ => {}
    }
}

impl StatusCache {
    fn lock(&self) -> std::sync::MutexGuard<'_, bool> {
        self.fetching.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is said of an engine that has not answered since the node began.
fn silent() -> EngineReport {
    EngineReport {
        engine: EngineStatus {
            kind: EngineStatus::UNKNOWN.into(),
            version: None,
            degraded: Some("the engine has not answered yet".into()),
            id: None,
            started_at: None,
        },
        capacity: Default::default(),
        usage: Default::default(),
        images: Vec::new(),
        disk_limit_hard: false,
    }
}

fn render(state: &NodeState, report: EngineReport) -> NodeStatus {
    let mut usage = report.usage;
    usage.shells = u32::try_from(state.shells.count()).unwrap_or(u32::MAX);
    NodeStatus {
        name: state.config.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        boot_id: state.boot_id.clone(),
        pid: std::process::id(),
        started_at: state.started_at,
        engine: report.engine,
        capacity: report.capacity,
        usage,
        images: report.images,
        disk_limit_hard: report.disk_limit_hard,
        ssh_ports: state.config.ssh_ports.clone(),
        // Not from the report, which may be a second old.
        outage: state.driver.outage(),
        reach_open: state.driver.reach_open(),
    }
}

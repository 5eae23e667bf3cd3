//! A node: its state, its background tasks, and how it begins and ends.

use std::{future::Future, sync::Arc};

use node_api::{event::NodeEventKind, log::NodeLog};
use tokio::{
    net::TcpListener,
    sync::broadcast::{self, error::RecvError},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::{
    config::NodeConfig,
    driver::{Driver, DriverEvent},
    feed::Feed,
    log,
    router::router,
    serve,
    state::NodeState,
    usage,
};

/// A node that is ready to serve.
pub struct Node {
    state: Arc<NodeState>,
    tls: Option<TlsAcceptor>,
}

impl Node {
    /// A node with a log ring of its own (tests run several in one process).
    pub fn new(config: NodeConfig, driver: Arc<dyn Driver>) -> Self {
        Self::with_logs(config, driver, log::ring())
    }

    /// A node whose `/v1/logs` tells what is put into `logs` (see [`log::install`]).
    pub fn with_logs(
        config: NodeConfig,
        driver: Arc<dyn Driver>,
        logs: Arc<Feed<NodeLog>>,
    ) -> Self {
        Self {
            state: Arc::new(NodeState::new(config, driver, logs)),
            tls: None,
        }
    }

    /// Speaks TLS only.
    pub fn with_tls(mut self, tls: Option<TlsAcceptor>) -> Self {
        self.tls = tls;
        self
    }

    /// Ends [`Node::serve`] when cancelled: no new connections, streams end, requests under way get
    /// 8 s. VMs are untouched.
    pub fn shutdown_token(&self) -> CancellationToken {
        self.state.shutdown.clone()
    }

    /// What handlers share; for tests.
    pub fn state(&self) -> Arc<NodeState> {
        self.state.clone()
    }

    /// Serves until [`Node::shutdown_token`] is cancelled.
    pub fn serve(self, listener: TcpListener) -> impl Future<Output = ()> + Send {
        let Self { state, tls } = self;
        async move {
            let tasks = [
                tokio::spawn(usage::run(state.clone())),
                tokio::spawn(watch(state.clone(), state.driver.events())),
                tokio::spawn(watch(state.clone(), state.shells.events())),
            ];
            // Before anybody is answered: to a server that asks, a shell that is not there is over.
            state.shells.adopt().await;
            let served = serve::run(listener, router(state.clone()), tls, state.shutdown.clone());
            tokio::join!(served, end_shells(&state));
            tasks.iter().for_each(tokio::task::JoinHandle::abort);
        }
    }
}

/// Shells are left to their holder, or end with this process; their viewers are told.
async fn end_shells(state: &NodeState) {
    state.shutdown.cancelled().await;
    state.shells.shutdown().await;
}

/// Passes events on, and ends the shells of VMs that have ended.
async fn watch(state: Arc<NodeState>, mut events: broadcast::Receiver<DriverEvent>) {
    loop {
        match events.recv().await {
            Ok(event) => take(&state, event),
            // Events are hints: readers look again at all VMs every few seconds anyway.
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "events came too fast"),
            Err(RecvError::Closed) => return,
        }
    }
}

fn take(state: &Arc<NodeState>, DriverEvent { vm_id, kind }: DriverEvent) {
    tracing::info!(%vm_id, ?kind, "a VM changed");
    state.event(vm_id, kind);
    if matches!(kind, NodeEventKind::VmExited | NodeEventKind::VmDeleted) {
        state.shells.vm_stopped(vm_id);
    }
}

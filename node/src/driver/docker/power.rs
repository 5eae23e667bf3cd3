//! Start and stop.

use std::net::SocketAddr;

use bollard::{
    models::{NetworkConnectRequest, NetworkDisconnectRequest},
    query_parameters::{StartContainerOptions, StopContainerOptions},
};
use node_api::{
    error::NodeErrorCode,
    vm::{VmReport, VmSpec},
};
use uuid::Uuid;

use super::{
    api::{START, STOP},
    context::{Context, container_name, named},
    network, profile, trial,
};
use crate::{driver::DriverError, fail_point::fail_point, port};

/// Fine where it runs. Errors as [`start_anywhere`]'s; `NotFound` where it is not this node's.
pub(super) async fn vm_start(context: &Context, id: Uuid) -> Result<VmReport, DriverError> {
    let spec = context.look(id).await?.spec;
    fail_point("vm_start:before_engine");
    start_anywhere(context, &spec, Container::Old).await?;
    fail_point("vm_start:engine_acted");
    context.look(id).await
}

/// Which container is started.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    /// Made right now.
    New,
    /// There before: starts of it may have failed.
    Old,
}

/// Starts the container; makes its network anew where that has gone meanwhile.
pub(super) async fn start_anywhere(
    context: &Context,
    spec: &VmSpec,
    which: Container,
) -> Result<(), DriverError> {
    let started = match which {
        Container::New => start(context, spec.id).await,
        Container::Old => start_joined(context, spec).await,
    };
    let outcome = match started {
        Err(error) if lacks_network(&error) => {
            network::forget(context, &spec.network.name);
            let _lock = network::ensure(context, spec).await?;
            rejoin(context, spec).await?;
            start(context, spec.id).await
        }
        outcome => outcome,
    };
    context.cache.spoil(spec.id);
    let outcome = outcome.map_err(|error| of_port(context, spec, error));
    match &outcome {
        Ok(()) => context.health.started(),
        Err(error) if error.code == NodeErrorCode::Engine => blame(context, spec, error).await,
        // The VM's own fault (an image without a shell), or an engine that does not answer.
        Err(_) => {}
    }
    outcome
}

/// Engines from 29 on forget which network a container is to be in when a start of it fails, and the next start
/// gives one that runs without any.
async fn start_joined(context: &Context, spec: &VmSpec) -> Result<(), DriverError> {
    let found = context.inspect(&container_name(spec.id)).await;
    let found = found.map_err(|error| named(error, spec.id))?;
    let networks = found
        .network_settings
        .and_then(|settings| settings.networks);
    if !networks.is_some_and(|networks| networks.contains_key(&spec.network.name)) {
        rejoin(context, spec).await?;
    }
    start(context, spec.id).await
}

/// The same, unless the VM's published port is why: that is nobody's fault here.
fn of_port(context: &Context, spec: &VmSpec, error: DriverError) -> DriverError {
    let (Some(port), true) = (spec.ssh_port, is_port_taken(&error)) else {
        return error;
    };
    let at = SocketAddr::new(context.config.ssh_listen, port);
    // For the admin: whose it is, is not the tenant's business.
    let holder = port::holder(at).unwrap_or_else(|| "something unseen".into());
    tracing::warn!(id = %spec.id, "a VM's SSH cannot be published on {at}: {holder} holds it");
    DriverError::new(
        NodeErrorCode::PortTaken,
        format!("its port {port} for SSH is in use by another program of the host"),
    )
}

/// By the engine's words: its own containers have it, or something else.
fn is_port_taken(error: &DriverError) -> bool {
    error.code == NodeErrorCode::Engine
        && (error.message.contains("port is already allocated")
            || error.message.contains("address already in use"))
}

/// The engine's fault, or the VM's? Who is root in a VM can break it so that no engine starts it; that
/// must not take the node away from others. So a fresh container decides before a node degrades.
async fn blame(context: &Context, spec: &VmSpec, error: &DriverError) {
    let _one = context.trial.one().await;
    if context.health.is_on_the_edge() && trial::attempt(context, spec).await.is_ok() {
        tracing::warn!(id = %spec.id, "a VM cannot be started, but others can: {error}");
        return context.health.started();
    }
    context.health.failed(&error.message);
    context.trial.remember(spec);
}

async fn start(context: &Context, id: Uuid) -> Result<(), DriverError> {
    let name = container_name(id);
    let started = context
        .api
        .call(START, |docker| {
            docker.start_container(&name, None::<StartContainerOptions>)
        })
        .await;
    started.map_err(|error| match is_network_full(&error) {
        true => DriverError::new(NodeErrorCode::NoRoom, NETWORK_FULL),
        false => named(error, id),
    })
}

/// The owner's own doing, and not the engine's fault: the node stays healthy for others.
const NETWORK_FULL: &str = "every address of its owner's network on this engine is in use: 29 VMs of one user can run \
    there at once. Shut one of them down and start this one";

/// By the engine's words; its status is that of any fault.
fn is_network_full(error: &DriverError) -> bool {
    error.code == NodeErrorCode::Engine && error.message.contains("no available IPv4 addresses")
}

/// The container knows its network by an id that is no more: it is told the new one.
async fn rejoin(context: &Context, spec: &VmSpec) -> Result<(), DriverError> {
    let (network, container) = (&spec.network.name, container_name(spec.id));
    let leave = NetworkDisconnectRequest {
        container: container.clone(),
        force: Some(true),
    };
    let left = context
        .api
        .call(START, |docker| docker.disconnect_network(network, leave))
        .await;
    if let Err(error) = left {
        // It was not in it: joining is what matters.
        tracing::debug!(%network, "not left: {error}");
    }
    let join = NetworkConnectRequest {
        container,
        endpoint_config: Some(profile::endpoint(spec)),
    };
    context
        .api
        .call(START, |docker| docker.connect_network(network, join))
        .await
}

fn lacks_network(error: &DriverError) -> bool {
    error.message.contains("network") && error.message.contains("not found")
}

/// TERM, 10 s, KILL; waits for the end.
pub(super) async fn vm_stop(context: &Context, id: Uuid) -> Result<VmReport, DriverError> {
    context.check_mine(id).await?;
    context.state().stopping.insert(id);
    context.cache.spoil(id);
    let options = StopContainerOptions {
        t: Some(profile::STOP_GRACE_S),
        ..Default::default()
    };
    let name = container_name(id);
    fail_point("vm_stop:before_engine");
    let stopped = context
        .api
        .call(STOP, |docker| docker.stop_container(&name, Some(options)))
        .await;
    context.state().stopping.remove(&id);
    context.cache.spoil(id);
    stopped.map_err(|error| named(error, id))?;
    fail_point("vm_stop:engine_acted");
    context.look(id).await
}

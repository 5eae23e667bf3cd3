//! One network a user and engine, made with the user's first VM and removed with the last one,
//! whichever of the engine's nodes these are on.
//!
//! Who makes a container holds the network's lock (shared), who makes or removes the network holds
//! it alone; so no network goes between the look for it and the container that needs it.

use std::collections::HashMap;

use bollard::{
    models::{Ipam, IpamConfig, NetworkCreateRequest},
    query_parameters::{ListContainersOptions, ListNetworksOptions},
};
use node_api::{
    error::NodeErrorCode,
    vm::{NetworkSpec, VmSpec},
};
use uuid::Uuid;

use super::{
    api::{LIST, START},
    context::Context,
    label,
    lock::{Lock, Mode},
};
use crate::driver::DriverError;

/// How the engine says that another network has some of the addresses, in all its versions.
const OVERLAPS: &str = "Pool overlaps";

/// Makes sure of the network, and keeps it while the lock is held.
pub(super) async fn ensure(context: &Context, spec: &VmSpec) -> Result<Lock, DriverError> {
    let name = &spec.network.name;
    if context.state().networks.contains(name) {
        return context.locks.lock(name, Mode::Shared).await;
    }
    let lock = context.locks.lock(name, Mode::Exclusive).await?;
    if !exists(context, name).await? {
        create(context, &spec.network, spec.owner_id).await?;
        tracing::info!(network = %name, subnet = %spec.network.subnet, "a network was made");
    }
    context.state().networks.insert(name.clone());
    Ok(lock)
}

/// The network was not there although it was known: it is looked for anew next time.
pub(super) fn forget(context: &Context, name: &str) {
    context.state().networks.remove(name);
}

/// By label: 20.10 allows two networks of one name, and what has it without our label is not ours.
async fn exists(context: &Context, name: &str) -> Result<bool, DriverError> {
    let found = list(context, label::filter(label::NETWORK, name)).await?;
    Ok(!found.is_empty())
}

async fn create(context: &Context, network: &NetworkSpec, owner: Uuid) -> Result<(), DriverError> {
    let options = [
        ("com.docker.network.bridge.name", network.name.as_str()),
        ("com.docker.network.bridge.enable_icc", "true"),
        ("com.docker.network.bridge.enable_ip_masquerade", "true"),
    ];
    let labels = [
        (label::NETWORK, network.name.clone()),
        (label::OWNER, owner.to_string()),
    ];
    let request = NetworkCreateRequest {
        name: network.name.clone(),
        driver: Some("bridge".into()),
        ipam: Some(Ipam {
            config: Some(vec![IpamConfig {
                subnet: Some(network.subnet.clone()),
                ..Default::default()
            }]),
            ..Default::default()
        }),
        options: Some(
            options
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
        ),
        labels: Some(labels.map(|(key, value)| (key.to_owned(), value)).into()),
        ..Default::default()
    };
    let made = context
        .api
        .call(START, |docker| docker.create_network(request))
        .await;
    made.map(drop).map_err(|error| {
        let code = match error.message.contains(OVERLAPS) {
            true => NodeErrorCode::SubnetTaken,
            false => NodeErrorCode::Engine,
        };
        let (name, subnet) = (&network.name, &network.subnet);
        DriverError::new(
            code,
            format!("the network {name} ({subnet}) was not made: {error}"),
        )
    })
}

/// Removes the owner's network if no VM of the owner is left on the engine.
pub(super) async fn release(context: &Context, name: &str, owner: &str) -> Result<(), DriverError> {
    let lock = context.locks.lock(name, Mode::Exclusive).await?;
    if has_vms(context, owner).await? {
        return Ok(());
    }
    forget(context, name);
    for id in list(context, label::filter(label::NETWORK, name)).await? {
        remove(context, name, &id).await?;
    }
    lock.discard();
    Ok(())
}

async fn remove(context: &Context, name: &str, id: &str) -> Result<(), DriverError> {
    let removed = context
        .api
        .call(START, |docker| docker.remove_network(id))
        .await;
    match removed {
        Ok(()) => tracing::info!(network = %name, "a network was removed"),
        Err(error) if error.code == NodeErrorCode::NotFound => {}
        Err(error) => {
            // Another MiniCloud on the engine may have swept it away at the same moment.
            let left = list(context, label::filter(label::NETWORK, name)).await?;
            if left.iter().any(|found| found == id) {
                return Err(error);
            }
        }
    }
    Ok(())
}

async fn has_vms(context: &Context, owner: &str) -> Result<bool, DriverError> {
    let options = ListContainersOptions {
        all: true,
        limit: Some(1),
        filters: Some(label::filter(label::OWNER, owner)),
        ..Default::default()
    };
    let found = context
        .api
        .call(LIST, |docker| docker.list_containers(Some(options)))
        .await?;
    Ok(!found.is_empty())
}

/// Removes networks whose last VM went while a node was cut off in the middle of it. One that cannot be removed
/// keeps no other; an error is that of the last such.
pub(super) async fn sweep(context: &Context) -> Result<(), DriverError> {
    let filters = HashMap::from([("label".to_owned(), vec![label::NETWORK.to_owned()])]);
    let options = ListNetworksOptions {
        filters: Some(filters),
    };
    let networks = context
        .api
        .call(LIST, |docker| docker.list_networks(Some(options)))
        .await?;
    let mut outcome = Ok(());
    for network in networks {
        let labels = network.labels.unwrap_or_default();
        if let (Some(name), Some(owner)) = (labels.get(label::NETWORK), labels.get(label::OWNER))
            && !has_vms(context, owner).await?
            && let Err(error) = release(context, name, owner).await
        {
            outcome = Err(error);
        }
    }
    outcome
}

/// Ids of networks.
async fn list(
    context: &Context,
    filters: HashMap<String, Vec<String>>,
) -> Result<Vec<String>, DriverError> {
    let options = ListNetworksOptions {
        filters: Some(filters),
    };
    let found = context
        .api
        .call(LIST, |docker| docker.list_networks(Some(options)))
        .await?;
    Ok(found.into_iter().filter_map(|network| network.id).collect())
}

//! While the engine could not start things: a trial now and then, until one works. Without it the
//! node would stay degraded for ever, because nothing is placed on it.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bollard::{
    models::{ContainerCreateBody, HostConfig},
    query_parameters::{
        CreateContainerOptions, ListNetworksOptions, RemoveContainerOptions, StartContainerOptions,
    },
};
use node_api::{error::NodeErrorCode, vm::VmSpec};

use super::{
    api::{CREATE, LIST, START},
    context::Context,
    label, network, profile,
};
use crate::driver::DriverError;

/// Networks without VMs are looked for this often.
const SWEEP: Duration = Duration::from_secs(20);

/// What a trial is like, and whose turn it is.
pub(super) struct Trial {
    /// The VM whose start failed last: the trial is like it.
    spec: Mutex<Option<VmSpec>>,
    /// One trial, and one verdict, at a time.
    one: tokio::sync::Mutex<()>,
    /// Its container may be there: of a node that was killed, or because the engine did not remove it.
    is_left: AtomicBool,
}

impl Default for Trial {
    fn default() -> Self {
        Self {
            spec: Mutex::default(),
            one: tokio::sync::Mutex::default(),
            is_left: AtomicBool::new(true),
        }
    }
}

impl Trial {
    /// Waits for the turn, which is over when this is dropped.
    pub(super) async fn one(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.one.lock().await
    }

    /// Makes the next trials like this VM.
    pub(super) fn remember(&self, spec: &VmSpec) {
        *self.lock() = Some(spec.clone());
    }

    fn spec(&self) -> Option<VmSpec> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<VmSpec>> {
        self.spec.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tries until the driver is dropped.
pub(super) async fn run(context: Weak<Context>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let Some(context) = context.upgrade() else {
            return;
        };
        let _one = context.trial.one().await;
        if context.health.degraded().is_some()
            && let Some(spec) = context.trial.spec()
        {
            match attempt(&context, &spec).await {
                Ok(()) => {
                    tracing::info!("a trial was started: the engine works again");
                    context.health.started();
                }
                Err(error) => {
                    tracing::warn!("a trial was not started: {error}");
                    context.health.failed(&error.message);
                }
            }
        }
    }
}

/// Removes what was left behind, until the driver is dropped: networks, and the trial of a node that
/// was killed in the middle of it.
pub(super) async fn sweep(context: Weak<Context>) {
    loop {
        if let Some(context) = context.upgrade()
            && context.trial.is_left.load(Ordering::Relaxed)
            && context.api.docker().is_ok()
        {
            let _one = context.trial.one().await;
            remove(&context, &name(&context)).await;
        }
        tokio::time::sleep(SWEEP).await;
        let Some(context) = context.upgrade() else {
            return;
        };
        if let Err(error) = network::sweep(&context).await {
            tracing::debug!("networks were not looked through: {error}");
        }
    }
}

/// For who holds [`Trial::one`]: makes, starts and removes a container like the VM's, in its network
/// if that is there.
pub(super) async fn attempt(context: &Context, spec: &VmSpec) -> Result<(), DriverError> {
    let name = name(context);
    remove(context, &name).await;
    let body = container(context, spec).await?;
    context.trial.is_left.store(true, Ordering::Relaxed);
    let options = CreateContainerOptions {
        name: Some(name.clone()),
        ..Default::default()
    };
    context
        .api
        .call(CREATE, |docker| {
            docker.create_container(Some(options), body)
        })
        .await?;
    let started = context
        .api
        .call(START, |docker| {
            docker.start_container(&name, None::<StartContainerOptions>)
        })
        .await;
    remove(context, &name).await;
    started
}

fn name(context: &Context) -> String {
    format!("mc-trial-{}", context.config.node)
}

async fn container(context: &Context, spec: &VmSpec) -> Result<ContainerCreateBody, DriverError> {
    // The VM's own port may be why it did not start.
    let spec = &VmSpec {
        ssh_port: None,
        ..spec.clone()
    };
    let mut body = profile::container(spec, &context.config, false)?;
    // Not a VM: it must show in no list.
    body.labels = Some([(label::TRIAL.to_owned(), context.config.node.clone())].into());
    let options = ListNetworksOptions {
        filters: Some(label::filter(label::NETWORK, &spec.network.name)),
    };
    let networks = context
        .api
        .call(LIST, |docker| docker.list_networks(Some(options)))
        .await?;
    if networks.is_empty() {
        body.networking_config = None;
        body.host_config = body.host_config.map(|config| HostConfig {
            network_mode: Some("bridge".into()),
            ..config
        });
    }
    Ok(body)
}

async fn remove(context: &Context, name: &str) {
    let options = RemoveContainerOptions {
        force: true,
        v: true,
        ..Default::default()
    };
    let removed = context
        .api
        .call(START, |docker| docker.remove_container(name, Some(options)))
        .await;
    // Not there is the usual case; what is left is tried again.
    let error = removed
        .err()
        .filter(|error| error.code != NodeErrorCode::NotFound);
    context
        .trial
        .is_left
        .store(error.is_some(), Ordering::Relaxed);
    if let Some(error) = error {
        tracing::debug!("the trial's container was not removed: {error}");
    }
}

//! What the parts of the driver share.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use bollard::{models::ContainerInspectResponse, query_parameters::InspectContainerOptions};
use node_api::{event::NodeEventKind, status::EngineOutage, vm::VmReport};
use tokio::sync::broadcast;
use uuid::Uuid;

use super::{
    DockerConfig,
    api::{self, Api},
    cache::ReportCache,
    engine::Facts,
    files::Helper,
    image::Pulls,
    label,
    lock::Locks,
    per_vm::PerVm,
    report,
    room::Room,
    silent::Silent,
};
use crate::{
    clock::now_us,
    driver::{DriverError, DriverEvent, health::StartHealth},
};

/// One driver's state: its calls and its tasks share it.
pub(super) struct Context {
    pub config: DockerConfig,
    pub api: Api,
    /// Of networks; shared with the other nodes of the engine.
    pub locks: Locks,
    /// Whether the engine can start things.
    pub health: StartHealth,
    /// Memory promised to VMs.
    pub room: Room,
    pub cache: ReportCache,
    /// VMs of which the engine tells nothing.
    pub silent: Silent,
    /// A listener may lag by 4,096.
    pub events: broadcast::Sender<DriverEvent>,
    /// What the engine is, as it was told last.
    pub facts: Facts,
    pub trial: super::trial::Trial,
    /// What is put into VMs for sftp and scp.
    pub helper: Helper,
    state: Mutex<State>,
    /// One change of a VM's existence at a time: the engine answers "taken" before a container that
    /// is being made can be looked at.
    changing: PerVm<tokio::sync::Mutex<()>>,
}

/// Small things that change.
#[derive(Default)]
pub(super) struct State {
    /// Networks that were there when last looked.
    pub networks: HashSet<String>,
    /// Images being pulled, and pulls that failed.
    pub pulls: Pulls,
    /// VMs that are being stopped by us.
    pub stopping: HashSet<Uuid>,
    /// How often memory has run out in a VM, and whether it did since its last start.
    pub ooms: HashMap<Uuid, (u64, bool)>,
    /// The last time the engine was out of touch.
    pub outage: Option<EngineOutage>,
    /// Why VMs reach what they should not, where they do.
    pub reach_open: Option<String>,
}

impl Context {
    /// Fails where `host` is not a local socket or the lock folder cannot be made; asks the engine nothing.
    pub(super) fn new(config: DockerConfig) -> Result<Self, DriverError> {
        Ok(Self {
            api: Api::new(api::socket_path(&config.host)?),
            locks: Locks::new(config.lock_dir.clone())?,
            helper: Helper::new(config.files.clone()),
            config,
            health: StartHealth::default(),
            room: Room::default(),
            cache: ReportCache::default(),
            silent: Silent::default(),
            events: broadcast::Sender::new(4096),
            facts: Facts::default(),
            trial: super::trial::Trial::default(),
            state: Mutex::default(),
            changing: PerVm::default(),
        })
    }

    /// Held for moments, never across an await.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes whether the engine was in touch just now.
    pub(super) fn touch(&self, in_touch: bool) {
        let mut state = self.state();
        state.outage = EngineOutage::after(state.outage, in_touch, now_us());
    }

    /// Waits until nobody else creates or deletes the VM.
    pub(super) async fn change(&self, id: Uuid) -> tokio::sync::OwnedMutexGuard<()> {
        self.changing.get(id).lock_owned().await
    }

    /// Tells whoever listens to the driver's events.
    pub(super) fn tell(&self, vm_id: Uuid, kind: NodeEventKind) {
        // Nobody listening is fine: events are hints.
        let _ = self.events.send(DriverEvent { vm_id, kind });
    }

    /// Looks at a VM; not found, too, where it is another node's.
    pub(super) async fn look(&self, id: Uuid) -> Result<VmReport, DriverError> {
        let seen = self.cache.generation();
        let name = container_name(id);
        let found = self.inspect(&name).await;
        if found.is_ok() {
            self.silent.heard(id);
        }
        let found = found.map_err(|error| named(error, id))?;
        let report = self
            .report(&found)
            .ok_or_else(|| DriverError::vm_not_found(id))?;
        self.cache.store(&report, seen);
        Ok(report)
    }

    /// The engine's words about a container, whosesoever it is.
    pub(super) async fn inspect(
        &self,
        container: &str,
    ) -> Result<ContainerInspectResponse, DriverError> {
        self.api
            .call(api::LIST, |docker| {
                docker.inspect_container(container, None::<InspectContainerOptions>)
            })
            .await
    }

    /// A container of this node as a VM; None where it is not one.
    pub(super) fn report(&self, found: &ContainerInspectResponse) -> Option<VmReport> {
        let labels = found.config.as_ref()?.labels.as_ref()?;
        if labels.get(label::NODE) != Some(&self.config.node) {
            return None;
        }
        report::of(found, |id| self.known(id))
    }

    /// What is known of a VM beside what the engine says.
    pub(super) fn known(&self, id: Uuid) -> report::Known {
        let state = self.state();
        report::Known {
            stopping: state.stopping.contains(&id),
            ooms: state.ooms.get(&id).copied().unwrap_or_default(),
        }
    }

    /// Fails unless the VM is this node's; asks the engine only where it is not known.
    pub(super) async fn check_mine(&self, id: Uuid) -> Result<(), DriverError> {
        if self.cache.knows(id) {
            return Ok(());
        }
        self.look(id).await.map(drop)
    }
}

/// The container of a VM.
pub(super) fn container_name(id: Uuid) -> String {
    format!("mc-{id}")
}

/// "No such container" in our words; other errors as they are.
pub(super) fn named(error: DriverError, id: Uuid) -> DriverError {
    let gone = error.code == node_api::error::NodeErrorCode::NotFound
        && error.message.contains("No such container");
    if gone {
        DriverError::vm_not_found(id)
    } else {
        error
    }
}

//! The simulated engine: what all nodes on it share.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use node_api::{
    error::NodeErrorCode,
    event::NodeEventKind,
    image::ImageState,
    status::EngineOutage,
    vm::{NetworkSpec, VmSpec},
};
use tokio::sync::{broadcast, watch};
use uuid::Uuid;

use super::{
    fault::{Faults, SimCall, SimFault},
    settle::Changes,
    vm::SimVm,
};
use crate::{
    clock::now_us,
    driver::{DriverError, DriverEvent, health::StartHealth},
};

/// How often a held call looks whether it may go on.
const HELD_LOOK: Duration = Duration::from_millis(5);

/// How the engine behaves; may be changed while it runs.
#[derive(Clone, Debug)]
pub struct SimConfig {
    /// Slept before a container is made.
    pub create_delay: Duration,
    /// Slept before a VM runs.
    pub start_delay: Duration,
    /// Slept after a VM's traps have run, before it ends.
    pub stop_delay: Duration,
    /// A question about the engine itself waits for a silent one for so long.
    pub answer: Duration,
    /// Real ones; four times as many are promised.
    pub cores: u32,
    /// Memory for VMs over all nodes of the engine, MiB.
    pub memory_mib: u32,
    /// Disk over all nodes of the engine, GiB.
    pub disk_gib: u32,
    /// Told as it is; however little it says, VMs are made.
    pub disk_free_percent: u8,
    /// Images that are here.
    pub images: Vec<String>,
    /// Images that can be pulled.
    pub registry: Vec<String>,
    /// A pull takes that many steps, of that long each.
    pub pull_steps: u8,
    /// As `pull_steps`: the length of one.
    pub pull_step: Duration,
    /// A pull waits at that many percent until more are let through; 100 for one that never waits.
    pub pull_until: u8,
    /// Calls that are counted and then wait, until they are taken out of here or their deadline passes:
    /// so a test sees what stands in between for as long as it looks.
    pub hold: Vec<SimCall>,
    /// Ports of the host that other programs have.
    pub ports_taken: Vec<u16>,
    /// Since when it runs (microseconds since the Unix epoch), where it tells that.
    pub began_at: Option<i64>,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            create_delay: Duration::ZERO,
            start_delay: Duration::ZERO,
            stop_delay: Duration::ZERO,
            answer: Duration::from_secs(3),
            cores: 8,
            memory_mib: 64 * 1024,
            disk_gib: 1024,
            disk_free_percent: 80,
            images: vec!["minicloud/base".into(), "alpine".into()],
            registry: Vec::new(),
            pull_steps: 5,
            pull_step: Duration::from_millis(50),
            pull_until: 100,
            hold: Vec::new(),
            ports_taken: Vec::new(),
            began_at: None,
        }
    }
}

/// The engine and its containers.
pub struct SimEngine {
    inner: Mutex<Inner>,
    /// While true no call gets an answer, as of a stopped engine process.
    silent: watch::Sender<bool>,
    /// Failed starts over all nodes.
    pub(super) health: StartHealth,
}

/// What changes; behind one lock, so that a test sees it whole.
pub(super) struct Inner {
    pub config: SimConfig,
    pub vms: BTreeMap<Uuid, SimVm>,
    /// By name; one goes with its last VM.
    pub networks: BTreeMap<String, NetworkSpec>,
    /// Those under way, and failures that nobody has been told.
    pub pulls: HashMap<String, ImageState>,
    /// VMs that are being made or deleted.
    pub changes: Changes,
    faults: Faults,
    away: Option<String>,
    /// The last time it was away.
    pub outage: Option<EngineOutage>,
    events: HashMap<String, broadcast::Sender<DriverEvent>>,
}

impl SimEngine {
    /// Without VMs, and answering.
    pub fn new(config: SimConfig) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::new(Inner {
                config,
                vms: BTreeMap::new(),
                networks: BTreeMap::new(),
                pulls: HashMap::new(),
                changes: Changes::default(),
                faults: Faults::default(),
                away: None,
                outage: None,
                events: HashMap::new(),
            }),
            silent: watch::Sender::new(false),
            health: StartHealth::default(),
        })
    }

    /// Changes how it behaves from now on.
    pub fn configure(&self, change: impl FnOnce(&mut SimConfig)) {
        change(&mut self.lock().config);
    }

    /// Makes the next calls of a kind fail, over all nodes.
    pub fn fail_next(&self, call: SimCall, times: usize, fault: SimFault) {
        self.lock().faults.add(call, times, &fault);
    }

    /// How many calls of a kind have begun, over all nodes.
    pub fn calls(&self, call: SimCall) -> usize {
        self.lock().faults.calls(call)
    }

    /// The engine goes away with these words, or comes back.
    pub fn set_away(&self, reason: Option<&str>) {
        let mut inner = self.lock();
        inner.outage = EngineOutage::after(inner.outage, reason.is_none(), now_us());
        inner.away = reason.map(str::to_owned);
    }

    /// The engine stops answering, or answers again.
    pub fn set_silent(&self, silent: bool) {
        self.silent.send_replace(silent);
    }

    /// PID 1 of a running VM ends by itself.
    pub fn vm_exits(&self, id: Uuid, code: i64) {
        self.end(id, code, false);
    }

    /// The kernel ends a VM for memory.
    pub fn vm_runs_out_of_memory(&self, id: Uuid) {
        if let Some(vm) = self.lock().vms.get_mut(&id) {
            vm.oom_kills += 1;
        }
        self.tell(id, NodeEventKind::VmOom);
        self.end(id, 137, true);
    }

    /// A VM that has ended did so at that time: microseconds since the Unix epoch.
    pub fn vm_ended_at(&self, id: Uuid, at: i64) {
        let mut inner = self.lock();
        let exit = inner.vms.get_mut(&id).and_then(|vm| vm.exit.as_mut());
        if let Some(exit) = exit {
            exit.finished_at = at;
        }
    }

    /// Its container is removed behind everybody's back.
    pub fn vm_vanishes(&self, id: Uuid) {
        self.tell(id, NodeEventKind::VmDeleted);
        self.lock().vms.remove(&id);
    }

    /// What it uses of a core from now on, thousandths.
    pub fn set_load(&self, id: Uuid, millis: u32) {
        if let Some(vm) = self.lock().vms.get_mut(&id) {
            vm.load_millis = millis;
        }
    }

    /// The VMs of the engine, with the node each belongs to.
    pub fn vms(&self) -> Vec<(Uuid, String)> {
        let inner = self.lock();
        inner
            .vms
            .iter()
            .map(|(id, vm)| (*id, vm.node.clone()))
            .collect()
    }

    /// What each of them was asked to be.
    pub fn specs(&self) -> Vec<VmSpec> {
        let inner = self.lock();
        inner.vms.values().map(|vm| vm.spec.clone()).collect()
    }

    /// How many commands with streams run in a VM.
    pub fn processes(&self, id: Uuid) -> usize {
        let inner = self.lock();
        let processes = inner.vms.get(&id).map(|vm| vm.processes.iter());
        let running = processes.into_iter().flatten();
        running.filter(|process| !process.has_ended()).count()
    }

    /// Whether a VM's SSH server runs.
    pub fn ssh_serves(&self, id: Uuid) -> bool {
        let inner = self.lock();
        inner.vms.get(&id).is_some_and(|vm| vm.ssh_serves)
    }

    /// A file of a VM.
    pub fn file(&self, id: Uuid, path: &str) -> Option<String> {
        self.lock().vms.get(&id)?.files.get(path).cloned()
    }

    /// Names of the networks there are.
    pub fn networks(&self) -> Vec<String> {
        self.lock().networks.keys().cloned().collect()
    }

    /// Held for moments, never across an await.
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The events of the node's VMs from now on; a listener may lag by 4,096.
    pub(super) fn subscribe(&self, node: &str) -> broadcast::Receiver<DriverEvent> {
        let mut inner = self.lock();
        let sender = inner
            .events
            .entry(node.to_owned())
            .or_insert_with(|| broadcast::Sender::new(4096));
        sender.subscribe()
    }

    /// Tells the node the VM belongs to.
    pub(super) fn tell(&self, vm_id: Uuid, kind: NodeEventKind) {
        let inner = self.lock();
        let node = inner.vms.get(&vm_id).map(|vm| vm.node.as_str());
        if let Some(sender) = node.and_then(|node| inner.events.get(node)) {
            // Nobody listening is fine: events are hints.
            let _ = sender.send(DriverEvent { vm_id, kind });
        }
    }

    /// Ends the VM and all that runs in it, and tells its node. Nothing where it does not run.
    pub(super) fn end(&self, id: Uuid, code: i64, oom: bool) {
        let ended = match self.lock().vms.get_mut(&id) {
            Some(vm) if vm.started_at.is_some() => {
                vm.end(code, oom);
                true
            }
            _ => false,
        };
        if ended {
            self.tell(id, NodeEventKind::VmExited);
        }
    }

    /// Begins a call: fails it where it is to fail before it acts, and tells whether its answer is
    /// to be lost after it has acted.
    pub(super) async fn enter(
        &self,
        call: SimCall,
        deadline: Duration,
    ) -> Result<Option<DriverError>, DriverError> {
        self.answering(deadline).await?;
        let fault = {
            let mut inner = self.lock();
            if let Some(reason) = &inner.away {
                return Err(DriverError::new(NodeErrorCode::EngineAway, reason));
            }
            inner.faults.take(call)
        };
        let held = async {
            while self.lock().config.hold.contains(&call) {
                tokio::time::sleep(HELD_LOOK).await;
            }
        };
        tokio::time::timeout(deadline, held)
            .await
            .map_err(|_| too_long(deadline))?;
        match fault {
            Some(SimFault::Before(error)) => Err(error),
            Some(SimFault::After(error)) => Ok(Some(error)),
            None => Ok(None),
        }
    }

    /// Waits while the engine is silent.
    pub(super) async fn answering(&self, deadline: Duration) -> Result<(), DriverError> {
        let mut silent = self.silent.subscribe();
        match tokio::time::timeout(deadline, silent.wait_for(|silent| !silent)).await {
            Ok(_) => Ok(()),
            Err(_) => Err(too_long(deadline)),
        }
    }

    /// The words with which it went away, while it is.
    pub(super) fn away(&self) -> Option<String> {
        self.lock().away.clone()
    }
}

fn too_long(deadline: Duration) -> DriverError {
    DriverError::new(
        NodeErrorCode::Timeout,
        format!("the engine did not answer within {} s", deadline.as_secs()),
    )
}

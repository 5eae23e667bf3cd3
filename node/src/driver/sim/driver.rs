//! The driver of one node on a simulated engine.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use node_api::{
    error::NodeErrorCode,
    event::NodeEventKind,
    exec::{ExecOutput, ExecRequest, ExecStart, FILES},
    image::{ImageReport, ImageState},
    ssh::SshServe,
    status::{Capacity, EngineOutage, EngineStatus, NodeUsage},
    vm::{PowerState, VmReport, VmSpec},
};
use tokio::sync::broadcast;
use uuid::Uuid;

use super::{
    engine::{Inner, SimEngine},
    fault::SimCall,
    process,
    program::{self, Place},
    settle::{Change, settled},
    tty,
    vm::SimVm,
};
use crate::driver::{
    Driver, DriverError, DriverEvent, EngineReport, Process, Tty, TtySpec, UsageReading,
};

const LIST: Duration = Duration::from_secs(10);
const CREATE: Duration = Duration::from_secs(60);
const START: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(20);
/// Real CPU is promised this many times.
const CPU_FACTOR: u32 = 4;

/// A node's view of a [`SimEngine`].
pub struct SimDriver {
    engine: Arc<SimEngine>,
    node: String,
    share: f64,
}

impl SimDriver {
    /// A driver that has the whole engine for itself.
    pub fn new(engine: Arc<SimEngine>, node: &str) -> Self {
        Self {
            engine,
            node: node.to_owned(),
            share: 1.0,
        }
    }

    /// Its part of the engine's capacity, over 0 and at most 1.
    #[must_use]
    pub fn with_share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    fn capacity(&self, inner: &Inner) -> Capacity {
        let part = |whole: u32| (f64::from(whole) * self.share) as u32;
        Capacity {
            cpu_millis: part(inner.config.cores * 1000 * CPU_FACTOR),
            cores: inner.config.cores,
            memory_mib: part(inner.config.memory_mib),
            disk_gib: part(inner.config.disk_gib),
        }
    }

    fn mine<'a>(&self, inner: &'a mut Inner, id: Uuid) -> Result<&'a mut SimVm, DriverError> {
        match inner.vms.get_mut(&id) {
            Some(vm) if vm.node == self.node => Ok(vm),
            _ => Err(DriverError::vm_not_found(id)),
        }
    }

    /// Makes the container, under the engine's lock: exactly what fits is made.
    fn make(&self, spec: &VmSpec) -> Result<bool, DriverError> {
        let mut inner = self.engine.lock();
        let another_port = |vm: &SimVm| {
            vm.power == PowerState::Created
                && vm.spec.ssh_port != spec.ssh_port
                && vm.node == self.node
        };
        if inner.vms.get(&spec.id).is_some_and(another_port) {
            inner.vms.remove(&spec.id);
        }
        if let Some(vm) = inner.vms.get(&spec.id) {
            return match vm.node == self.node {
                true => Ok(false),
                false => Err(DriverError::new(
                    NodeErrorCode::Conflict,
                    format!("VM {} is another node's ({})", spec.id, vm.node),
                )),
            };
        }
        if !inner.config.images.contains(&spec.image) {
            let message = format!("No such image: {}", spec.image);
            return Err(DriverError::new(NodeErrorCode::ImageMissing, message));
        }
        let promised: u32 = inner
            .vms
            .values()
            .filter(|vm| vm.node == self.node)
            .map(|vm| vm.spec.memory_mib)
            .sum();
        let capacity = self.capacity(&inner).memory_mib;
        if promised + spec.memory_mib > capacity {
            let message = format!(
                "{} MiB of this node's {capacity} MiB are promised; {} MiB more do not fit",
                promised, spec.memory_mib
            );
            return Err(DriverError::new(NodeErrorCode::NoRoom, message));
        }
        let network = spec.network.clone();
        let host = inner
            .vms
            .values()
            .filter(|vm| vm.spec.network == network)
            .count();
        inner
            .networks
            .entry(network.name.clone())
            .or_insert(network);
        let host = u8::try_from(host % 29).unwrap_or(0);
        let vm = SimVm::new(spec.clone(), &self.node, host);
        inner.vms.insert(spec.id, vm);
        Ok(true)
    }

    /// Runs what terminals have trapped; a stop gives them the time.
    async fn run_traps(&self, id: Uuid) {
        let traps: Vec<String> = match self.engine.lock().vms.get(&id) {
            Some(vm) => vm.ttys.iter().filter_map(tty::TtyHandle::trap).collect(),
            None => return,
        };
        let place = Place {
            engine: self.engine.clone(),
            vm_id: id,
            size: None,
        };
        for trap in traps {
            program::run(&place, &trap).await;
        }
    }

    fn report(&self, id: Uuid) -> Result<VmReport, DriverError> {
        Ok(self.mine(&mut self.engine.lock(), id)?.report())
    }

    /// Fails unless it runs.
    fn check_running(&self, id: Uuid) -> Result<(), DriverError> {
        match self.report(id)?.power {
            PowerState::Running => Ok(()),
            _ => Err(DriverError::new(
                NodeErrorCode::Conflict,
                format!("VM {id} does not run"),
            )),
        }
    }
}

/// Fails where another program of the host, or a VM that runs, has the port.
fn check_port(inner: &Inner, id: Uuid, port: Option<u16>) -> Result<(), DriverError> {
    let Some(port) = port else {
        return Ok(());
    };
    let has = |(other, vm): (&Uuid, &SimVm)| {
        *other != id && vm.power == PowerState::Running && vm.spec.ssh_port == Some(port)
    };
    if !inner.config.ports_taken.contains(&port) && !inner.vms.iter().any(has) {
        return Ok(());
    }
    Err(DriverError::new(
        NodeErrorCode::PortTaken,
        format!("its port {port} for SSH is in use by another program of the host"),
    ))
}

/// The answer, unless it is to be lost.
fn answer<T>(lost: Option<DriverError>, value: T) -> Result<T, DriverError> {
    lost.map_or(Ok(value), Err)
}

#[async_trait]
impl Driver for SimDriver {
    async fn engine(&self) -> EngineReport {
        let answer = self.engine.lock().config.answer;
        let silence = self.engine.answering(answer).await.err();
        let degraded = silence
            .map(|error| error.message)
            .or_else(|| self.engine.away())
            .or_else(|| self.engine.health.degraded());
        let inner = self.engine.lock();
        let mine = inner.vms.values().filter(|vm| vm.node == self.node);
        let running = mine.clone().filter(|vm| vm.power == PowerState::Running);
        EngineReport {
            engine: EngineStatus {
                kind: "sim".into(),
                version: Some("1".into()),
                degraded,
                id: Some(format!("sim-{:p}", Arc::as_ptr(&self.engine))),
                started_at: inner.config.began_at,
            },
            capacity: self.capacity(&inner),
            usage: NodeUsage {
                load_1m: running
                    .clone()
                    .map(|vm| vm.load_millis as f32 / 1000.0)
                    // Not their sum, which is -0 of none.
                    .fold(0.0, |all, load| all + load),
                memory_used_mib: running.map(|vm| vm.spec.memory_mib / 4).sum(),
                disk_free_gib: inner.config.disk_gib / 100
                    * u32::from(inner.config.disk_free_percent),
                disk_free_percent: inner.config.disk_free_percent,
                vms: u32::try_from(mine.count()).unwrap_or(u32::MAX),
                shells: 0,
            },
            images: inner.config.images.clone(),
            disk_limit_hard: true,
        }
    }

    async fn vm_list(&self) -> Result<Vec<VmReport>, DriverError> {
        let lost = self.engine.enter(SimCall::List, LIST).await?;
        let inner = self.engine.lock();
        let mine = inner.vms.values().filter(|vm| vm.node == self.node);
        answer(lost, mine.map(SimVm::report).collect())
    }

    async fn vm_get(&self, id: Uuid) -> Result<VmReport, DriverError> {
        let lost = self.engine.enter(SimCall::List, LIST).await?;
        answer(lost, self.report(id)?)
    }

    async fn vm_settled(&self, id: Uuid) {
        settled(&self.engine, id).await;
    }

    async fn vm_create(&self, spec: &VmSpec, start: bool) -> Result<VmReport, DriverError> {
        let _change = Change::begin(&self.engine, spec.id);
        let lost = self.engine.enter(SimCall::Create, CREATE).await?;
        let delay = self.engine.lock().config.create_delay;
        tokio::time::sleep(delay).await;
        if self.make(spec)? {
            self.engine.tell(spec.id, NodeEventKind::VmCreated);
        }
        let report = match start {
            true => self.vm_start(spec.id).await?,
            false => self.report(spec.id)?,
        };
        answer(lost, report)
    }

    async fn vm_start(&self, id: Uuid) -> Result<VmReport, DriverError> {
        let lost = match self.engine.enter(SimCall::Start, START).await {
            Ok(lost) => lost,
            Err(error) => {
                if error.code == NodeErrorCode::Engine {
                    self.engine.health.failed(&error.message);
                }
                return Err(error);
            }
        };
        let delay = self.engine.lock().config.start_delay;
        tokio::time::sleep(delay).await;
        let began = {
            let mut inner = self.engine.lock();
            let port = self.mine(&mut inner, id)?.spec.ssh_port;
            check_port(&inner, id, port)?;
            let vm = self.mine(&mut inner, id)?;
            let began = vm.power != PowerState::Running;
            if began {
                vm.start();
            }
            began
        };
        if began {
            self.engine.tell(id, NodeEventKind::VmStarted);
        }
        self.engine.health.started();
        answer(lost, self.report(id)?)
    }

    async fn vm_stop(&self, id: Uuid) -> Result<VmReport, DriverError> {
        let lost = self.engine.enter(SimCall::Stop, STOP).await?;
        let running = {
            let mut inner = self.engine.lock();
            let vm = self.mine(&mut inner, id)?;
            let running = vm.power == PowerState::Running;
            if running {
                vm.power = PowerState::Stopping;
            }
            running
        };
        if running {
            let delay = self.engine.lock().config.stop_delay;
            // As long as a program is given to end.
            let _ = tokio::time::timeout(Duration::from_secs(10), self.run_traps(id)).await;
            tokio::time::sleep(delay).await;
            self.engine.end(id, 0, false);
        }
        answer(lost, self.report(id)?)
    }

    async fn vm_delete(&self, id: Uuid) -> Result<(), DriverError> {
        let _change = Change::begin(&self.engine, id);
        let lost = self.engine.enter(SimCall::Delete, STOP).await?;
        if self.report(id).is_err() {
            return answer(lost, ());
        }
        self.engine.end(id, 137, false);
        self.engine.tell(id, NodeEventKind::VmDeleted);
        let mut inner = self.engine.lock();
        if let Some(vm) = inner.vms.remove(&id) {
            let name = vm.spec.network.name;
            if !inner
                .vms
                .values()
                .any(|other| other.spec.network.name == name)
            {
                inner.networks.remove(&name);
            }
        }
        answer(lost, ())
    }

    async fn vm_ssh_serve(&self, id: Uuid, serve: &SshServe) -> Result<(), DriverError> {
        let lost = self.engine.enter(SimCall::Ssh, LIST).await?;
        self.check_running(id)?;
        self.mine(&mut self.engine.lock(), id)?.ssh_serve(serve);
        answer(lost, ())
    }

    async fn vm_exec(&self, id: Uuid, request: &ExecRequest) -> Result<ExecOutput, DriverError> {
        let lost = self.engine.enter(SimCall::Exec, LIST).await?;
        self.check_running(id)?;
        let place = Place {
            engine: self.engine.clone(),
            vm_id: id,
            size: None,
        };
        let script = process::script(&request.argv);
        let deadline = Duration::from_secs(request.timeout_s.into());
        let run = program::run(&place, &script);
        let Ok(outcome) = tokio::time::timeout(deadline, run).await else {
            let message = format!("the command did not end within {} s", request.timeout_s);
            return Err(DriverError::new(NodeErrorCode::Timeout, message));
        };
        let output = ExecOutput {
            exit_code: outcome.code.into(),
            stdout: outcome.text.clone(),
            stderr: String::new(),
            mixed: outcome.text,
            truncated: false,
        };
        answer(lost, output)
    }

    async fn vm_process(&self, id: Uuid, start: &ExecStart) -> Result<Process, DriverError> {
        let lost = self.engine.enter(SimCall::Exec, LIST).await?;
        self.check_running(id)?;
        if start.argv.first().is_some_and(|program| program == FILES) {
            let message = "files cannot be copied here: a VM of the simulated engine has none. Use a node with Docker";
            return Err(DriverError::new(NodeErrorCode::Engine, message));
        }
        let (process, handle) = process::open(self.engine.clone(), id, start);
        let mut inner = self.engine.lock();
        let processes = &mut self.mine(&mut inner, id)?.processes;
        processes.retain(|process| !process.has_ended());
        processes.push(handle);
        answer(lost, process)
    }

    async fn vm_connect(&self, id: Uuid, port: u16) -> Result<Process, DriverError> {
        let lost = self.engine.enter(SimCall::Exec, LIST).await?;
        self.check_running(id)?;
        if port != process::ECHO {
            let message = format!("nothing answers on port {port} of the VM");
            return Err(DriverError::new(NodeErrorCode::Conflict, message));
        }
        let (process, handle) = process::echo(self.engine.clone(), id);
        let mut inner = self.engine.lock();
        self.mine(&mut inner, id)?.processes.push(handle);
        answer(lost, process)
    }

    async fn vm_usage(&self, id: Uuid) -> Result<UsageReading, DriverError> {
        let lost = self.engine.enter(SimCall::Usage, LIST).await?;
        self.check_running(id)?;
        answer(lost, self.mine(&mut self.engine.lock(), id)?.usage())
    }

    async fn vm_disk_bytes(&self, id: Uuid) -> Result<Option<u64>, DriverError> {
        let lost = self.engine.enter(SimCall::Usage, LIST).await?;
        let mut inner = self.engine.lock();
        let files = &self.mine(&mut inner, id)?.files;
        answer(
            lost,
            Some(files.values().map(|text| text.len() as u64).sum()),
        )
    }

    async fn vm_tty(&self, id: Uuid, spec: &TtySpec) -> Result<Tty, DriverError> {
        let lost = self.engine.enter(SimCall::Tty, LIST).await?;
        self.check_running(id)?;
        let (tty, handle) = tty::open(self.engine.clone(), id, spec);
        self.mine(&mut self.engine.lock(), id)?.ttys.push(handle);
        answer(lost, tty)
    }

    async fn image_ensure(&self, name: &str) -> Result<ImageReport, DriverError> {
        self.engine.enter(SimCall::List, LIST).await?;
        let state = self.image_state(name);
        Ok(ImageReport {
            name: name.to_owned(),
            state,
        })
    }

    fn outage(&self) -> Option<EngineOutage> {
        self.engine.lock().outage
    }

    fn events(&self) -> broadcast::Receiver<DriverEvent> {
        self.engine.subscribe(&self.node)
    }
}

impl SimDriver {
    fn image_state(&self, name: &str) -> ImageState {
        let mut inner = self.engine.lock();
        if inner.config.images.iter().any(|image| image == name) {
            return ImageState::Present;
        }
        if let Some(ImageState::Pulling { percent, detail }) = inner.pulls.get(name) {
            return ImageState::Pulling {
                percent: *percent,
                detail: detail.clone(),
            };
        }
        // A pull that failed is told once; the next ensure tries again.
        if let Some(failed) = inner.pulls.remove(name) {
            return failed;
        }
        let begun = pulling(0);
        inner.pulls.insert(name.to_owned(), begun.clone());
        tokio::spawn(pull(self.engine.clone(), name.to_owned()));
        begun
    }
}

fn pulling(percent: u8) -> ImageState {
    ImageState::Pulling {
        percent,
        detail: "1 layer".into(),
    }
}

async fn pull(engine: Arc<SimEngine>, name: String) {
    let (steps, step) = {
        let config = &engine.lock().config;
        (config.pull_steps, config.pull_step)
    };
    for done in 1..=steps {
        tokio::time::sleep(step).await;
        let percent = u16::from(done) * 100 / u16::from(steps);
        let percent = u8::try_from(percent).unwrap_or(100);
        while engine.lock().config.pull_until < percent {
            tokio::time::sleep(step).await;
        }
        let state = pulling(percent);
        engine.lock().pulls.insert(name.clone(), state);
    }
    let mut inner = engine.lock();
    if inner.config.registry.contains(&name) {
        inner.pulls.remove(&name);
        inner.config.images.push(name);
        return;
    }
    let reason = format!("pull access denied for {name}, repository does not exist");
    inner.pulls.insert(name, ImageState::Failed { reason });
}

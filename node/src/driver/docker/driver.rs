//! The driver trait, told with Docker.

use std::sync::Arc;

use async_trait::async_trait;
use node_api::{
    exec::{ExecOutput, ExecRequest, ExecStart},
    image::ImageReport,
    ssh::SshServe,
    status::EngineOutage,
    vm::{VmReport, VmSpec},
};
use tokio::{sync::broadcast, task::AbortHandle};
use uuid::Uuid;

use super::{
    DockerConfig, connect, context::Context, create, delete, engine, events, exec, exec_control,
    image, list, power, process, reach, ssh, stats, trial, tty,
};
use crate::{
    clock::now_us,
    driver::{Driver, DriverError, DriverEvent, EngineReport, Process, Tty, TtySpec, UsageReading},
};

/// A node's view of a Docker engine.
pub struct DockerDriver {
    context: Arc<Context>,
    tasks: Vec<AbortHandle>,
}

impl DockerDriver {
    /// Begins to follow the engine; within a tokio runtime. Fails only where the settings are wrong:
    /// an engine that is away is waited for.
    pub fn new(config: DockerConfig) -> Result<Self, DriverError> {
        let (trial_every, limits) = (config.trial_every, config.reach.clone());
        let context = Arc::new(Context::new(config)?);
        let weak = Arc::downgrade(&context);
        let mut tasks = vec![
            tokio::spawn(events::follow(weak.clone(), now_us())).abort_handle(),
            tokio::spawn(events::follow_images(weak.clone())).abort_handle(),
            tokio::spawn(trial::run(weak.clone(), trial_every)).abort_handle(),
            tokio::spawn(trial::sweep(weak.clone())).abort_handle(),
        ];
        if let Some(limits) = limits {
            tasks.push(tokio::spawn(reach::keep(weak, limits)).abort_handle());
        }
        Ok(Self { context, tasks })
    }

    /// One that only does what it is told, for a process beside the node's.
    pub fn without_tasks(config: DockerConfig) -> Result<Self, DriverError> {
        let context = Arc::new(Context::new(config)?);
        let tasks = Vec::new();
        Ok(Self { context, tasks })
    }
}

impl Drop for DockerDriver {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

#[async_trait]
impl Driver for DockerDriver {
    async fn engine(&self) -> EngineReport {
        engine::engine(&self.context).await
    }

    async fn vm_list(&self) -> Result<Vec<VmReport>, DriverError> {
        list::vm_list(&self.context).await
    }

    async fn vm_get(&self, id: Uuid) -> Result<VmReport, DriverError> {
        self.context.look(id).await
    }

    async fn vm_settled(&self, id: Uuid) {
        drop(self.context.change(id).await);
    }

    async fn vm_create(&self, spec: &VmSpec, start: bool) -> Result<VmReport, DriverError> {
        create::vm_create(&self.context, spec, start).await
    }

    async fn vm_start(&self, id: Uuid) -> Result<VmReport, DriverError> {
        power::vm_start(&self.context, id).await
    }

    async fn vm_stop(&self, id: Uuid) -> Result<VmReport, DriverError> {
        power::vm_stop(&self.context, id).await
    }

    async fn vm_delete(&self, id: Uuid) -> Result<(), DriverError> {
        delete::vm_delete(&self.context, id).await
    }

    async fn vm_ssh_serve(&self, id: Uuid, serve: &SshServe) -> Result<(), DriverError> {
        ssh::vm_ssh_serve(&self.context, id, serve).await
    }

    async fn vm_exec(&self, id: Uuid, request: &ExecRequest) -> Result<ExecOutput, DriverError> {
        exec::vm_exec(&self.context, id, request).await
    }

    async fn vm_usage(&self, id: Uuid) -> Result<UsageReading, DriverError> {
        stats::vm_usage(&self.context, id).await
    }

    async fn vm_disk_bytes(&self, id: Uuid) -> Result<Option<u64>, DriverError> {
        stats::vm_disk_bytes(&self.context, id).await
    }

    async fn vm_process(&self, id: Uuid, start: &ExecStart) -> Result<Process, DriverError> {
        process::vm_process(&self.context, id, start).await
    }

    async fn vm_connect(&self, id: Uuid, port: u16) -> Result<Process, DriverError> {
        connect::vm_connect(&self.context, id, port).await
    }

    async fn vm_tty(&self, id: Uuid, spec: &TtySpec) -> Result<Tty, DriverError> {
        tty::vm_tty(&self.context, id, spec).await
    }

    async fn session_list(&self, id: Uuid) -> Result<Vec<String>, DriverError> {
        exec_control::session_list(&self.context, id).await
    }

    async fn session_end(&self, id: Uuid, mark: &str) -> Result<(), DriverError> {
        exec_control::session_end(&self.context, id, mark).await
    }

    async fn image_ensure(&self, name: &str) -> Result<ImageReport, DriverError> {
        image::image_ensure(&self.context, name).await
    }

    fn outage(&self) -> Option<EngineOutage> {
        self.context.state().outage
    }

    fn reach_open(&self) -> Option<String> {
        self.context.state().reach_open.clone()
    }

    fn events(&self) -> broadcast::Receiver<DriverEvent> {
        self.context.events.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_vm_settles_when_its_making_or_deletion_has_ended_and_others_are_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let driver = DockerDriver::without_tasks(DockerConfig {
            lock_dir: folder.path().to_owned(),
            ..DockerConfig::new("node-1")
        })
        .unwrap();
        let (vm, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let making = driver.context.change(vm).await;
        let mut settled = std::pin::pin!(driver.vm_settled(vm));
        let early = timeout(Duration::from_millis(50), &mut settled).await;
        assert!(early.is_err());
        timeout(Duration::from_secs(10), driver.vm_settled(other))
            .await
            .unwrap();
        drop(making);
        timeout(Duration::from_secs(10), settled).await.unwrap();
    }
}

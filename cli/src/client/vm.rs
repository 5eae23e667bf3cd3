//! VMs.

use reqwest::Method;
use server_api::{
    event::Event,
    vm::{Vm, VmCreate, VmDetail, VmExec, VmExecOutput},
};

use super::{Client, segment};
use crate::error::CliError;

const VMS: &str = "/api/v1/vms";

/// What can be asked of a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VmChange {
    /// Of one that has failed: tries again.
    Start,
    /// Graceful; its files are kept.
    Stop,
    /// Of one that does not run: starts it.
    Restart,
}

impl Client {
    /// One's own, oldest first.
    pub async fn vm_list(&self) -> Result<Vec<Vm>, CliError> {
        self.list(VMS, usize::MAX).await
    }

    /// Everything about one; without what its node does not tell in time.
    pub async fn vm_get(&self, name: &str) -> Result<VmDetail, CliError> {
        self.get(&vm_path(name)).await
    }

    /// Answers once it is promised; `wait` finds out when it runs. Asked again after a lost connection it
    /// makes no second one.
    pub async fn vm_create(&self, wish: &VmCreate) -> Result<Vm, CliError> {
        self.create(VMS, Some(wish)).await
    }

    /// Answers once it is written down, with the state at that moment.
    pub async fn vm_change(&self, name: &str, change: VmChange) -> Result<Vm, CliError> {
        let verb = match change {
            VmChange::Start => "start",
            VmChange::Stop => "stop",
            VmChange::Restart => "restart",
        };
        let path = format!("{}/{verb}", vm_path(name));
        self.change(Method::POST, &path, None::<&()>).await
    }

    /// For good, with its files. Answers once it is written down.
    pub async fn vm_delete(&self, name: &str) -> Result<(), CliError> {
        self.delete(&vm_path(name)).await
    }

    /// Runs one command to its end, 25 s at most, without input; asked once, since it may do something
    /// twice.
    pub async fn vm_exec(&self, name: &str, exec: &VmExec) -> Result<VmExecOutput, CliError> {
        let path = format!("{}/exec", vm_path(name));
        self.change(Method::POST, &path, Some(exec)).await
    }

    /// The newest `max`, newest first.
    pub async fn vm_event_list(&self, name: &str, max: usize) -> Result<Vec<Event>, CliError> {
        self.list(&format!("{}/events", vm_path(name)), max).await
    }

    /// Everybody's VMs.
    pub async fn admin_vm_list(&self) -> Result<Vec<Vm>, CliError> {
        self.list("/api/v1/admin/vms", usize::MAX).await
    }
}

/// Where a VM is found.
pub fn vm_path(name: &str) -> String {
    format!("{VMS}/{}", segment(name))
}

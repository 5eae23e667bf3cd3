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
    Start,
    Stop,
    Restart,
}

impl Client {
    pub async fn vm_list(&self) -> Result<Vec<Vm>, CliError> {
        self.list(VMS, usize::MAX).await
    }

    pub async fn vm_get(&self, name: &str) -> Result<VmDetail, CliError> {
        self.get(&vm_path(name)).await
    }

    pub async fn vm_create(&self, wish: &VmCreate) -> Result<Vm, CliError> {
        self.create(VMS, Some(wish)).await
    }

    pub async fn vm_change(&self, name: &str, change: VmChange) -> Result<Vm, CliError> {
        let verb = match change {
            VmChange::Start => "start",
            VmChange::Stop => "stop",
            VmChange::Restart => "restart",
        };
        let path = format!("{}/{verb}", vm_path(name));
        self.change(Method::POST, &path, None::<&()>).await
    }

    pub async fn vm_delete(&self, name: &str) -> Result<(), CliError> {
        self.delete(&vm_path(name)).await
    }

    pub async fn vm_exec(&self, name: &str, exec: &VmExec) -> Result<VmExecOutput, CliError> {
        let path = format!("{}/exec", vm_path(name));
        self.change(Method::POST, &path, Some(exec)).await
    }

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

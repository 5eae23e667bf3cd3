//! `vm ls`, `vm show`, `vm events`.

use clap::Args;
use server_api::vm::{SshPublished, Vm, VmDetail};

use super::vm_missing;
use crate::{
    command::event::{Past, table as event_table},
    context::Context,
    error::CliError,
    output::{
        clean,
        describe::describe,
        size,
        style::Style,
        table::{Table, or_dash},
        time,
    },
};

/// A row a machine, with what it uses now.
pub async fn list(context: &Context) -> Result<(), CliError> {
    let vms = context.client.vm_list().await?;
    let style = context.out.style;
    let empty = "You have no VMs. Make one: minicloud vm create";
    context.out.list(&vms, empty, |vms| {
        Table::of(
            &[
                "NAME", "STATE", "SIZE", "IMAGE", "NODE", "CPU", "MEMORY", "REASON",
            ],
            vms,
            |vm| row(style, vm),
        )
    })
}

fn row(style: Style, vm: &Vm) -> Vec<String> {
    vec![
        vm.name.clone(),
        style.vm_state(vm.state),
        vm.flavor.clone(),
        vm.image.clone(),
        or_dash(vm.node.clone()),
        or_dash(vm.cpu_percent.map(|percent| format!("{percent:.0} %"))),
        memory(vm),
        vm.reason.as_deref().map(clean).unwrap_or_default(),
    ]
}

fn memory(vm: &Vm) -> String {
    let all = size::memory(vm.memory_mib);
    match vm.memory_used_mib {
        Some(used) => format!("{used:.0} MiB of {all}"),
        None => all,
    }
}

/// Lines of name and value; what is not known is left out.
pub async fn show(context: &Context, name: &str) -> Result<(), CliError> {
    match context.client.vm_get(name).await {
        Ok(detail) => context
            .out
            .one(&detail, |detail| words(context.out.style, detail)),
        Err(error) => Err(vm_missing(&context.client, name, error).await),
    }
}

fn words(style: Style, detail: &VmDetail) -> String {
    let vm = &detail.vm;
    let text = |text: &Option<String>| text.as_deref().map(clean);
    describe(&[
        ("Name", Some(vm.name.clone())),
        ("State", Some(style.vm_state(vm.state))),
        ("Reason", text(&vm.reason)),
        ("Since", Some(time::minute(vm.changed_at))),
        (
            "Image",
            Some(format!("{} ({})", vm.image, clean(&detail.image_ref))),
        ),
        (
            "Size",
            Some(format!("{}: {} vCPU", vm.flavor, size::cpus(vm.cpu_millis))),
        ),
        (
            "CPU",
            vm.cpu_percent.map(|percent| format!("{percent:.0} %")),
        ),
        ("Memory", Some(memory(vm))),
        ("Disk", Some(disk(detail))),
        ("Address", detail.address.clone()),
        ("Own SSH", vm.ssh_published.as_ref().map(published)),
        ("Node", vm.node.clone()),
        ("Placement", Some(clean(&detail.placement_reason))),
        ("Engine id", detail.engine_id.clone()),
        ("Id", Some(vm.id.clone())),
        ("Created", Some(time::minute(vm.created_at))),
    ])
}

/// The command that leads to the VM's own SSH server.
pub(super) fn ssh_command(at: &SshPublished) -> String {
    clean(&format!("ssh -p {} root@{}", at.port, at.host))
}

fn published(at: &SshPublished) -> String {
    match &at.reason {
        Some(reason) => format!("{} ({})", ssh_command(at), clean(reason)),
        None => ssh_command(at),
    }
}

fn disk(detail: &VmDetail) -> String {
    let all = size::disk(detail.vm.disk_gib);
    let kind = match detail.disk_limit_hard {
        true => "",
        false => " (watched)",
    };
    match detail.disk_used_bytes {
        Some(used) => format!("{} MiB of {all}{kind}", used / (1024 * 1024)),
        None => format!("{all}{kind}"),
    }
}

/// Of the machine that has the name now.
#[derive(Debug, Args)]
pub struct Events {
    /// The machine
    name: String,
    #[command(flatten)]
    past: Past,
}

impl Events {
    /// Newest first.
    pub async fn run(self, context: &Context) -> Result<(), CliError> {
        let found = context
            .client
            .vm_event_list(&self.name, self.past.max())
            .await;
        match found {
            Ok(events) => context
                .out
                .list(&events, "Nothing happened to it yet.", event_table),
            Err(error) => Err(vm_missing(&context.client, &self.name, error).await),
        }
    }
}

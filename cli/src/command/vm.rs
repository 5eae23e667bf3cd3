//! `vm …`.

mod change;
mod create;
mod exec;
pub mod remove;
mod view;

use std::time::Duration;

use clap::{Args, Subcommand};

use super::shell::Attach;
use crate::{
    client::{Client, vm::VmChange},
    context::Context,
    error::CliError,
};

/// One's own machines.
#[derive(Debug, Subcommand)]
pub enum VmCommand {
    /// List your machines
    Ls,
    /// Make a machine
    Create(create::Create),
    /// Everything about a machine
    Show { name: String },
    /// Start a machine that was shut down, or try a failed one again
    Start(change::Change),
    /// Shut a machine down; its files stay
    Stop(change::Change),
    /// Shut a machine down and start it
    Restart(change::Change),
    /// Delete machines and their files for good
    Rm(remove::Remove),
    /// Run a program in a machine
    Exec(exec::Exec),
    /// Open a terminal in a machine
    Shell(Attach),
    /// What happened to a machine
    Events(view::Events),
}

impl VmCommand {
    /// Answers the exit code.
    pub async fn run(self, context: &Context) -> Result<u8, CliError> {
        match self {
            Self::Ls => view::list(context).await?,
            Self::Create(create) => create.run(context).await?,
            Self::Show { name } => view::show(context, &name).await?,
            Self::Start(change) => change.run(context, VmChange::Start).await?,
            Self::Stop(change) => change.run(context, VmChange::Stop).await?,
            Self::Restart(change) => change.run(context, VmChange::Restart).await?,
            Self::Rm(remove) => remove.run(context).await?,
            Self::Exec(exec) => return exec.run(context).await,
            Self::Shell(attach) => return attach.run(context).await,
            Self::Events(events) => events.run(context).await?,
        }
        Ok(0)
    }
}

/// How long a change is waited for.
#[derive(Clone, Copy, Debug, Args)]
pub struct Wait {
    /// Do not wait until it is done
    #[arg(long)]
    no_wait: bool,
    /// Wait so many seconds at most
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 300,
        conflicts_with = "no_wait"
    )]
    timeout: u64,
}

impl Wait {
    /// None: not at all.
    fn limit(self) -> Option<Duration> {
        (!self.no_wait).then(|| Duration::from_secs(self.timeout))
    }
}

/// Turns "not found" into which VMs there are.
pub async fn vm_missing(client: &Client, name: &str, error: CliError) -> CliError {
    if !error.is_not_found() {
        return error;
    }
    let have = client.vm_list().await;
    let have = have.map(|vms| vms.into_iter().map(|vm| vm.name).collect());
    super::missing(error, "you have", name, have)
}

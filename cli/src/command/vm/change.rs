//! `vm start`, `vm stop`, `vm restart`.

use clap::Args;
use server_api::vm::Vm;

use super::{Wait, vm_missing};
use crate::{
    client::vm::VmChange,
    context::Context,
    error::CliError,
    output::style::vm_state_word,
    wait::{Before, Goal, vm_wait},
};

/// For all three verbs; which one it is, [`Change::run`] is told.
#[derive(Debug, Args)]
pub struct Change {
    /// The machines
    #[arg(required = true)]
    names: Vec<String>,
    #[command(flatten)]
    wait: Wait,
}

impl Change {
    /// One after the other; ends at the first that fails. Programs get those that were changed as one list,
    /// where they named several.
    pub async fn run(self, context: &Context, change: VmChange) -> Result<(), CliError> {
        let listed = context.out.is_json() && self.names.len() > 1;
        let (mut list, mut failed) = (Vec::new(), None);
        for name in &self.names {
            match self.one(context, name, change).await {
                Ok(vm) if listed => list.push(vm),
                Ok(vm) => context.out.one(&vm, |vm| done(vm, change))?,
                Err(error) => {
                    failed = Some(vm_missing(&context.client, name, error).await);
                    break;
                }
            }
        }
        if listed {
            context.out.array(&list)?;
        }
        failed.map_or(Ok(()), Err)
    }

    async fn one(&self, context: &Context, name: &str, change: VmChange) -> Result<Vm, CliError> {
        let client = &context.client;
        let before = client.vm_get(name).await?.vm;
        let asked = client.vm_change(name, change).await?;
        let Some(limit) = self.wait.limit() else {
            return Ok(asked);
        };
        let mut mark = Before::of(&before);
        if change != VmChange::Restart {
            mark = mark.of_what_runs();
        }
        let vm = vm_wait(client, name, goal(change), mark, limit).await?;
        Ok(vm.unwrap_or(asked))
    }
}

fn goal(change: VmChange) -> Goal {
    match change {
        VmChange::Stop => Goal::Stopped,
        VmChange::Start | VmChange::Restart => Goal::Running,
    }
}

fn done(vm: &Vm, change: VmChange) -> String {
    let word = match (change, goal(change).is_reached(vm)) {
        (VmChange::Start, true) => "runs",
        (VmChange::Stop, true) => "was shut down; its files are kept",
        (VmChange::Restart, true) => "was restarted",
        (_, false) => return format!("{} is {}", vm.name, vm_state_word(vm.state)),
    };
    format!("{} {word}", vm.name)
}

//! `vm create`.

use clap::Args;
use server_api::vm::{Vm, VmCreate, VmState};

use super::{Wait, view::ssh_command};
use crate::{
    context::Context,
    error::CliError,
    wait::{Before, Goal, vm_wait},
};

/// What is not said is chosen by the server, as in the form of its page.
#[derive(Debug, Args)]
pub struct Create {
    /// The machine's name; one is made up where none is given
    name: Option<String>,
    /// The size (see `flavor ls`)
    #[arg(long, visible_alias = "size")]
    flavor: Option<String>,
    /// What it is made of (see `image ls`)
    #[arg(long)]
    image: Option<String>,
    /// Publish its own SSH server (port 22) on a port of its node, with the keys of your account
    #[arg(long)]
    publish_ssh: bool,
    #[command(flatten)]
    wait: Wait,
}

impl Create {
    /// Waits until it runs, its own SSH server too where that is to be published.
    pub async fn run(self, context: &Context) -> Result<(), CliError> {
        let wish = VmCreate {
            name: self.name,
            flavor: self.flavor,
            image: self.image,
            ssh_publish: self.publish_ssh,
        };
        let mut vm = context.client.vm_create(&wish).await?;
        if let Some(limit) = self.wait.limit() {
            let name = vm.name.clone();
            let done = vm_wait(
                &context.client,
                &name,
                Goal::Running,
                Before::default(),
                limit,
            );
            vm = done.await?.unwrap_or(vm);
        }
        context.out.one(&vm, made)
    }
}

fn made(vm: &Vm) -> String {
    let name = &vm.name;
    let published = vm
        .ssh_published
        .as_ref()
        .map(|at| format!("\nIts own SSH: {}", ssh_command(at)))
        .unwrap_or_default();
    match vm.state {
        VmState::Running => {
            format!("{name} runs. A terminal in it: minicloud vm shell {name}{published}")
        }
        _ => format!("{name} is being made. Look: minicloud vm show {name}"),
    }
}

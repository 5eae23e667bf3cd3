//! `shell …` and `vm shell`.

use clap::{Args, Subcommand};
use server_api::{problem::Problem, shell::Shell, vm::VmState};

use super::{shell_share, vm::vm_missing};
use crate::{
    context::Context,
    error::CliError,
    output::{table::Table, time},
    shell,
};

/// One's own live shells, and those that others share.
#[derive(Debug, Subcommand)]
pub enum ShellCommand {
    /// List live shells: of one machine, or of all of yours
    Ls { vm: Option<String> },
    /// End a shell and what runs in it
    Close {
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Make a link by which another user watches a shell of yours; it is good once
    Share {
        id: String,
        /// They may type, too: that is to be root in the machine
        #[arg(long = "type")]
        types: bool,
    },
    /// With whom a shell of yours is shared, and who of them is there now
    Grants { id: String },
    /// Take a grant back, leave one of your own, or withdraw a link, by its id
    Unshare {
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Accept an invitation to a shell of another's
    Accept {
        /// The link. Left out or -, it is read from standard input: arguments stand in the process list
        link: Option<String>,
    },
    /// List the shells that others share with you
    Shared,
}

impl ShellCommand {
    /// Of several ids, one after the other; ends at the first that fails.
    pub async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::Ls { vm } => list(context, vm).await,
            Self::Close { ids } => close(context, &ids).await,
            Self::Share { id, types } => shell_share::share(context, &id, types).await,
            Self::Grants { id } => shell_share::grants(context, &id).await,
            Self::Unshare { ids } => shell_share::unshare(context, &ids).await,
            Self::Accept { link } => shell_share::accept(context, link).await,
            Self::Shared => shell_share::shared(context).await,
        }
    }
}

/// A new shell, unless one is to be come back to.
#[derive(Debug, Args)]
pub struct Attach {
    /// The machine
    name: String,
    /// Come back to a live shell: this one, or without an id the newest
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "")]
    attach: Option<String>,
}

impl Attach {
    /// Answers the shell's exit code; 0 when it was left alive.
    pub async fn run(self, context: &Context) -> Result<u8, CliError> {
        let found = match self.attach.as_deref() {
            None => context.client.shell_create(&self.name).await,
            Some(id) => find(context, &self.name, id).await,
        };
        match found {
            Ok(found) => shell::run(&context.client, &found, self.attach.is_none()).await,
            Err(error) => Err(vm_missing(&context.client, &self.name, error).await),
        }
    }
}

async fn find(context: &Context, vm: &str, id: &str) -> Result<Shell, CliError> {
    let shells = context.client.shell_list(vm).await?;
    let ids: Vec<String> = shells.iter().map(|shell| shell.id.clone()).collect();
    let found = shells
        .into_iter()
        .find(|shell| id.is_empty() || shell.id == id);
    found.ok_or_else(|| {
        CliError::Missing(match ids.is_empty() {
            true => format!("{vm} has no live shell; open one: minicloud vm shell {vm}"),
            false => format!("{vm} has no shell {id}; it has: {}", ids.join(", ")),
        })
    })
}

async fn list(context: &Context, vm: Option<String>) -> Result<(), CliError> {
    let (shells, untold) = match vm {
        Some(vm) => match context.client.shell_list(&vm).await {
            Ok(shells) => (shells, Ok(())),
            Err(error) => return Err(vm_missing(&context.client, &vm, error).await),
        },
        None => of_all(context).await?,
    };
    let head = ["ID", "VM", "OPENED", "TYPED", "VIEWERS"];
    // That nothing is open is not known while a node does not tell.
    if untold.is_ok() || !shells.is_empty() {
        context.out.list(&shells, "No shell is open.", |shells| {
            Table::of(&head, shells, row)
        })?;
    }
    untold
}

/// Only what runs has shells. A VM that is deleted meanwhile has none either. Where a node does not tell, the
/// shells of the other VMs, and an error that says whose are missing.
async fn of_all(context: &Context) -> Result<(Vec<Shell>, Result<(), CliError>), CliError> {
    let mut all = Vec::new();
    let mut untold: Option<(Vec<String>, Box<Problem>)> = None;
    for vm in context.client.vm_list().await? {
        if vm.state != VmState::Running {
            continue;
        }
        match context.client.shell_list(&vm.name).await {
            Ok(shells) => all.extend(shells),
            Err(error) if error.is_not_found() => {}
            Err(CliError::Api(problem)) if problem.status == 503 => {
                let missing = untold.get_or_insert_with(|| (Vec::new(), problem));
                missing.0.push(vm.name);
            }
            Err(error) => return Err(error),
        }
    }
    Ok((all, untold.map_or(Ok(()), without)))
}

fn without((vms, mut problem): (Vec<String>, Box<Problem>)) -> Result<(), CliError> {
    let detail = format!(
        "The list is without the shells of {}: {}",
        vms.join(", "),
        problem.detail
    );
    problem.detail = detail;
    Err(CliError::Api(problem))
}

fn row(shell: &Shell) -> Vec<String> {
    vec![
        shell.id.clone(),
        shell.vm.clone(),
        time::minute(shell.created_at),
        time::minute(shell.active_at),
        shell.viewers.to_string(),
    ]
}

async fn close(context: &Context, ids: &[String]) -> Result<(), CliError> {
    for id in ids {
        context.client.shell_delete(id).await?;
        context.out.say(&format!("{id} was closed"))?;
    }
    Ok(())
}

//! `admin …`.

mod image;
mod log;
mod node;
mod user;

use clap::Subcommand;
use server_api::vm::Vm;

use super::event::{Past, table as event_table};
use crate::{
    context::Context,
    error::CliError,
    output::{
        clean,
        style::Style,
        table::{Table, or_dash},
    },
};

/// Each needs a token with the scope `admin`.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Nodes
    #[command(subcommand)]
    Node(node::NodeCommand),
    /// Users
    #[command(subcommand)]
    User(user::UserCommand),
    /// The image catalogue; `minicloud image ls` lists it
    #[command(subcommand)]
    Image(image::ImageCommand),
    /// Everybody's machines
    #[command(subcommand)]
    Vm(AdminVmCommand),
    /// The log of the server and its nodes
    Logs(log::Logs),
    /// What happened
    Events(Past),
}

/// Only the list: what admins change about others' machines, they do on the pages or by the API.
#[derive(Debug, Subcommand)]
pub enum AdminVmCommand {
    /// List them
    Ls,
}

impl AdminCommand {
    /// Who is no admin gets a hint with the server's "not found".
    pub async fn run(self, context: &Context) -> Result<(), CliError> {
        let done = match self {
            Self::Node(node) => node.run(context).await,
            Self::User(user) => user.run(context).await,
            Self::Image(image) => image.run(context).await,
            Self::Vm(AdminVmCommand::Ls) => vm_list(context).await,
            Self::Logs(logs) => logs.run(context).await,
            Self::Events(past) => event_list(context, &past).await,
        };
        done.map_err(for_admins)
    }
}

/// Who is no admin is told that nothing is there, here as on the pages. People deserve a hint.
fn for_admins(error: CliError) -> CliError {
    let CliError::Api(mut problem) = error else {
        return error;
    };
    if problem.status == 404 && problem.code == "not_found" {
        problem
            .detail
            .push_str(" This is for admins; an admin signs in with `minicloud login --admin`.");
    }
    CliError::Api(problem)
}

async fn event_list(context: &Context, past: &Past) -> Result<(), CliError> {
    let events = context.client.event_list(past.max()).await?;
    context
        .out
        .list(&events, "Nothing happened yet.", event_table)
}

async fn vm_list(context: &Context) -> Result<(), CliError> {
    let vms = context.client.admin_vm_list().await?;
    let style = context.out.style;
    let head = [
        "OWNER", "NAME", "STATE", "SIZE", "IMAGE", "NODE", "ID", "REASON",
    ];
    context.out.list(&vms, "Nobody has a VM.", |vms| {
        Table::of(&head, vms, |vm| row(style, vm))
    })
}

fn row(style: Style, vm: &Vm) -> Vec<String> {
    vec![
        vm.owner.clone(),
        vm.name.clone(),
        style.vm_state(vm.state),
        vm.flavor.clone(),
        vm.image.clone(),
        or_dash(vm.node.clone()),
        vm.id.clone(),
        vm.reason.as_deref().map(clean).unwrap_or_default(),
    ]
}

//! `admin node …`.

use std::{fs, path::PathBuf};

use clap::{Args, Subcommand};
use server_api::node::{Node, NodeAdd, NodePolicy};

use crate::{
    client::Client,
    command::{missing, vm::remove::confirmed},
    context::Context,
    error::CliError,
    output::{clean, size, style::Style, table::Table},
    prompt,
};

/// The nodes that machines are placed on.
#[derive(Debug, Subcommand)]
pub enum NodeCommand {
    /// List the nodes
    Ls,
    /// Add a node that runs already
    Add(Add),
    /// Give a node no new machines
    Cordon { name: String },
    /// Give a node new machines again
    Uncordon { name: String },
    /// Take a node out
    Rm(Remove),
}

/// The credential is no argument: those stand in the process list.
#[derive(Debug, Args)]
pub struct Add {
    name: String,
    /// http://127.0.0.1:PORT or https://HOST:PORT
    address: String,
    /// File with the node's credential; asked for, or read from standard input, without it
    #[arg(long, value_name = "FILE")]
    credential_file: Option<PathBuf>,
    /// SHA-256 of its certificate in hex; needed with https
    #[arg(long)]
    fingerprint: Option<String>,
}

/// Asks first, unless told not to.
#[derive(Debug, Args)]
pub struct Remove {
    name: String,
    /// Even while it has machines, which are lost
    #[arg(long)]
    with_vms: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl NodeCommand {
    /// Where the name is unknown, the error lists those there are.
    pub async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::Ls => list(context).await,
            Self::Add(add) => add.run(context).await,
            Self::Cordon { name } => cordon(context, &name, true).await,
            Self::Uncordon { name } => cordon(context, &name, false).await,
            Self::Rm(remove) => remove.run(context).await,
        }
    }
}

impl Add {
    async fn run(self, context: &Context) -> Result<(), CliError> {
        let credential = match self.credential_file {
            Some(path) => fs::read_to_string(&path).map_err(|error| CliError::File {
                path,
                cause: error.to_string(),
            })?,
            None => prompt::secret("Credential")?.expose().to_owned(),
        };
        let node = NodeAdd {
            name: self.name,
            address: self.address,
            credential: credential.trim().to_owned(),
            fingerprint: self.fingerprint,
        };
        let node = context.client.node_add(&node).await?;
        context
            .out
            .one(&node, |node| format!("{} was added", node.name))
    }
}

impl Remove {
    async fn run(self, context: &Context) -> Result<(), CliError> {
        let name = &self.name;
        let lost = match self.with_vms {
            true => " and lose the machines on it",
            false => "",
        };
        if !confirmed(self.yes, &format!("Take {name} out{lost}?"))? {
            return Err(CliError::Failed("nothing was removed".into()));
        }
        let client = &context.client;
        match client.node_remove(name, self.with_vms).await {
            Ok(()) => context.out.say(&format!("{name} was taken out")),
            Err(error) => Err(node_missing(client, name, error).await),
        }
    }
}

async fn cordon(context: &Context, name: &str, cordoned: bool) -> Result<(), CliError> {
    match context.client.node_cordon(name, cordoned).await {
        Ok(node) => context.out.one(&node, |node| match cordoned {
            true => format!("{} gets no new VMs", node.name),
            false => format!("{} gets new VMs again", node.name),
        }),
        Err(error) => Err(node_missing(&context.client, name, error).await),
    }
}

async fn node_missing(client: &Client, name: &str, error: CliError) -> CliError {
    if !error.is_not_found() {
        return error;
    }
    let have = client.node_list().await;
    let have = have.map(|nodes| nodes.into_iter().map(|node| node.name).collect());
    missing(error, "there are", name, have)
}

async fn list(context: &Context) -> Result<(), CliError> {
    let nodes = context.client.node_list().await?;
    let style = context.out.style;
    let head = [
        "NAME",
        "HEALTH",
        "POLICY",
        "VMS",
        "CPU",
        "MEMORY",
        "DISK FREE",
        "ADDRESS",
        "REASON",
    ];
    context.out.list(&nodes, "There is no node.", |nodes| {
        Table::of(&head, nodes, |node| row(style, node))
    })
}

fn row(style: Style, node: &Node) -> Vec<String> {
    let (cpu, cpus) = (
        size::cpus(node.cpu_millis_allocated),
        size::cpus(node.cpu_millis),
    );
    let memory = size::memory(node.memory_mib_allocated);
    vec![
        node.name.clone(),
        style.health(node.health),
        policy_word(node.policy).into(),
        format!("{} of {} run", node.vms_running, node.vms),
        format!("{cpu} of {cpus}"),
        format!("{memory} of {}", size::memory(node.memory_mib)),
        format!("{} %", node.disk_free_percent),
        clean(&node.address),
        clean(&reasons(node)),
    ]
}

/// What is wrong with it.
fn reasons(node: &Node) -> String {
    let open = node.reach_open.as_ref();
    let open = open.map(|reason| format!("VMs reach its host: {reason}"));
    let reasons: Vec<_> = node.health_reason.clone().into_iter().chain(open).collect();
    reasons.join("; ")
}

fn policy_word(policy: NodePolicy) -> &'static str {
    match policy {
        NodePolicy::Schedulable => "schedulable",
        NodePolicy::Cordoned => "cordoned",
    }
}

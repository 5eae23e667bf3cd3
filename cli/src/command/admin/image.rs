//! `admin image …`.

use clap::{Args, Subcommand, ValueEnum};
use server_api::image::{ImageAdd, SshServer};

use crate::{
    client::Client,
    command::{missing, vm::remove::confirmed},
    context::Context,
    error::CliError,
};

/// Changes to the catalogue; everybody may list it.
#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    /// Add an image to the catalogue
    Add(Add),
    /// Make an image the one that is taken where none is named
    Default { name: String },
    /// Take an image out of the catalogue; machines made from it stay
    Rm(Remove),
}

/// Nothing is pulled by it: the first machine does that.
#[derive(Debug, Args)]
pub struct Add {
    name: String,
    /// Where the engine finds it: alpine:3, or HOST/NAME:TAG of a registry
    reference: String,
    /// One line about it
    #[arg(long, default_value = "")]
    summary: String,
    /// The SSH server in it, where there is one
    #[arg(long, value_enum)]
    ssh_server: Option<Server>,
}

/// An SSH server's name on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Server {
    Dropbear,
    Sshd,
}

/// Asks first, unless told not to.
#[derive(Debug, Args)]
pub struct Remove {
    name: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl ImageCommand {
    /// Where the name is unknown, the error lists those there are.
    pub async fn run(self, context: &Context) -> Result<(), CliError> {
        match self {
            Self::Add(add) => add.run(context).await,
            Self::Default { name } => default(context, &name).await,
            Self::Rm(remove) => remove.run(context).await,
        }
    }
}

impl Add {
    async fn run(self, context: &Context) -> Result<(), CliError> {
        let image = ImageAdd {
            name: self.name,
            reference: self.reference,
            summary: self.summary,
            ssh_server: self.ssh_server.map(|server| match server {
                Server::Dropbear => SshServer::Dropbear,
                Server::Sshd => SshServer::Sshd,
            }),
        };
        let image = context.client.image_add(&image).await?;
        context.out.one(&image, |image| {
            format!("{} is in the catalogue", image.name)
        })
    }
}

impl Remove {
    async fn run(self, context: &Context) -> Result<(), CliError> {
        let name = &self.name;
        if !confirmed(self.yes, &format!("Take {name} out of the catalogue?"))? {
            return Err(CliError::Failed("nothing was removed".into()));
        }
        match context.client.image_remove(name).await {
            Ok(()) => {
                let words = format!("{name} was taken out; machines made from it stay");
                context.out.say(&words)
            }
            Err(error) => Err(image_missing(&context.client, name, error).await),
        }
    }
}

async fn default(context: &Context, name: &str) -> Result<(), CliError> {
    match context.client.image_default(name).await {
        Ok(image) => context
            .out
            .one(&image, |image| format!("{} is the default", image.name)),
        Err(error) => Err(image_missing(&context.client, name, error).await),
    }
}

async fn image_missing(client: &Client, name: &str, error: CliError) -> CliError {
    if !error.is_not_found() {
        return error;
    }
    let have = client.image_list().await;
    let have = have.map(|images| images.into_iter().map(|image| image.name).collect());
    missing(error, "there are", name, have)
}

//! `profile …`: the servers that were signed in to.

use clap::Subcommand;
use serde::Serialize;

use crate::{
    config::Config,
    error::CliError,
    output::{Output, table::Table},
};

/// Read and written here alone: no server is asked.
#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    /// List them
    Ls,
    /// Use this one from now on where none is named
    Use { name: String },
}

/// A profile without its secret.
#[derive(Serialize)]
struct Entry {
    name: String,
    server: String,
    user: String,
    current: bool,
}

impl ProfileCommand {
    /// A name that no profile has is an error that lists those there are.
    pub fn run(self, out: Output) -> Result<(), CliError> {
        let config = Config::load()?;
        match self {
            Self::Ls => list(&config, out),
            Self::Use { name } => choose(config, &name, out),
        }
    }
}

fn list(config: &Config, out: Output) -> Result<(), CliError> {
    let entries: Vec<Entry> = config
        .profile
        .iter()
        .map(|(name, profile)| Entry {
            name: name.clone(),
            server: profile.server.clone(),
            user: profile.user.clone(),
            current: config.name(None) == name,
        })
        .collect();
    let empty = "You are signed in nowhere. Sign in: minicloud login";
    out.list(&entries, empty, |entries| {
        Table::of(&["NAME", "SERVER", "USER", "CURRENT"], entries, |entry| {
            let current = if entry.current { "yes" } else { "-" };
            vec![
                entry.name.clone(),
                entry.server.clone(),
                entry.user.clone(),
                current.into(),
            ]
        })
    })
}

fn choose(mut config: Config, name: &str, out: Output) -> Result<(), CliError> {
    let server = config.get(name)?.server.clone();
    config.current = Some(name.to_owned());
    config.save()?;
    out.say(&format!("From now on: {name} ({server})"))
}

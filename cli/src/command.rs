//! What each command does; one noun a file.

pub mod admin;
mod catalogue;
pub mod event;
pub mod login;
pub mod logout;
pub mod me;
pub mod profile;
pub mod shell;
mod shell_share;
pub mod ssh_config;
pub mod ssh_key;
pub mod token;
pub mod vm;

use std::io;

use clap::CommandFactory as _;

use crate::{
    args::{Cli, Command, FlavorCommand, ImageCommand},
    context::Context,
    error::CliError,
    output::Output,
};

/// Runs the command and answers the exit code.
pub async fn run(cli: Cli) -> Result<u8, CliError> {
    let global = cli.global;
    let out = Output::new(global.json);
    match cli.command {
        Command::Login(login) => login.run(&global, out).await?,
        Command::Logout(logout) => logout.run(&global, out).await?,
        Command::Profile(profile) => profile.run(out)?,
        Command::Completion { shell } => completion(shell)?,
        signed_in => return run_signed_in(signed_in, &Context::new(&global)?).await,
    }
    Ok(0)
}

async fn run_signed_in(command: Command, context: &Context) -> Result<u8, CliError> {
    match command {
        Command::Me => me::run(context).await?,
        Command::Vm(vm) => return vm.run(context).await,
        Command::Image(ImageCommand::Ls) => catalogue::image_list(context).await?,
        Command::Flavor(FlavorCommand::Ls) => catalogue::flavor_list(context).await?,
        Command::Token(token) => token.run(context).await?,
        Command::Key(key) => key.run(context).await?,
        Command::SshConfig(config) => config.run(context).await?,
        Command::Shell(shell) => shell.run(context).await?,
        Command::Admin(admin) => admin.run(context).await?,
        // These need no server, and were run above.
        Command::Login(_)
        | Command::Logout(_)
        | Command::Profile(_)
        | Command::Completion { .. } => {}
    }
    Ok(0)
}

fn completion(shell: clap_complete::Shell) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "minicloud", &mut script);
    Ok(io::Write::write_all(&mut io::stdout(), &script)?)
}

/// Turns "not found" into which there are (`there`: `you have`, `there are`); everything else stays as
/// it is.
pub fn missing(
    error: CliError,
    there: &str,
    name: &str,
    have: Result<Vec<String>, CliError>,
) -> CliError {
    // Without a list, or with the name on it, the server knows better what is wrong.
    let Ok(have) = have else { return error };
    if !error.is_not_found() || have.iter().any(|other| other == name) {
        return error;
    }
    let have = match have.is_empty() {
        true => "none".to_owned(),
        false => have.join(", "),
    };
    CliError::Missing(format!("{name} does not exist; {there}: {have}"))
}

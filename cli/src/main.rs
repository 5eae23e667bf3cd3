//! The `minicloud` command: MiniCloud from a terminal or a script, by the JSON API. docs/cli.md is for
//! those who use it.

mod args;
mod client;
mod command;
mod config;
mod context;
mod error;
mod exec;
mod output;
mod progress;
mod prompt;
mod secret;
mod shell;
mod socket;
mod wait;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;

use crate::{args::Cli, error::CliError};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return unparsed(&error),
    };
    let json = cli.global.json;
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => report(&error, json),
    }
}

fn run(cli: Cli) -> anyhow::Result<u8> {
    // Before anything makes a TLS connection; a second provider cannot be there yet.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("the program's runtime could not be started")?;
    let outcome = runtime.block_on(command::run(cli));
    // A thread may still wait for a key press, which nobody will make.
    runtime.shutdown_background();
    Ok(outcome?)
}

/// What clap says of the arguments: help for who asked, or what is wrong with them; to programs as a problem.
fn unparsed(error: &clap::Error) -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).take_while(|word| word != "--");
    if !error.use_stderr() || !arguments.any(|word| word == "--json") {
        error.exit();
    }
    let text = error.render().to_string();
    // Before the lines about how it is used.
    let words = text.split("\n\n").next().unwrap_or_default();
    let words = words.trim_start_matches("error: ").split_whitespace();
    let words = words.collect::<Vec<_>>().join(" ");
    report(&CliError::Usage(words).into(), true)
}

/// Says on standard error what went wrong, and answers the exit code.
fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    let Some(known) = error.downcast_ref::<CliError>() else {
        eprintln!("minicloud: {error:#}");
        return ExitCode::FAILURE;
    };
    if known.is_broken_pipe() {
        return ExitCode::SUCCESS;
    }
    if json {
        eprintln!("{}", known.as_json());
    } else {
        eprintln!("minicloud: {known}");
    }
    ExitCode::from(known.exit_code())
}

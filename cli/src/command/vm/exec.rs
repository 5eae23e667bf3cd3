//! `vm exec`.

use clap::Args;
use server_api::vm::{EXEC_TIMEOUT_MAX_S, VmExec};

use super::vm_missing;
use crate::{
    context::Context,
    error::{CliError, exit},
    exec::{self, Run},
    progress::Progress,
};

/// All behind the machine's name is the program's, options too.
#[derive(Debug, Args)]
pub struct Exec {
    /// The machine
    name: String,
    /// Seconds the program may take; it is ended then. With --json at most 25, and it is left running
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    timeout: Option<u32>,
    /// Give the program no input, as in a loop that reads from a file
    #[arg(long, short = 'n')]
    no_stdin: bool,
    /// The program and its arguments; for pipes and the like: sh -c '…'
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    argv: Vec<String>,
}

impl Exec {
    /// Answers the program's own exit code.
    pub async fn run(self, context: &Context) -> Result<u8, CliError> {
        let outcome = match context.out.is_json() {
            true => self.as_json(context).await,
            false => self.attached(context).await,
        };
        match outcome {
            Err(error) => Err(vm_missing(&context.client, &self.name, error).await),
            code => code,
        }
    }

    /// With our own standard streams.
    async fn attached(&self, context: &Context) -> Result<u8, CliError> {
        let run = Run {
            vm: &self.name,
            argv: &self.argv,
            stdin: !self.no_stdin,
            timeout_s: self.timeout,
        };
        exec::run(&context.client, &run).await
    }

    /// What it printed and how it ended, once it has.
    async fn as_json(&self, context: &Context) -> Result<u8, CliError> {
        if self
            .timeout
            .is_some_and(|seconds| seconds > EXEC_TIMEOUT_MAX_S)
        {
            let words = format!("with --json a program may take {EXEC_TIMEOUT_MAX_S} s at most");
            return Err(CliError::Usage(words));
        }
        let exec = VmExec {
            argv: self.argv.clone(),
            timeout_s: self.timeout,
        };
        let progress = Progress::begin();
        progress.say(format!("{} runs in {}", exec.argv[0], self.name));
        let output = context.client.vm_exec(&self.name, &exec).await;
        drop(progress);
        let output = output?;
        context.out.one(&output, |_| String::new())?;
        Ok(u8::try_from(output.exit_code).unwrap_or(exit::FAILURE))
    }
}

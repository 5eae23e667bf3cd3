//! `vm exec`.

use std::io::{self, Write as _};

use clap::Args;
use server_api::vm::{EXEC_TIMEOUT_MAX_S, VmExec, VmExecOutput};

use super::vm_missing;
use crate::{
    context::Context,
    error::{CliError, exit},
    progress::Progress,
};

#[derive(Debug, Args)]
pub struct Exec {
    /// The machine
    name: String,
    /// Seconds the program may take
    #[arg(long, value_name = "SECONDS",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(EXEC_TIMEOUT_MAX_S)))]
    timeout: Option<u32>,
    /// The program and its arguments; for pipes and the like: sh -c '…'
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    argv: Vec<String>,
}

impl Exec {
    /// Answers the program's own exit code.
    pub async fn run(self, context: &Context) -> Result<u8, CliError> {
        let exec = VmExec {
            argv: self.argv,
            timeout_s: self.timeout,
        };
        let progress = Progress::begin();
        progress.say(format!("{} runs in {}", exec.argv[0], self.name));
        let output = context.client.vm_exec(&self.name, &exec).await;
        drop(progress);
        match output {
            Ok(output) => print(context, &output),
            Err(error) => Err(vm_missing(&context.client, &self.name, error).await),
        }
    }
}

fn print(context: &Context, output: &VmExecOutput) -> Result<u8, CliError> {
    if context.out.is_json() {
        context.out.one(output, |_| String::new())?;
    } else {
        io::stdout().write_all(output.stdout.as_bytes())?;
        io::stdout().flush()?;
        io::stderr().write_all(output.stderr.as_bytes())?;
        if output.truncated {
            eprintln!("minicloud: the output was longer than the server keeps and was cut");
        }
    }
    Ok(u8::try_from(output.exit_code).unwrap_or(exit::FAILURE))
}

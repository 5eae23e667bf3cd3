//! One command in a VM.

use std::time::Duration;

use bollard::{
    container::LogOutput,
    exec::{CreateExecOptions, StartExecOptions, StartExecResults},
};
use futures_util::TryStreamExt;
use node_api::{
    error::NodeErrorCode,
    exec::{ExecOutput, ExecRequest},
};
use uuid::Uuid;

use super::{
    api::{EXEC, translate},
    context::{Context, container_name, named},
    full,
};
use crate::driver::DriverError;

/// Most bytes kept of each stream.
const STREAM_LIMIT: usize = 1024 * 1024;

/// The environment of commands and shells.
const ENVIRONMENT: [&str; 5] = [
    "TERM=xterm-256color",
    "HOME=/root",
    "USER=root",
    "LOGNAME=root",
    "LANG=C.UTF-8",
];

/// That, what the caller adds or sets otherwise, and the session's mark: every process of it carries
/// that, so that all can be found.
pub(super) fn environment(mark: &str, added: &[(String, String)]) -> Vec<String> {
    let is_set = |entry: &&str| {
        let name = entry.split_once('=').map_or(*entry, |(name, _)| name);
        added.iter().any(|(added, _)| added == name)
    };
    let fixed = ENVIRONMENT.iter().copied().filter(|entry| !is_set(entry));
    let added = added.iter().map(|(name, value)| format!("{name}={value}"));
    let mark = format!("MC_TTY={mark}");
    fixed
        .map(str::to_owned)
        .chain(added)
        .chain([mark])
        .collect()
}

/// `Timeout` after the request's `timeout_s`; the command is left running. `Conflict` where the VM has no room
/// for it.
pub(super) async fn vm_exec(
    context: &Context,
    id: Uuid,
    request: &ExecRequest,
) -> Result<ExecOutput, DriverError> {
    context.check_mine(id).await?;
    let deadline = Duration::from_secs(request.timeout_s.into());
    let run = run_if_room(context, id, &request.argv);
    match tokio::time::timeout(deadline, run).await {
        Ok(outcome) => outcome,
        Err(_) => Err(DriverError::new(
            NodeErrorCode::Timeout,
            format!(
                "the command did not end within {} s; it is left running",
                request.timeout_s
            ),
        )),
    }
}

async fn run_if_room(
    context: &Context,
    id: Uuid,
    argv: &[String],
) -> Result<ExecOutput, DriverError> {
    let output = run(context, id, argv).await?;
    full::check(context, id, output.mixed.as_bytes()).await?;
    Ok(output)
}

/// Runs a command of ours or of the user's to its end.
pub(super) async fn run(
    context: &Context,
    id: Uuid,
    argv: &[String],
) -> Result<ExecOutput, DriverError> {
    let options = CreateExecOptions {
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        cmd: Some(argv.to_vec()),
        env: Some(ENVIRONMENT.map(str::to_owned).into()),
        user: Some("0:0".to_owned()),
        ..Default::default()
    };
    let name = container_name(id);
    let exec = context
        .api
        .call(EXEC, |docker| docker.create_exec(&name, options))
        .await
        .map_err(|error| named(error, id))?;
    let started = context
        .api
        .call(EXEC, |docker| {
            docker.start_exec(&exec.id, None::<StartExecOptions>)
        })
        .await?;
    let StartExecResults::Attached { mut output, .. } = started else {
        return Err(DriverError::new(
            NodeErrorCode::Engine,
            "the engine gave no output",
        ));
    };
    let mut kept = Kept::default();
    while let Some(chunk) = output.try_next().await.map_err(|error| translate(&error))? {
        kept.take(chunk);
    }
    Ok(kept.finish(exit_code(context, &exec.id).await?))
}

/// The output ends a moment before the engine knows the exit code.
async fn exit_code(context: &Context, exec: &str) -> Result<i64, DriverError> {
    for wait_ms in [1, 5, 20, 50, 100, 200, 400, 800] {
        let found = context
            .api
            .call(EXEC, |docker| docker.inspect_exec(exec))
            .await?;
        if found.running == Some(false)
            && let Some(code) = found.exit_code
        {
            return Ok(code);
        }
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
    }
    Err(DriverError::new(
        NodeErrorCode::Engine,
        "the engine does not tell the command's exit code",
    ))
}

/// What was printed, up to a limit; the rest is read and dropped.
#[derive(Default)]
struct Kept {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    mixed: Vec<u8>,
    truncated: bool,
}

impl Kept {
    fn take(&mut self, chunk: LogOutput) {
        let is_error = matches!(chunk, LogOutput::StdErr { .. });
        let bytes = chunk.into_bytes();
        let stream = if is_error {
            &mut self.stderr
        } else {
            &mut self.stdout
        };
        let whole = keep(stream, &bytes) & keep(&mut self.mixed, &bytes);
        self.truncated |= !whole;
    }

    fn finish(self, exit_code: i64) -> ExecOutput {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        ExecOutput {
            exit_code,
            stdout: text(self.stdout),
            stderr: text(self.stderr),
            mixed: text(self.mixed),
            truncated: self.truncated,
        }
    }
}

/// False where not all of it fits.
fn keep(stream: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let room = STREAM_LIMIT - stream.len();
    stream.extend_from_slice(&bytes[..bytes.len().min(room)]);
    bytes.len() <= room
}

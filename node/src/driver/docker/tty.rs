//! A terminal in a VM, through an exec of the engine.

use std::{sync::Arc, time::Duration};

use bollard::exec::CreateExecOptions;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::ReadHalf;
use uuid::Uuid;

use super::{
    api::EXEC,
    context::{Context, container_name, named},
    exec::environment,
    exec_control::ExecControl,
    full, hijack,
};
use crate::driver::{DriverError, Tty, TtyOutput, TtySpec};

/// Sets the size before anything prints (Docker 20.10 cannot; a resize after the start comes too
/// late for the first prompt), goes home, and becomes root's login shell, or lets
/// that run `$3` where there is one. Where the image has no stty it waits for that resize, which the kernel
/// tells by WINCH; 2 s at most, where it came before anybody listened or does not come. All else needs no new
/// process: where the VM has as many as it may, what does ends this shell, which logs in on its way out. Not where a
/// signal ends it: bash would take that way then, too.
const WRAPPER: &str = r#"log_in() {
trap - WINCH EXIT HUP INT QUIT TERM
cd /root 2>/dev/null || cd /
while IFS=: read -r n p u g c h s; do [ "$u" = 0 ] && break; done </etc/passwd 2>/dev/null
[ -x "$s" ] || s=/bin/sh
SHELL=$s; export SHELL; unset n p u g c h w
[ $# -gt 2 ] && exec "$s" -c "$3"
exec "$s" -l
}
w=; trap w=1 WINCH; trap 'log_in "$@"' EXIT
trap 'trap - EXIT; exit 129' HUP INT QUIT TERM
stty rows "$1" cols "$2" 2>/dev/null || [ -n "$w" ] || {
sleep 2 & wait "$!"; kill "$!"; wait "$!"; } 2>/dev/null
log_in "$@""#;

/// The most that is read at once: it stays with the terminal, and the engine sends a terminal's 4 KiB.
const READ: usize = 16 * 1024;

/// The engine holds the first key of this back until the next one comes, and there must be such a
/// sequence: its own begins with Ctrl-P, the shell's "previous command". Nobody types this one, and
/// Ctrl-@ alone sets a mark where the next key finds it.
const DETACH_KEYS: &str = "ctrl-@,ctrl-@,ctrl-_,ctrl-@,ctrl-^,ctrl-@,ctrl-_";

/// Before each attempt to set the size from outside; after the last one it stays as it is.
const SIZE_AGAIN: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(50),
    Duration::from_millis(150),
    Duration::from_millis(400),
];

/// Begins the terminal with its size, and sets that again within seconds for images without `stty`.
pub(super) async fn vm_tty(
    context: &Arc<Context>,
    id: Uuid,
    spec: &TtySpec,
) -> Result<Tty, DriverError> {
    context.check_mine(id).await?;
    let name = container_name(id);
    let exec = context
        .api
        .call(EXEC, |docker| docker.create_exec(&name, options(spec)))
        .await
        .map_err(|error| named(error, id))?
        .id;
    let stream = hijack::start(context.api.socket(), &exec, true).await?;
    let (read, write) = tokio::io::split(stream);
    let mark = spec.mark.clone();
    let mut control = ExecControl::new(context.clone(), id, exec, mark);
    control.begins_with(spec.cols, spec.rows);
    settle(&control);
    let was_refused = match &spec.command {
        None => login_was_refused,
        Some(_) => command_was_refused,
    };
    Ok(Tty {
        output: full::explained(context, id, chunks(read), was_refused, in_words),
        input: Box::pin(write),
        control: Box::new(control),
    })
}

fn options(spec: &TtySpec) -> CreateExecOptions<String> {
    let (rows, cols) = (spec.rows.to_string(), spec.cols.to_string());
    let fixed = ["/bin/sh", "-c", WRAPPER, "mc", &rows, &cols];
    let cmd = fixed.into_iter().chain(spec.command.as_deref());
    CreateExecOptions {
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(true),
        cmd: Some(cmd.map(str::to_owned).collect()),
        env: Some(environment(&spec.mark, &spec.env)),
        user: Some("0:0".into()),
        detach_keys: Some(DETACH_KEYS.into()),
        ..Default::default()
    }
}

/// Learns the leader, and sets the size from outside: the newest that was asked for. An image without stty
/// has its size by that alone, and what the wrapper waits for may not be lost with one call.
fn settle(control: &ExecControl) {
    let control = control.clone();
    tokio::spawn(async move {
        control.settle().await;
        for wait in SIZE_AGAIN {
            tokio::time::sleep(wait).await;
            match control.size_again().await {
                Ok(()) => return,
                Err(error) => tracing::debug!("a terminal's size was not set: {error}"),
            }
        }
    });
}

/// A login has a prompt.
fn login_was_refused(first: Option<&Bytes>) -> bool {
    first.is_none() || command_was_refused(first)
}

fn command_was_refused(first: Option<&Bytes>) -> bool {
    first.is_some_and(|bytes| full::is_refusal(bytes))
}

/// Why nothing was begun, for whoever looks at the terminal.
fn in_words(error: DriverError) -> Result<Bytes, DriverError> {
    Ok(format!("{}\r\n", error.message).into())
}

/// What the PTY prints, as it comes.
fn chunks(read: ReadHalf<TokioIo<Upgraded>>) -> TtyOutput {
    let start = (read, BytesMut::with_capacity(READ));
    Box::pin(stream::unfold(Some(start), async |state| {
        let (mut read, mut buffer) = state?;
        buffer.reserve(READ);
        match hijack::read(&mut read, &mut buffer).await {
            Ok(0) => None,
            Ok(_) => Some((Ok(buffer.split().freeze()), Some((read, buffer)))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

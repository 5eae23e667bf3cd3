//! A command without a terminal: its streams are the client's, byte by byte, and end as it ends
//! (docs/exec-protocol.md).

use node_api::{exec::ExecStart, exec_frame::ClientFrame};

use super::{
    channel::Inbox,
    outbox::{Gone, Outbox},
    pump::{LOST, Line},
    session::{FAILED, Guest},
};

/// What is to be run.
pub struct Command<'a> {
    pub run: Run<'a>,
    /// Added to its environment; a session may set words of language only.
    pub env: Vec<(String, String)>,
}

/// What a session without a terminal runs.
pub enum Run<'a> {
    /// A command line, by root's shell.
    Line(&'a str),
    /// A shell that reads what to do from its input.
    Shell,
    /// The helper for files, with its words.
    Files(Vec<String>),
}

/// Runs a command in a VM that runs. When the client leaves, the socket closes, and the node ends
/// every process of the command's session.
pub async fn serve(
    guest: &Guest,
    vm: &str,
    command: Command<'_>,
    inbox: &mut Inbox,
    out: &Outbox,
) -> Result<i32, Gone> {
    let control = &guest.plane.state.control;
    let attached = match command.run {
        Run::Files(_) => control.vm_files_attach(&guest.actor, vm).await,
        _ => control.vm_exec_attach(&guest.actor, vm).await,
    };
    let attached = match guest.plane.control_answer(attached) {
        Ok(attached) => attached,
        Err(error) => {
            out.say(&error.message).await?;
            return Ok(FAILED);
        }
    };
    let mut line = Line::new(attached);
    let ended = match line.send(&ClientFrame::Start(start(command))).await {
        true => line.pump(inbox, out, &guest.closed).await,
        false => Ok(Err(LOST.to_owned())),
    };
    line.close().await;
    match ended? {
        Ok(code) => Ok(code),
        Err(why) => {
            out.say(&why).await?;
            Ok(FAILED)
        }
    }
}

/// Goes home and becomes root's shell, as terminals do: with a command line as its one argument, or
/// reading from its input.
const WRAPPER: &str = r#"cd /root 2>/dev/null || cd /
while IFS=: read -r n p u g c h s; do [ "$u" = 0 ] && break; done </etc/passwd 2>/dev/null
[ -x "$s" ] || s=/bin/sh
SHELL=$s; export SHELL; unset n p u g c h
[ $# -gt 0 ] && exec "$s" -c "$1"
exec "$s" -l"#;

/// As sshd does it. The command line is an argument: nothing is put together for a shell to read.
fn start(command: Command<'_>) -> ExecStart {
    let shell = ["/bin/sh", "-c", WRAPPER, "mc"].map(str::to_owned).to_vec();
    let argv = match command.run {
        Run::Line(line) => [shell, vec![line.to_owned()]].concat(),
        Run::Shell => shell,
        Run::Files(words) => words,
    };
    ExecStart {
        argv,
        env: command.env,
    }
}

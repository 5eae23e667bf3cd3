//! One session of a client: what it asks for first, then a command, a terminal or the lobby.

use std::time::Duration;

use app::control_plane::VmPlane as _;
use http::Method;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    ahead::Ahead,
    channel::{Event, Inbox, Start},
    exec::{self, Run},
    files, lobby,
    outbox::{Gone, Outbox},
    ready,
    sign_in::Target,
    terminal,
};
use crate::{actor::Actor, auth::Caller, pages::RequestPlane, state::AppState};

/// From a channel's opening to what it is for.
const START: Duration = Duration::from_secs(120);
/// Names of one's VMs that are told at once.
const NAMES: usize = 10;
/// The exit code of what did not come to run, as OpenSSH's own.
pub const FAILED: i32 = 255;

/// What a session was opened with.
pub struct Wish {
    /// Some: with a terminal.
    pub pty: Option<Pty>,
    /// Words of language only (`LANG`, `LC_…`), in the order they came.
    pub env: Vec<(String, String)>,
    pub start: Start,
}

/// The client's terminal; how large it is, the inbox knows.
#[derive(Clone, Debug)]
pub struct Pty {
    /// The client's TERM: printable ASCII, perhaps empty.
    pub term: String,
}

/// Who is served, and how to reach what is theirs.
pub struct Guest {
    pub plane: RequestPlane,
    pub actor: Actor,
    /// Cancelled when the client has closed the channel, or has gone.
    pub closed: CancellationToken,
}

impl Guest {
    /// None: nobody has signed in.
    pub fn new(state: AppState, caller: Caller, closed: CancellationToken) -> Option<Self> {
        let actor = caller.require().ok()?.clone();
        Some(Self {
            plane: RequestPlane { state, caller },
            actor,
            closed,
        })
    }

    /// Counts one thing that is done with the calls of the user's programs, and waits while it is one
    /// too many.
    pub async fn turn(&self, method: &Method) -> Result<(), Gone> {
        let turn = self.plane.state.auth.ssh_turn(&self.actor.user_id, method);
        self.closed.run_until_cancelled(turn).await.ok_or(Gone)
    }
}

/// Serves a channel to its end.
pub async fn serve(
    state: AppState,
    caller: Caller,
    target: Target,
    mut inbox: Inbox,
    mut out: Outbox,
    closed: CancellationToken,
) {
    let Some(guest) = Guest::new(state, caller, closed) else {
        return out.finish(FAILED).await;
    };
    let wish = timeout(START, wish(&mut inbox, &mut out)).await;
    let Ok(Some(wish)) = wish else {
        return out.finish(FAILED).await;
    };
    let served = run(&guest, target, wish, &mut inbox, &mut out).await;
    // Who has gone hears no code.
    out.finish(served.unwrap_or(FAILED)).await;
}

/// Gathers what comes before the start. None: the client has closed the channel.
async fn wish(inbox: &mut Inbox, out: &mut Outbox) -> Option<Wish> {
    let (mut pty, mut env) = (None, Vec::new());
    loop {
        match inbox.next().await? {
            Event::Pty { term, .. } => {
                pty = Some(Pty { term });
                out.set_raw();
            }
            Event::Env(name, value) => env.push((name, value)),
            Event::Start(start) => return Some(Wish { pty, env, start }),
            // Before a start there is nobody to have it.
            Event::Data(_) | Event::Eof | Event::Resize(_) | Event::Signal(_) => {}
        }
    }
}

async fn run(
    guest: &Guest,
    target: Target,
    wish: Wish,
    inbox: &mut Inbox,
    out: &mut Outbox,
) -> Result<i32, Gone> {
    let is_files = files::argv(&wish).is_some();
    if let Start::Subsystem(name) = &wish.start
        && !is_files
    {
        let name = crate::public_key::comment(name);
        out.say(&format!("there is no subsystem named {name}"))
            .await?;
        return Ok(FAILED);
    }
    match target {
        Target::Lobby if is_files => {
            let own = own_vms(guest).await;
            let words = format!(
                "files are copied to and from a VM: name it in place of the account, as in sftp VM@HOST. {own}"
            );
            out.say(&words).await?;
            Ok(FAILED)
        }
        Target::Lobby => lobby::serve(guest, wish, inbox, out).await,
        Target::Vm(vm) => in_vm(guest, &vm, wish, inbox, out).await,
        Target::Several { vm, accounts } => {
            let forms: Vec<String> = accounts
                .iter()
                .map(|account| format!("{account}+{vm}"))
                .collect();
            let words = format!(
                "your key serves several accounts. Say whose {vm} is meant: {}",
                forms.join(", ")
            );
            out.say(&words).await?;
            Ok(FAILED)
        }
    }
}

/// Runs what is wished in a VM, once that runs.
pub async fn in_vm(
    guest: &Guest,
    vm: &str,
    wish: Wish,
    inbox: &mut Inbox,
    out: &mut Outbox,
) -> Result<i32, Gone> {
    guest.turn(&Method::POST).await?;
    let files = files::argv(&wish);
    let has_keys = wish.pty.is_some() && files.is_none();
    if !is_ready(guest, vm, has_keys, inbox, out).await? {
        return Ok(FAILED);
    }
    if let Some(words) = files {
        let (run, env) = (Run::Files(words), wish.env);
        return exec::serve(guest, vm, exec::Command { run, env }, inbox, out).await;
    }
    let command = match &wish.start {
        Start::Exec(command) => match std::str::from_utf8(command) {
            Ok(command) => Some(command.to_owned()),
            Err(_) => {
                out.say("a command must be UTF-8. Send other bytes on its standard input")
                    .await?;
                return Ok(FAILED);
            }
        },
        _ => None,
    };
    match wish.pty {
        Some(pty) => terminal::serve(guest, vm, pty, wish.env, command, inbox, out).await,
        None => {
            let run = command.as_deref().map_or(Run::Shell, Run::Line);
            let env = wish.env;
            exec::serve(guest, vm, exec::Command { run, env }, inbox, out).await
        }
    }
}

/// True once the VM runs. Who leaves meanwhile, or presses Ctrl-C where there are keys, is not waited for;
/// the VM starts all the same.
async fn is_ready(
    guest: &Guest,
    vm: &str,
    has_keys: bool,
    inbox: &mut Inbox,
    out: &Outbox,
) -> Result<bool, Gone> {
    let mut ahead = Ahead::new(inbox);
    let interrupt = async {
        match has_keys {
            true => ahead.interrupt().await,
            false => std::future::pending().await,
        }
    };
    let ready = ready::ready(guest, vm, out, interrupt);
    let ready = guest.closed.run_until_cancelled(ready).await;
    ready.ok_or(Gone)?
}

/// A short list of one's own, for who has named another.
pub async fn own_vms(guest: &Guest) -> String {
    match guest.plane.vm_list().await {
        Ok(list) if list.vms.is_empty() => "You have none yet".to_owned(),
        Ok(list) => {
            let names: Vec<&str> = list.vms.iter().map(|vm| vm.name.as_str()).collect();
            format!("You have: {}", shortened(&names))
        }
        Err(error) => error.message,
    }
}

/// The first of them, and how many more there are.
fn shortened(names: &[&str]) -> String {
    let first = names.iter().take(NAMES).copied().collect::<Vec<_>>();
    let first = first.join(", ");
    match names.len().saturating_sub(NAMES) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_short_however_many_there_are() {
        let names: Vec<String> = (0..12).map(|number| format!("web{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(shortened(&names[..2]), "web0, web1");
        assert!(shortened(&names[..10]).ends_with(", web8, web9"));
        assert!(shortened(&names).ends_with(", web8, web9 and 2 more"));
    }
}

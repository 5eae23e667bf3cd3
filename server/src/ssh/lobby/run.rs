//! Does what the lobby's commands ask, as the pages do.

use std::time::Duration;

use app::{
    control_plane::{Answer, VmPlane as _},
    model::{AppError, ErrorKind, VmState, VmView},
};

use super::{
    command::Command,
    reply::{self, exit, refused},
};
use crate::ssh::{
    outbox::{Gone, Outbox},
    session::Guest,
};

/// The longest that a command waits for what it asked.
const WAIT: Duration = Duration::from_secs(60);

const HELP: &str = "\
ls                       your VMs
new [NAME]               make a VM; --size SIZE, --image IMAGE, --publish-ssh
start NAME, stop NAME    stop keeps its files
rm NAME …                delete for good; --yes does not ask
shell NAME               a shell in it; or from outside: ssh NAME@HOST
exit

ls, new, start, stop and rm take --json. From outside: ssh USER@HOST COMMAND
";

/// Runs a command; answers its exit code.
pub async fn run(guest: &Guest, command: &Command, out: &Outbox) -> Result<i32, Gone> {
    let (done, json) = match command {
        Command::Nothing => return Ok(0),
        Command::Help => {
            out.print(HELP).await?;
            return Ok(0);
        }
        Command::List { json } => {
            let list = match guest.plane.vm_list().await {
                Ok(list) => list,
                Err(error) => return refused(&error, *json, out).await,
            };
            reply::list(&list.vms, *json, out).await?;
            return Ok(0);
        }
        Command::Remove { names, yes, json } => {
            return remove(guest, names, *yes, *json, out).await;
        }
        // The lobby opens it, for it needs the client's input.
        Command::Shell { .. } => return Ok(exit::USAGE),
        Command::New { json, .. } => (create(guest, command).await, *json),
        Command::Start { name, json } => (guest.plane.vm_start(name).await, *json),
        Command::Stop { name, json } => (guest.plane.vm_stop(name).await, *json),
    };
    let goal = match command {
        Command::Stop { .. } => VmState::Stopped,
        _ => VmState::Running,
    };
    match done {
        Ok(vm) => settled(guest, vm, goal, json, out).await,
        Err(error) => refused(&error, json, out).await,
    }
}

/// What is not said is chosen as the form does.
async fn create(guest: &Guest, command: &Command) -> Answer<VmView> {
    let Command::New {
        name,
        size,
        image,
        publish_ssh,
        ..
    } = command
    else {
        return Err(AppError::new(
            ErrorKind::Invalid,
            "usage",
            "This is no new VM.",
        ));
    };
    let offer = guest.plane.vm_offer().await?;
    let first = offer.flavors.first().map(|flavor| flavor.name.clone());
    let default = offer.images.iter().find(|image| image.default);
    let default = default
        .or(offer.images.first())
        .map(|image| image.name.clone());
    let name = name.clone().unwrap_or(offer.suggested_name);
    let size = size.clone().or(first).unwrap_or_default();
    let image = image.clone().or(default).unwrap_or_default();
    guest
        .plane
        .vm_create(&name, &size, &image, *publish_ssh)
        .await
}

/// Waits until it is so, and tells.
async fn settled(
    guest: &Guest,
    vm: VmView,
    goal: VmState,
    json: bool,
    out: &Outbox,
) -> Result<i32, Gone> {
    let name = vm.name.clone();
    let settled = guest.plane.state.control.vm_settle(&vm.id, WAIT).await;
    let vm = match guest.plane.control_answer(settled) {
        Ok(Some(vm)) => vm,
        Ok(None) => return refused(&AppError::not_found("VM", &name), json, out).await,
        Err(error) => return refused(&error, json, out).await,
    };
    let state = vm.state.word().to_lowercase();
    let reason = vm.reason.as_deref().unwrap_or_default();
    if vm.state == goal {
        let published = vm
            .ssh_published
            .as_ref()
            .filter(|_| goal == VmState::Running);
        let published =
            published.map(|published| format!("; its own SSH: {}", published.command()));
        let words = format!("{name} is {state}{}", published.unwrap_or_default());
        reply::one(&vm, &words, json, out).await?;
        return Ok(0);
    }
    let error = match vm.state {
        VmState::Failed => {
            let words = format!("{name} has failed. {reason}");
            AppError::new(ErrorKind::Unavailable, "vm_failed", words)
        }
        _ => return still(&format!("{name} is {state}"), reason, json, out).await,
    };
    refused(&error, json, out).await
}

/// One after the other; ends at the first that fails. To programs that all went well is said by the exit
/// code alone, as `minicloud vm rm` does.
async fn remove(
    guest: &Guest,
    names: &[String],
    yes: bool,
    json: bool,
    out: &Outbox,
) -> Result<i32, Gone> {
    if !yes {
        let unsure = AppError::new(
            ErrorKind::Invalid,
            "usage",
            "this cannot be undone; say --yes",
        );
        return refused(&unsure, json, out).await;
    }
    for name in names {
        match gone(guest, name).await {
            Ok(true) if json => {}
            Ok(true) => out.print(&format!("{name} was deleted\n")).await?,
            Ok(false) => return still(&format!("{name} is being deleted"), "", json, out).await,
            Err(error) => return refused(&error, json, out).await,
        }
    }
    Ok(0)
}

/// It takes longer than is waited for.
async fn still(what: &str, reason: &str, json: bool, out: &Outbox) -> Result<i32, Gone> {
    let words = format!("{what} still; it goes on. {reason}");
    let error = AppError::new(ErrorKind::Unavailable, "timeout", words.trim_end());
    refused(&error, json, out).await?;
    Ok(exit::TIMEOUT)
}

/// True once it is gone.
async fn gone(guest: &Guest, name: &str) -> Answer<bool> {
    let plane = &guest.plane;
    let vm = plane.control_answer(plane.state.control.vm_find(&guest.actor, name).await)?;
    plane.vm_delete(name).await?;
    let settled = plane.state.control.vm_settle(&vm.id, WAIT).await;
    Ok(plane.control_answer(settled)?.is_none())
}

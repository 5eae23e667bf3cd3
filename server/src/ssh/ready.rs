//! A VM that is to be used: one that is stopped is started, and waited for.

use std::time::Duration;

use app::model::{AppError, ErrorKind, VmState, VmView};
use tokio::time::{Instant, timeout_at};

use super::{
    outbox::{Gone, Outbox},
    session::{Guest, own_vms},
};

/// The longest that a client waits for its VM.
const WAIT: Duration = Duration::from_secs(60);
/// How often a client that waits is told what is going on.
const TELL: Duration = Duration::from_secs(10);

/// True once the VM runs; false when it does not come to that, or the client does not wait for it
/// (`interrupt` ends), and the client was told why.
pub async fn ready(
    guest: &Guest,
    name: &str,
    out: &Outbox,
    interrupt: impl Future<Output = ()>,
) -> Result<bool, Gone> {
    let found = guest.plane.state.control.vm_find(&guest.actor, name).await;
    match guest.plane.control_answer(found) {
        Ok(vm) => started(guest, vm, out, interrupt).await,
        Err(error) if error.kind == ErrorKind::NotFound => {
            let own = own_vms(guest).await;
            out.say(&format!("there is no VM named {name}. {own}"))
                .await?;
            Ok(false)
        }
        Err(error) => refused(&error, out).await,
    }
}

async fn refused(error: &AppError, out: &Outbox) -> Result<bool, Gone> {
    out.say(&error.message).await?;
    Ok(false)
}

async fn started(
    guest: &Guest,
    vm: VmView,
    out: &Outbox,
    interrupt: impl Future<Output = ()>,
) -> Result<bool, Gone> {
    let name = vm.name.clone();
    match vm.state {
        VmState::Running => return Ok(true),
        VmState::Creating | VmState::Starting => out.say(&format!("{name} is starting …")).await?,
        VmState::Stopped | VmState::Stopping => {
            out.say(&format!("{name} is not running; starting it …"))
                .await?;
            let asked = guest
                .plane
                .state
                .control
                .vm_start(&guest.actor, &name)
                .await;
            if let Err(error) = guest.plane.control_answer(asked) {
                return refused(&error, out).await;
            }
        }
        VmState::Failed | VmState::Unknown | VmState::Deleting => {
            out.say(&stuck(&vm)).await?;
            return Ok(false);
        }
    }
    tokio::select! {
        ready = wait(guest, vm, out) => ready,
        () = interrupt => {
            out.print("^C\n").await?;
            out.say(&format!("{name} starts all the same. Connect again in a moment"))
                .await?;
            Ok(false)
        }
    }
}

/// Until the VM runs, or it is clear that it will not.
async fn wait(guest: &Guest, vm: VmView, out: &Outbox) -> Result<bool, Gone> {
    let deadline = Instant::now() + WAIT;
    loop {
        let now = Instant::now();
        let settled = guest
            .plane
            .state
            .control
            .vm_settle(&vm.id, TELL.min(deadline - now));
        let settled = match timeout_at(deadline + TELL, settled).await {
            Ok(settled) => guest.plane.control_answer(settled),
            Err(_) => Ok(Some(vm.clone())),
        };
        match settled {
            Err(error) => return refused(&error, out).await,
            Ok(None) => {
                out.say(&format!("{} was deleted", vm.name)).await?;
                return Ok(false);
            }
            Ok(Some(vm)) if vm.state == VmState::Running => return Ok(true),
            Ok(Some(vm)) if is_stuck(vm.state) => {
                out.say(&stuck(&vm)).await?;
                return Ok(false);
            }
            Ok(Some(vm)) if Instant::now() >= deadline => {
                let words = format!(
                    "{} did not start in {} s; it goes on. Try again in a moment",
                    vm.name,
                    WAIT.as_secs()
                );
                out.say(&words).await?;
                return Ok(false);
            }
            Ok(Some(vm)) => tell(&vm, out).await?,
        }
    }
}

/// It will not run by waiting.
fn is_stuck(state: VmState) -> bool {
    matches!(
        state,
        VmState::Stopped | VmState::Failed | VmState::Unknown | VmState::Deleting
    )
}

async fn tell(vm: &VmView, out: &Outbox) -> Result<(), Gone> {
    let Some(progress) = &vm.progress else {
        return Ok(());
    };
    let percent = progress.percent.map(|percent| format!(" {percent} %"));
    let percent = percent.unwrap_or_default();
    out.say(&format!("{}: {}{percent}", vm.name, progress.words))
        .await
}

/// Why a VM cannot be used, and what to do.
fn stuck(vm: &VmView) -> String {
    let name = &vm.name;
    let why = vm.reason.as_deref().unwrap_or_default();
    match vm.state {
        VmState::Failed => format!(
            "{name} has failed. {why} Try again: ssh {}@HOST start {name}",
            vm.owner
        ),
        VmState::Unknown => format!("{name} cannot be reached now. {why}"),
        VmState::Deleting => format!("{name} is being deleted"),
        _ => format!("{name} was shut down meanwhile"),
    }
}

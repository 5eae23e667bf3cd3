//! How shells end: what their viewers are told, and what is swept away.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::future::join_all;
use node_api::{error::NodeErrorCode, event::NodeEventKind, vm::PowerState};
use tokio::time::{Instant, sleep, timeout};

use super::ShellRegistry;
use crate::shell::session::{End, Shell};

/// How often done shells are looked for, at most.
const SWEEP: Duration = Duration::from_secs(30);
/// How long the engine may take to know an exit code, or that a VM has stopped.
pub(super) const LEARN_DEADLINE: Duration = Duration::from_secs(5);
/// A VM that stops ends its shells this long before it is known to have stopped.
const VM_STOPS: Duration = Duration::from_millis(300);
/// The same at most, for a busy engine: waited for where a shell was killed, which its VM's end does, and people
/// who leave a shell do not.
const VM_STOPS_LATE: Duration = Duration::from_millis(1500);
/// The exit code of what was killed.
const KILLED: i32 = 128 + 9;
/// Pause between two looks at whether a VM has stopped.
const VM_STOPS_LOOK: Duration = Duration::from_millis(100);
/// How long a shell may take to end when the node ends.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(5);
/// How long viewers may take to be told of it.
const TELL_DEADLINE: Duration = Duration::from_secs(1);

impl ShellRegistry {
    /// A shell's PTY has ended; what the engine said, if it failed.
    pub(super) async fn ended(&self, shell: &Shell, failed: Option<String>) {
        let end = match timeout(LEARN_DEADLINE, self.learn_end(shell)).await {
            Ok(end) => end,
            Err(_) => End::Lost(failed.unwrap_or_else(|| {
                "the shell's terminal ended, but the engine does not say how".into()
            })),
        };
        tracing::info!(shell = %shell.id, vm = %shell.vm_id, "the shell has ended: {end:?}");
        let kind = match end {
            End::Left => None,
            End::Lost(_) => Some(NodeEventKind::ShellLost),
            _ => Some(NodeEventKind::ShellClosed),
        };
        shell.finish(end);
        let Some(kind) = kind else { return };
        if let Some(holder) = &self.holder {
            holder.forget(shell.id).await;
        }
        self.tell(shell.vm_id, kind);
    }

    async fn learn_end(&self, shell: &Shell) -> End {
        loop {
            if let Some(end) = shell.foretold() {
                return end;
            }
            let code = shell.exit_code().await;
            if let Some(end) = self.end_with_vm(shell).await {
                return end;
            }
            match code {
                // Not by a signal, so not by its VM's end.
                Ok(Some(code)) if code < 128 => return End::Exited(code),
                Ok(Some(code)) => {
                    let with_vm = self.end_with_stopping_vm(shell, code).await;
                    return with_vm.unwrap_or(End::Exited(code));
                }
                Ok(None) => sleep(Duration::from_millis(50)).await,
                Err(error) => return End::Lost(format!("the engine lost the shell: {error}")),
            }
        }
    }

    /// Whether it ended so by a signal because its VM is about to be known to have stopped.
    async fn end_with_stopping_vm(&self, shell: &Shell, code: i32) -> Option<End> {
        let given_up = Instant::now()
            + if code == KILLED {
                VM_STOPS_LATE
            } else {
                VM_STOPS
            };
        while Instant::now() < given_up {
            sleep(VM_STOPS_LOOK).await;
            if let Some(end) = self.end_with_vm(shell).await {
                return Some(end);
            }
        }
        None
    }

    /// Whether it ended because its VM does not run any more.
    pub(super) async fn end_with_vm(&self, shell: &Shell) -> Option<End> {
        match self.driver.vm_get(shell.vm_id).await {
            Ok(vm) if vm.power == PowerState::Running => None,
            Ok(_) => Some(End::VmStopped),
            Err(error) if error.code == NodeErrorCode::NotFound => Some(End::VmGone),
            // The engine is away: the exit code may still be known.
            Err(_) => None,
        }
    }

    /// The node ends. Its own PTYs belong to this process, and nothing could attach to what would be left
    /// of them: their shells end. What the holder has stays there, and its viewers come back. Takes at
    /// most 6 s.
    pub async fn shutdown(&self) {
        let shells = self.places.shells();
        join_all(shells.iter().map(end_with_node)).await;
        let told = join_all(shells.iter().map(|shell| shell.unwatched()));
        if timeout(TELL_DEADLINE, told).await.is_err() {
            tracing::warn!("some viewers were not told that the node ends");
        }
    }
}

async fn end_with_node(shell: &Arc<Shell>) {
    if shell.is_held() {
        let left = timeout(SHUTDOWN_DEADLINE, shell.leave_to_holder());
        if left.await.is_err() {
            tracing::warn!(shell = %shell.id, "its holder does not take the screen");
            shell.abort(End::Left);
        }
        return;
    }
    let end = End::Lost("the node was restarted, and its shells ended with it".into());
    shell.end_as(end.clone());
    let ended = async {
        if let Err(error) = shell.kill().await {
            tracing::warn!(shell = %shell.id, "the shell outlives the node: {error}");
            shell.abort(end.clone());
        }
        shell.ended().await;
    };
    if timeout(SHUTDOWN_DEADLINE, ended).await.is_err() {
        tracing::warn!(shell = %shell.id, "the shell did not end in time");
        shell.abort(end);
    }
}

/// Closes idle shells and forgets those that ended a while ago, as long as there is a registry.
pub(super) async fn sweep(registry: Weak<ShellRegistry>) {
    while let Some(shells) = registry.upgrade() {
        let limits = &shells.commons.limits;
        let pause = SWEEP.min(limits.idle / 4).min(limits.ended_kept / 4);
        for shell in shells.places.shells() {
            match shell.end() {
                Some((end, since)) if since >= limits.ended_kept => {
                    shells.places.let_go(shell.id, end);
                }
                Some(_) => {}
                None if shell.idle() >= limits.idle => close_idle(&shells, &shell).await,
                None => {}
            }
        }
        drop(shells);
        sleep(pause.max(Duration::from_millis(10))).await;
    }
}

/// Whoever comes back to it is told why it is gone.
async fn close_idle(shells: &ShellRegistry, shell: &Shell) {
    let why = format!(
        "it was closed because nobody had used it for {}",
        in_words(shells.commons.limits.idle)
    );
    tracing::info!(shell = %shell.id, "{why}");
    let end = End::Lost(why);
    shell.end_as(end.clone());
    if let Err(error) = shells.end(shell).await {
        tracing::warn!(shell = %shell.id, "an idle shell is not closed: {error}");
        shell.goes_on(&end);
    }
}

/// In the largest unit in which it is a whole number.
fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    let units = [(3600, "h"), (60, "min")];
    let unit = units
        .iter()
        .find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    unit.map_or_else(
        || format!("{seconds} s"),
        |(unit, name)| format!("{} {name}", seconds / unit),
    )
}

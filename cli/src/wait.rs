//! Waiting until a VM is where it was sent.

use std::time::{Duration, Instant};

use server_api::vm::{Vm, VmState};

use crate::{
    client::Client,
    error::CliError,
    output::{clean, style::vm_state_word},
    progress::Progress,
};

/// Between two looks: short at first, because a VM starts within a second.
const PAUSE_MIN: Duration = Duration::from_millis(150);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Where a VM is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// With its own SSH server up, or given up, where that is published.
    Running,
    Stopped,
    /// Deleted: reached when the server knows no VM of that name any more.
    Gone,
}

impl Goal {
    /// Of a VM that is still there: never true for [`Goal::Gone`].
    pub fn is_reached(self, vm: &Vm) -> bool {
        match self {
            Self::Running => vm.state == VmState::Running && is_ssh_settled(vm),
            Self::Stopped => vm.state == VmState::Stopped,
            Self::Gone => false,
        }
    }
}

/// True unless its own SSH server is still to be started.
fn is_ssh_settled(vm: &Vm) -> bool {
    let at = vm.ssh_published.as_ref();
    at.is_none_or(|at| at.ready || at.reason.is_some())
}

/// How a VM was before it was asked to change: what it still says of then is no outcome.
#[derive(Clone, Copy, Debug, Default)]
pub struct Before {
    changed_at: Option<i64>,
    started_at: Option<i64>,
}

impl Before {
    /// To be taken before the change is asked for.
    pub fn of(vm: &Vm) -> Self {
        Self {
            changed_at: Some(vm.changed_at),
            started_at: vm.started_at,
        }
    }

    /// For a start: a VM that runs already is where it was sent.
    pub fn of_what_runs(self) -> Self {
        Self {
            started_at: None,
            ..self
        }
    }
}

/// Looks until the goal is reached, the VM failed, or the time is over. None when it is gone.
pub async fn vm_wait(
    client: &Client,
    name: &str,
    goal: Goal,
    before: Before,
    limit: Duration,
) -> Result<Option<Vm>, CliError> {
    let progress = Progress::begin();
    let begun = Instant::now();
    let mut pause = PAUSE_MIN;
    loop {
        let vm = match client.vm_get(name).await {
            Ok(detail) => detail.vm,
            Err(error) if error.is_not_found() => return gone(name, goal),
            Err(error) => return Err(error),
        };
        if let Some(outcome) = outcome(&vm, goal, before) {
            return outcome.map(|()| Some(vm));
        }
        progress.vm(&vm);
        if begun.elapsed() + pause > limit {
            return Err(too_long(&vm, goal, limit));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(PAUSE_MAX);
    }
}

fn gone(name: &str, goal: Goal) -> Result<Option<Vm>, CliError> {
    match goal {
        Goal::Gone => Ok(None),
        _ => Err(CliError::Missing(format!("{name} was deleted meanwhile"))),
    }
}

/// None while it is under way.
fn outcome(vm: &Vm, goal: Goal, before: Before) -> Option<Result<(), CliError>> {
    let fresh = before.changed_at != Some(vm.changed_at);
    let stale = before.started_at.is_some() && before.started_at == vm.started_at;
    match vm.state {
        _ if goal.is_reached(vm) => (goal == Goal::Stopped || !stale).then_some(Ok(())),
        VmState::Failed if fresh => Some(Err(CliError::Failed(format!(
            "{} failed: {}",
            vm.name,
            vm.reason
                .as_deref()
                .map_or("no reason is known".into(), clean)
        )))),
        _ => None,
    }
}

fn too_long(vm: &Vm, goal: Goal, limit: Duration) -> CliError {
    let goal = match goal {
        Goal::Running => "running",
        Goal::Stopped => "stopped",
        Goal::Gone => "gone",
    };
    CliError::TookTooLong(format!(
        "{name} is not {goal} after {seconds} s, it is {state}. It goes on; look with `minicloud vm show {name}`",
        name = vm.name,
        seconds = limit.as_secs(),
        state = vm_state_word(vm.state),
    ))
}

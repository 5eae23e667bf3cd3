//! What to do about a VM: what should be, what its node says, and the time in; one step out. Pure.
//!
//! The reconciler asks again after each step, until it is told to rest. Nothing here depends on
//! having seen an earlier step: a server that died anywhere goes on from the row and the report.

mod exit;
mod power;

use app::model::VmState;
use node_api::vm::{PowerState, VmReport};

use super::retention::Retention;
use crate::{
    clock::SECOND,
    db::vm::{DesiredState, VmRow},
};

pub use exit::arrived;

/// Time to come to run, once the image is there.
pub const CREATING: i64 = 120 * SECOND;
/// Time for a container that is there to come to run.
pub const STARTING: i64 = 60 * SECOND;
/// Time to shut down. An attempt takes 25 s at most (the balancer's deadline), so that there is a second
/// one.
pub const STOPPING: i64 = 60 * SECOND;

/// The longest wait between two attempts: a node that is back is told apart, and asked at once.
pub const WAIT_MAX: i64 = 10 * SECOND;

/// One step towards what should be.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// It is so, or it must be waited for.
    Rest,
    /// Write down what was found; no call is needed.
    Record(Box<Found>),
    /// Make its container where it is missing, and start it.
    Create,
    /// Start the container that is there.
    Start,
    /// Shut it down, gracefully.
    Stop,
    /// Set its owner's keys and start its SSH server.
    SshServe,
    /// Remove its container, then its row.
    Delete,
}

/// A finding: the row as it is now known to be, and what to tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Written only while what is desired is still what it was when this was found.
    pub after: VmRow,
    pub event: Option<FoundEvent>,
}

/// An event of MiniCloud's own about a VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundEvent {
    /// Noun, underscore, verb, as of every event.
    pub kind: &'static str,
    pub detail: Option<String>,
    /// False: the log warns of it, too.
    pub ok: bool,
}

/// What is known beside the row.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// Microseconds since the Unix epoch, as all times here.
    pub now: i64,
    /// What the node said last of this VM.
    pub report: Option<&'a VmReport>,
    /// The report is of a list that was just fetched: a VM without one is not there, and one that
    /// has ended has ended.
    pub fresh: bool,
    /// The node cannot be asked for anything now.
    pub unreachable: bool,
    /// When this server began to look; deadlines do not count the time before.
    pub began: i64,
    /// Earlier attempts at the present step.
    pub tries: &'a Tries,
    /// True when a VM that ended at that time ended with its engine or host.
    pub was_out: &'a dyn Fn(i64) -> bool,
    /// When a stopped VM goes; None: never.
    pub retention: Option<Retention>,
}

/// Attempts at a step that did not work yet. Kept in memory: a new server tries at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    /// Of the row: attempts of an older one do not count.
    pub generation: i64,
    /// Refusals by the engine itself.
    pub refusals: u32,
    /// Failures of any kind, one after the other.
    pub failures: u32,
    /// Not before then.
    pub not_before: i64,
    /// What was said last.
    pub words: Option<String>,
    /// When its image was seen being pulled last: the node watches over that.
    pub pulled_at: Option<i64>,
    /// The node said that the image is not there, whatever its list says.
    pub image_missing: bool,
    /// Since when its image is known to be there, where it was not at first.
    pub image_at: Option<i64>,
}

/// The next step for a VM.
pub fn plan(row: &VmRow, look: &Look) -> Step {
    match row.desired {
        DesiredState::Running => power::running(row, look),
        DesiredState::Stopped => power::stopped(row, look),
        DesiredState::Deleted => look.when_possible(Step::Delete),
    }
}

impl Look<'_> {
    /// The step, unless its time has not come or the node cannot be asked.
    fn when_possible(&self, step: Step) -> Step {
        match self.unreachable || self.tries.waits(self.now) {
            true => Step::Rest,
            false => step,
        }
    }

    /// True when the transition the row is in has taken longer than it may.
    fn is_overdue(&self, row: &VmRow, allowed: i64) -> bool {
        let since = row
            .changed_at
            .max(self.began)
            .max(row.retry_at.unwrap_or(0))
            .max(self.tries.pulled_at.unwrap_or(0))
            .max(self.tries.image_at.unwrap_or(0));
        self.now - since > allowed
    }
}

impl Tries {
    /// False for a time that is further ahead than any wait: it was set before the clock was put back.
    fn waits(&self, now: i64) -> bool {
        (1..=WAIT_MAX).contains(&(self.not_before - now))
    }
}

/// The row in another state, with the time of the change.
fn into_state(row: &VmRow, state: VmState, reason: Option<String>, now: i64) -> VmRow {
    let changed_at = match row.state == state {
        true => row.changed_at,
        false => now,
    };
    VmRow {
        state,
        reason,
        changed_at,
        ..row.clone()
    }
}

fn record(after: VmRow, event: Option<FoundEvent>) -> Step {
    Step::Record(Box::new(Found { after, event }))
}

/// The end of a transition that did not work; `reason` is a sentence.
pub fn failed(row: &VmRow, reason: String, now: i64) -> Found {
    let event = FoundEvent {
        kind: "vm_failed",
        detail: Some(reason.clone()),
        ok: false,
    };
    Found {
        after: VmRow {
            retry_at: None,
            ..into_state(row, VmState::Failed, Some(reason), now)
        },
        event: Some(event),
    }
}

/// Fails with the deadline and what was said last.
fn overdue(row: &VmRow, look: &Look, what: &str, allowed: i64) -> Step {
    let node = row.node.as_deref().unwrap_or("its node");
    let last = look
        .tries
        .words
        .as_deref()
        .map(|words| format!(": {words}"))
        .unwrap_or_default();
    let reason = format!(
        "It did not {what} within {} s on {node}{last}.",
        allowed / SECOND
    );
    Step::Record(Box::new(failed(row, reason, look.now)))
}

/// True when the node says that it runs.
fn runs(report: &VmReport) -> bool {
    report.power == PowerState::Running
}

#[cfg(test)]
mod tests;

//! One worker a node: compares rows with reports, and acts until they agree. Level-triggered: it
//! looks when it is woken by a request, when the node tells of an event, and every two seconds;
//! nothing depends on having been told.
//!
//! Two loops share the work. The urgent one looks at single VMs with what is known, so that a
//! request is acted on within milliseconds. The full one fetches the node's whole list first, and
//! only it may conclude that something has ended or is gone. A VM is in one pair of hands at a time,
//! and nobody acts on what was read before the last act on that VM.

mod clear;
mod doubt;
mod duty;
mod full;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use app::model::NodeHealth;
use node_api::vm::VmReport;
use tokio::{
    sync::{Notify, Semaphore},
    time::{MissedTickBehavior, interval, sleep},
};
use uuid::Uuid;

use super::{
    Control, ControlError,
    orphan::OrphanWatch,
    plan::{Found, Look, Step, Tries, plan},
};
use crate::{
    balancer::{NodeEntry, NodeState},
    clock,
    db::{
        event::{NewEvent, SubjectKind, event_insert},
        vm::{VmRow, vm_get_any, vm_write},
    },
};

use duty::Duties;

/// Calls that change VMs, at once on one node.
const AT_ONCE: u32 = 16;
/// The longest time between two full looks.
const EVERY: Duration = Duration::from_secs(2);
/// Events come in bursts: between two full looks there is at least this.
const PAUSE: Duration = Duration::from_millis(100);
/// After a failed look at the database.
const AGAIN: Duration = Duration::from_millis(500);
/// Steps for one VM before others get a turn.
const STEPS: usize = 8;

/// Keeps one node's VMs as they should be.
pub struct Worker {
    pub(super) control: Control,
    pub(super) entry: Arc<NodeEntry>,
    slots: Semaphore,
    urgent: Notify,
    urgent_ids: Mutex<HashSet<String>>,
    duties: Mutex<Duties>,
    orphans: Mutex<OrphanWatch>,
    /// Held while orphans are removed.
    removal: Arc<tokio::sync::Mutex<()>>,
}

impl Worker {
    /// Does nothing yet: see [`Worker::spawn`].
    pub fn new(control: Control, entry: Arc<NodeEntry>) -> Self {
        let grace = i64::from(control.0.config.orphan_grace_s) * clock::SECOND;
        Self {
            control,
            entry,
            slots: Semaphore::new(AT_ONCE as usize),
            urgent: Notify::new(),
            urgent_ids: Mutex::default(),
            duties: Mutex::default(),
            orphans: Mutex::new(OrphanWatch::new(grace)),
            removal: Arc::default(),
        }
    }

    pub fn node_id(&self) -> &str {
        &self.entry.id
    }

    /// Begins to work; ends when the node is removed or control stops.
    pub fn spawn(self: &Arc<Self>) {
        let work = self.clone();
        let gone = self.entry.gone.clone();
        self.control.spawn(async move {
            // Beside its VMs, why shells in them were lost.
            let lost = work.control.shell_lost_loop(&work.entry);
            let all = async { tokio::join!(work.urgent_loop(), work.full_loop(), lost) };
            gone.run_until_cancelled(all).await;
        });
    }

    /// Looks at one VM at once.
    pub fn wake(&self, vm_id: &str) {
        lock(&self.urgent_ids).insert(vm_id.to_owned());
        self.urgent.notify_one();
    }

    /// A VM that left this node in the proper way: what is left of it here may go.
    pub fn released(&self, vm_id: &str) {
        if let Ok(id) = vm_id.parse::<Uuid>() {
            lock(&self.orphans).deleted(id);
        }
        lock(&self.duties).forget(vm_id);
        self.control.0.fleet.forget(self.node_id(), vm_id);
    }

    /// The same of one that is to be made on another node, and that nobody saw run here.
    pub fn moved(&self, vm_id: &str) {
        if let Ok(id) = vm_id.parse::<Uuid>() {
            lock(&self.orphans).moved(id);
        }
        self.released(vm_id);
    }

    /// Locked until the guard goes: hold it over no await.
    pub(super) fn duties(&self) -> MutexGuard<'_, Duties> {
        lock(&self.duties)
    }

    async fn urgent_loop(self: &Arc<Self>) {
        loop {
            self.urgent.notified().await;
            let ids = std::mem::take(&mut *lock(&self.urgent_ids));
            for id in ids {
                let epoch = self.duties().next();
                match vm_get_any(&self.control.0.db, &id).await {
                    Ok(Some(row)) if row.node_id.as_deref() == Some(self.node_id()) => {
                        self.consider(row, epoch, false);
                    }
                    Ok(_) => self.duties().forget(&id),
                    Err(error) => {
                        tracing::warn!(vm_id = id, "a VM could not be looked at: {error}");
                        self.wake_later(id, AGAIN);
                    }
                }
            }
        }
    }

    async fn full_loop(self: &Arc<Self>) {
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut known_run = None;
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = self.entry.woken.notified() => {}
            }
            let run = self.entry.with_state(NodeState::ready_run);
            let is_back = run.is_some() && run != known_run;
            known_run = run;
            if is_back {
                // What was put off is tried at once.
                self.duties().hurry();
            }
            self.full_pass().await;
            // After the pass: of a VM about which its node has long said nothing, nobody can be asked before.
            if is_back && !self.control.shell_lost_all(&self.entry).await {
                known_run = None;
            }
            sleep(PAUSE).await;
        }
    }

    /// Takes a VM in hand, unless somebody has it or what was read is old.
    fn consider(self: &Arc<Self>, row: VmRow, epoch: u64, fresh: bool) {
        if !self.duties().claim(&row.id, epoch) {
            return;
        }
        let step = self.plan(&row, fresh);
        if step == Step::Rest {
            return self.rest(&row);
        }
        let work = self.clone();
        self.control
            .spawn(async move { work.work(row, step).await });
    }

    /// Follows the steps until the VM may rest.
    async fn work(self: Arc<Self>, mut row: VmRow, mut step: Step) {
        let Ok(_slot) = self.slots.acquire().await else {
            return;
        };
        for _ in 0..STEPS {
            if self.is_gone() {
                return;
            }
            let next = match step {
                Step::Rest => break,
                Step::Record(found) => self.record(&row, *found).await,
                call => self.act(&row, call).await,
            };
            match next {
                Some(after) => row = after,
                None => break,
            }
            step = self.plan(&row, false);
        }
        self.rest(&row);
    }

    /// True once the node is removed: nothing may be made there any more.
    pub(super) fn is_gone(&self) -> bool {
        self.entry.gone.is_cancelled()
    }

    /// Lets go of a VM; looks again when its time comes.
    fn rest(self: &Arc<Self>, row: &VmRow) {
        let now = clock::now();
        let (again, at) = {
            let mut duties = self.duties();
            let again = duties.release(&row.id);
            (again, duties.due(row, now))
        };
        if again {
            self.wake(&row.id);
        } else if let Some(wait) = at {
            self.wake_later(row.id.clone(), wait);
        }
    }

    fn wake_later(self: &Arc<Self>, vm_id: String, wait: Duration) {
        let work = self.clone();
        self.control.spawn(async move {
            sleep(wait).await;
            work.duties().rang(&vm_id);
            work.wake(&vm_id);
        });
    }

    /// The next step, by all that is known now. `fresh`: the node's list was just fetched.
    pub(super) fn plan(&self, row: &VmRow, fresh: bool) -> Step {
        self.look(row, fresh, |look| plan(row, look))
    }

    /// Everything known of a VM, now.
    pub(super) fn look<T>(&self, row: &VmRow, fresh: bool, then: impl FnOnce(&Look) -> T) -> T {
        let id = row.id.parse().unwrap_or(Uuid::nil());
        let report: Option<VmReport> = self.control.0.fleet.get(self.node_id(), id);
        let tries: Tries = self.duties().tries(&row.id, row.generation);
        self.entry.with_state(|state| {
            then(&Look {
                now: clock::now(),
                report: report.as_ref(),
                fresh,
                unreachable: matches!(state.health, NodeHealth::Unreachable { .. }),
                began: self.control.0.began,
                tries: &tries,
                was_out: &|at| state.was_out(at),
                retention: self.control.0.retention,
            })
        })
    }

    /// Writes a finding down with its event; the row after it, or None when it was of no use: what
    /// is desired has changed meanwhile, or the database is away.
    pub(super) async fn record(&self, row: &VmRow, found: Found) -> Option<VmRow> {
        match self.write(row, &found).await {
            Ok(true) => {
                tell(&found);
                if found.after.state != app::model::VmState::Creating {
                    self.control.0.fleet.progress(&row.id, None);
                }
                self.control.tell(Some(&row.owner_id));
                Some(found.after)
            }
            Ok(false) => {
                self.duties().once_more(&row.id);
                None
            }
            Err(error) => {
                let words = super::error::chain(&error);
                tracing::warn!(vm = row.name, "a finding could not be written: {words}");
                None
            }
        }
    }

    async fn write(&self, row: &VmRow, found: &Found) -> Result<bool, ControlError> {
        let mut tx = self.control.0.db.write().await?;
        if !vm_write(&mut tx, row, &found.after).await? {
            return Ok(false);
        }
        if let Some(event) = &found.event {
            let mut new = NewEvent::new(event.kind, None, SubjectKind::Vm, &row.id, &row.name)
                .owner(&row.owner_id);
            (new.detail, new.ok) = (event.detail.clone(), event.ok);
            event_insert(&mut tx, &new).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}

fn tell(found: &Found) {
    let row = &found.after;
    let (vm, owner, node) = (&row.name, &row.owner, row.node.as_deref().unwrap_or("-"));
    let state = row.state.word();
    let is_bad = found.event.as_ref().is_some_and(|event| !event.ok);
    let reason = row.reason.as_deref().unwrap_or_default();
    if is_bad {
        tracing::warn!(
            vm,
            owner,
            node,
            vm_id = row.id,
            "{owner}/{vm} on {node}: {state}. {reason}"
        );
    } else {
        tracing::info!(
            vm,
            owner,
            node,
            vm_id = row.id,
            "{owner}/{vm} on {node}: {state}"
        );
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! A full look at a node: its list, its rows, and what is too many.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use app::model::{NodeHealth, VmState};
use node_api::vm::{PowerState, VmReport};
use uuid::Uuid;

use super::{Worker, doubt, lock};
use crate::{
    balancer::NodeState,
    clock,
    control::{ControlError, error::chain, fleet::Listed},
    db::{
        event::{NewEvent, SubjectKind, event_insert},
        node::node_is_known,
        vm::{DesiredState, VmRow, vm_get_any, vm_list_by_node},
    },
};

impl Worker {
    /// Looks at everything once. Without a list only deadlines are kept.
    pub(super) async fn full_pass(self: &Arc<Self>) {
        let epoch = self.duties().next();
        let list = self.list().await;
        if matches!(
            node_is_known(&self.control.0.db, self.node_id()).await,
            Ok(false)
        ) {
            tracing::warn!(node = self.entry.name, "{} was removed", self.entry.name);
            return self.control.node_forget(self.node_id());
        }
        let rows = match vm_list_by_node(&self.control.0.db, self.node_id()).await {
            Ok(rows) => rows,
            Err(error) => {
                // No answer is no reason to do anything to a VM.
                tracing::warn!(
                    node = self.entry.name,
                    "its VMs could not be read: {}",
                    chain(&error)
                );
                return;
            }
        };
        let mut fresh = list.is_some();
        if list.as_ref().is_some_and(|list| some_ended(list, &rows)) {
            // By themselves, or with the engine? The node knows more by now than at the last poll; if it has
            // just begun, it may not yet, and is asked again in the next pass.
            self.entry.refresh().await;
            fresh = self.entry.with_state(NodeState::knows_engine);
        }
        if let Some(list) = list {
            self.take(list, &rows, epoch).await;
        }
        let ids: HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        self.duties().retain(|id| ids.contains(id));
        for row in rows {
            self.consider(row, epoch, fresh);
        }
    }

    async fn list(&self) -> Option<Vec<VmReport>> {
        let away = |health: &NodeHealth| matches!(health, NodeHealth::Unreachable { .. });
        if self
            .entry
            .with_state(|state| away(&state.health) && state.seen_at.is_some())
        {
            return None;
        }
        match self.entry.client.vm_list().await {
            Ok(list) => Some(list),
            Err(error) => {
                tracing::debug!(node = self.entry.name, "no list of its VMs: {error}");
                None
            }
        }
    }

    async fn take(self: &Arc<Self>, list: Vec<VmReport>, rows: &[VmRow], epoch: u64) {
        let there: Vec<(Uuid, Uuid)> = list
            .iter()
            .map(|report| (report.spec.id, report.spec.owner_id))
            .collect();
        let newer = |id: &Uuid| self.duties().newer(&id.to_string(), epoch);
        let listed = self
            .control
            .0
            .fleet
            .list(self.node_id(), list, newer, clock::now());
        let by_id: HashMap<Uuid, &VmRow> = rows
            .iter()
            .filter_map(|row| Some((row.id.parse().ok()?, row)))
            .collect();
        self.tell_figures(&listed, &by_id).await;
        self.judge_orphans(&there, &by_id.keys().copied().collect())
            .await;
    }

    async fn tell_figures(&self, listed: &Listed, rows: &HashMap<Uuid, &VmRow>) {
        let owners: HashSet<&str> = listed
            .sampled
            .iter()
            .filter_map(|id| rows.get(id).map(|row| row.owner_id.as_str()))
            .collect();
        for owner in owners {
            self.control.tell(Some(owner));
        }
        for row in listed.out_of_memory.iter().filter_map(|id| rows.get(id)) {
            let words = format!("its memory limit is {} MiB", row.memory_mib);
            let event = NewEvent::new("vm_oom", None, SubjectKind::Vm, &row.id, &row.name)
                .owner(&row.owner_id)
                .detail(words)
                .failed();
            self.event(event).await;
        }
    }

    /// `there`: each VM of the node with its owner.
    async fn judge_orphans(self: &Arc<Self>, there: &[(Uuid, Uuid)], wanted: &HashSet<Uuid>) {
        let doubts = match self.doubts(there, wanted).await {
            Ok(doubts) => doubts,
            // Not known whose they are: nothing is done to any.
            Err(error) => return tracing::warn!("{}", chain(&error)),
        };
        let ids = there.iter().map(|(id, _)| *id);
        let ours: Vec<Uuid> = ids.filter(|id| !doubts.contains_key(id)).collect();
        // Before the verdict: one that came of what was so before a removal ended would remove the same again.
        let turn = self.removal.clone().try_lock_owned();
        let verdict = lock(&self.orphans).judge(&ours, wanted, clock::steady());
        let left = || doubt::alarm(&doubts, there.len());
        let alarm = verdict.alarm.or_else(left);
        let node = &self.entry.name;
        if self
            .control
            .0
            .fleet
            .set_alarm(self.node_id(), alarm.clone())
        {
            if let Some(alarm) = &alarm {
                tracing::error!(node, "{node}: {alarm}. Is this the right database?");
            }
            self.control.tell(None);
        }
        // Not waited for: one that the engine cannot remove would keep all else here from being looked at.
        if !verdict.remove.is_empty()
            && let Ok(turn) = turn
        {
            let work = self.clone();
            self.control.spawn(async move {
                work.remove_orphans(verdict.remove).await;
                drop(turn);
            });
        }
    }

    async fn remove_orphans(&self, ids: Vec<Uuid>) {
        let node = &self.entry.name;
        for id in ids {
            // It may have waited behind another, and a VM been placed here meanwhile that was elsewhere before.
            match vm_get_any(&self.control.0.db, &id.to_string()).await {
                Ok(Some(row)) if row.node_id.as_deref() == Some(self.node_id()) => continue,
                Ok(_) => {}
                Err(error) => return tracing::warn!("{}", chain(&error)),
            }
            match self.entry.client.vm_delete(id).await {
                Ok(()) => {
                    lock(&self.orphans).removed(&id);
                    tracing::warn!(node, vm_id = %id, "a container that no VM stands for was removed from {node}");
                    let event = NewEvent::new(
                        "orphan_remove",
                        None,
                        SubjectKind::Node,
                        self.node_id(),
                        node,
                    );
                    self.event(event.detail(format!("mc-{id}"))).await;
                }
                Err(error) => {
                    tracing::warn!(node, vm_id = %id, "an orphan could not be removed: {error}")
                }
            }
        }
    }

    async fn event(&self, event: NewEvent) {
        let write = async {
            let mut tx = self.control.0.db.write().await?;
            event_insert(&mut tx, &event).await?;
            tx.commit().await?;
            Ok::<(), ControlError>(())
        };
        if let Err(error) = write.await {
            tracing::warn!(
                kind = event.kind,
                "an event could not be written: {}",
                chain(&error)
            );
        }
    }
}

/// True when a VM that is to run has ended.
fn some_ended(list: &[VmReport], rows: &[VmRow]) -> bool {
    let exited = list
        .iter()
        .filter(|report| report.power == PowerState::Exited);
    let exited: HashSet<String> = exited.map(|report| report.spec.id.to_string()).collect();
    let is_to_run =
        |row: &VmRow| row.desired == DesiredState::Running && row.state == VmState::Running;
    rows.iter()
        .any(|row| is_to_run(row) && exited.contains(&row.id))
}

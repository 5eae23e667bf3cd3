//! What users ask of a VM they have: start, shut down, restart, retry, delete. Each writes what
//! should be, with its event, in one transaction, and wakes the node's reconciler; the page is
//! live, so nobody waits here.

use std::sync::Arc;

use app::model::{NodeHealth, VmState, VmView};
use node_api::{error::NodeErrorCode, vm::PowerState};

use super::{
    Control, ControlError,
    fail_point::fail_point,
    request::{Verb, request},
    vm_create::ssh_from,
};
use crate::{
    actor::Actor,
    balancer::{NodeEntry, placement::Need},
    clock,
    db::{
        Tx,
        event::{NewEvent, SubjectKind, event_insert},
        user::user_purge,
        vm::{DesiredState, VmRow, vm_place_anew, vm_purge, vm_write},
    },
};

/// Attempts when others change the same VM at the same time.
const ATTEMPTS: usize = 5;

impl Control {
    /// Fine where it runs or starts already; a failed one is tried again. [`ControlError::Conflict`] where
    /// it is being deleted, as for all below but the deletion itself.
    pub async fn vm_start(&self, actor: &Actor, name: &str) -> Result<VmView, ControlError> {
        self.vm_ask(actor, name, Verb::Start).await
    }

    /// Graceful; the disk is kept.
    pub async fn vm_stop(&self, actor: &Actor, name: &str) -> Result<VmView, ControlError> {
        self.vm_ask(actor, name, Verb::Stop).await
    }

    /// Down, gracefully, and up again; one that does not run is started.
    pub async fn vm_restart(&self, actor: &Actor, name: &str) -> Result<VmView, ControlError> {
        self.vm_ask(actor, name, Verb::Restart).await
    }

    /// Tries a failed VM again, on the same node if it was there already, else placed anew.
    pub async fn vm_retry(&self, actor: &Actor, name: &str) -> Result<VmView, ControlError> {
        self.vm_ask(actor, name, Verb::Retry).await
    }

    /// Removes it for good.
    pub async fn vm_delete(&self, actor: &Actor, name: &str) -> Result<(), ControlError> {
        self.vm_ask(actor, name, Verb::Delete).await.map(drop)
    }

    async fn vm_ask(&self, actor: &Actor, name: &str, verb: Verb) -> Result<VmView, ControlError> {
        for _ in 0..ATTEMPTS {
            let row = self.vm_own(actor, name).await?;
            if let Some(after) = self.vm_change(actor, &row, verb).await? {
                return Ok(self.vm_view(&after));
            }
        }
        Err(ControlError::Raced(name.to_owned()))
    }

    /// Writes what the verb makes of the row. The row after it; None when somebody else changed
    /// what is desired at the same time.
    pub(super) async fn vm_change(
        &self,
        actor: &Actor,
        row: &VmRow,
        verb: Verb,
    ) -> Result<Option<VmRow>, ControlError> {
        let Some(after) = request(row, verb, self.vm_is_up(row), clock::now())? else {
            return Ok(Some(row.clone()));
        };
        let is_free = after.desired == DesiredState::Running && self.vm_is_free(row).await;
        let Some(after) = self
            .vm_change_commit(actor, row, after, verb, is_free)
            .await?
        else {
            return Ok(None);
        };
        if after.node_id != row.node_id {
            self.vm_released(row);
        }
        self.wake_vm(after.node_id.as_deref(), &after.id);
        self.tell(Some(&after.owner_id));
        tracing::info!(
            vm = after.name,
            owner = after.owner,
            vm_id = after.id,
            "{}: {} {}/{}",
            actor.name,
            verb.kind(),
            after.owner,
            after.name
        );
        fail_point(&format!("{}:before_answer", verb.kind()));
        Ok(Some(after))
    }

    async fn vm_change_commit(
        &self,
        actor: &Actor,
        row: &VmRow,
        mut after: VmRow,
        verb: Verb,
        is_free: bool,
    ) -> Result<Option<VmRow>, ControlError> {
        let mut tx = self.write_as(actor).await?;
        if is_free {
            self.vm_replace(&mut tx, row, &mut after).await?;
        }
        if !vm_write(&mut tx, row, &after).await? {
            return Ok(None);
        }
        let event = NewEvent::new(
            verb.kind(),
            Some(actor),
            SubjectKind::Vm,
            &row.id,
            &row.name,
        );
        event_insert(&mut tx, &event.owner(&row.owner_id)).await?;
        if verb == Verb::Delete && row.node_id.is_none() {
            // No node has anything of it.
            vm_purge(&mut tx, &row.id).await?;
            user_purge(&mut tx, &row.owner_id).await?;
        }
        fail_point(&format!("{}:before_commit", verb.kind()));
        tx.commit().await?;
        fail_point(&format!("{}:after_commit", verb.kind()));
        Ok(Some(after))
    }

    /// True where it may be made on any node: it is on none, or it failed before its container was ever seen and
    /// its node says now that none has run. A node that does not answer may have one that nobody has heard of,
    /// and a row of an old copy knows nothing of the files of one that has run.
    async fn vm_is_free(&self, row: &VmRow) -> bool {
        let (Some(node_id), Ok(id)) = (row.node_id.as_deref(), row.id.parse()) else {
            return true;
        };
        let entry = self.0.registry.get(node_id).filter(|_| is_unmade(row));
        let answers = |entry: &Arc<NodeEntry>| {
            entry.with_state(|state| !matches!(state.health, NodeHealth::Unreachable { .. }))
        };
        let Some(entry) = entry.filter(answers) else {
            return false;
        };
        match entry.client.vm_get(id).await {
            Ok(report) => matches!(report.power, PowerState::Created | PowerState::Dead),
            Err(error) => error.code() == Some(NodeErrorCode::NotFound),
        }
    }

    fn vm_is_up(&self, row: &VmRow) -> bool {
        let report = self.vm_report(row);
        report.is_some_and(|report| report.power == PowerState::Running)
    }

    /// Picks a node anew.
    async fn vm_replace(
        &self,
        tx: &mut Tx,
        row: &VmRow,
        after: &mut VmRow,
    ) -> Result<(), ControlError> {
        let need = Need {
            cpu_millis: row.cpu_millis,
            memory_mib: row.memory_mib,
            image_ref: row.image_ref.clone(),
            ssh_from: row.ssh_server.map(|_| ssh_from(&row.id)),
        };
        let place = vm_place_anew(tx, row, |nodes| self.place(nodes, &need)).await?;
        let entry = self.0.registry.get(&place.node_id);
        after.node = entry.map(|entry| entry.name.clone());
        after.node_id = Some(place.node_id);
        after.placement_reason = place.reason;
        after.ssh_port = place.ssh_port;
        Ok(())
    }

    /// A VM that is to be made on another node now.
    fn vm_released(&self, row: &VmRow) {
        let Some(node_id) = row.node_id.as_deref() else {
            return;
        };
        let worker = self.lock_workers().get(node_id).cloned();
        if let Some(worker) = worker {
            worker.moved(&row.id);
        }
    }
}

/// Failed before its container was ever seen. Where one was seen, its files are there; a retry that fails too
/// forgets nothing of that.
fn is_unmade(row: &VmRow) -> bool {
    row.state == VmState::Failed && !row.created_once && row.engine_id.is_none()
}

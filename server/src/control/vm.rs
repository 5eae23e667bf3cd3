//! A user's VMs as they are: the list, one with all its details, and waiting for an outcome.

use std::time::Duration;

use app::model::{QuotaUsage, VmDetail, VmList, VmState, VmView};
use tokio::time::{Instant, timeout, timeout_at};

use super::{Control, ControlError, view::usage_points};
use crate::{
    actor::Actor,
    clock,
    db::{
        event::event_newest,
        vm::{VmRow, vm_get, vm_get_any, vm_list, vm_list_any, vm_quota},
    },
};

/// How long a page waits for figures that only the node has; without them it is shown all the same.
const FIGURES: Duration = Duration::from_secs(2);

impl Control {
    /// The user's VMs and quota.
    pub async fn vm_list(&self, actor: &Actor) -> Result<VmList, ControlError> {
        Ok(VmList {
            vms: self.vm_views(actor).await?,
            quota: self.quota(actor).await?,
            as_of: clock::now(),
        })
    }

    /// The same without the quota: one query.
    pub async fn vm_views(&self, actor: &Actor) -> Result<Vec<VmView>, ControlError> {
        let rows = vm_list(&self.0.db, &actor.user_id).await?;
        Ok(rows.iter().map(|row| self.vm_view(row)).collect())
    }

    /// What the user may have, and has; VMs being deleted no longer count. [`ControlError::NoAccount`] where
    /// the account is gone.
    pub(super) async fn quota(&self, actor: &Actor) -> Result<QuotaUsage, ControlError> {
        vm_quota(&self.0.db, &actor.user_id)
            .await?
            .ok_or(ControlError::NoAccount)
    }

    /// Everything about one of the user's VMs.
    pub async fn vm_get(&self, actor: &Actor, name: &str) -> Result<VmDetail, ControlError> {
        let row = self.vm_own(actor, name).await?;
        self.vm_detail(&row).await
    }

    /// One of the user's VMs as a list shows it, without asking its node.
    pub async fn vm_find(&self, actor: &Actor, name: &str) -> Result<VmView, ControlError> {
        let row = self.vm_own(actor, name).await?;
        Ok(self.vm_view(&row))
    }

    /// One of the user's VMs, or for an admin anybody's as `owner/name`.
    pub async fn vm_find_named(&self, actor: &Actor, name: &str) -> Result<VmView, ControlError> {
        let Some((owner, own_name)) = name.split_once('/') else {
            return self.vm_find(actor, name).await;
        };
        let rows = match actor.is_admin() {
            true => vm_list_any(&self.0.db).await?.into(),
            false => vm_list(&self.0.db, &actor.user_id).await?,
        };
        let row = rows
            .iter()
            .find(|row| row.owner == owner && row.name == own_name);
        let row = row.ok_or_else(|| ControlError::not_found("VM", name))?;
        Ok(self.vm_view(row))
    }

    /// Waits until what is wanted of a VM now is so, or has failed; at most so long. None when it is
    /// gone.
    pub async fn vm_settle(
        &self,
        id: &str,
        at_most: Duration,
    ) -> Result<Option<VmView>, ControlError> {
        let deadline = Instant::now() + at_most;
        match vm_get_any(&self.0.db, id).await? {
            Some(row) => self.vm_wait(id, row.generation, deadline).await,
            None => Ok(None),
        }
    }

    /// The row of one of the user's VMs.
    pub(super) async fn vm_own(&self, actor: &Actor, name: &str) -> Result<VmRow, ControlError> {
        vm_get(&self.0.db, &actor.user_id, name)
            .await?
            .ok_or_else(|| ControlError::not_found("VM", name))
    }

    /// Waits until what was desired by that generation of a VM is so, has failed, or was replaced
    /// by another wish; at most until `deadline`. None when the VM is gone.
    pub async fn vm_wait(
        &self,
        id: &str,
        generation: i64,
        deadline: Instant,
    ) -> Result<Option<VmView>, ControlError> {
        let mut changes = self.changes();
        loop {
            let Some(row) = vm_get_any(&self.0.db, id).await? else {
                return Ok(None);
            };
            if row.generation != generation || is_settled(&row) || Instant::now() >= deadline {
                return Ok(Some(self.vm_view(&row)));
            }
            let mine = async {
                while let Ok(change) = changes.recv().await {
                    if change
                        .owner_id
                        .as_deref()
                        .is_none_or(|owner| owner == row.owner_id)
                    {
                        return;
                    }
                }
            };
            // At the deadline the loop answers with what is there.
            let _ = timeout_at(deadline, mine).await;
        }
    }

    /// Everything the VM's page shows; what only its node knows is left out when that is silent.
    pub(super) async fn vm_detail(&self, row: &VmRow) -> Result<VmDetail, ControlError> {
        let vm = self.vm_view(row);
        let entry = row
            .node_id
            .as_deref()
            .and_then(|id| self.0.registry.get(id));
        let (usage, shells) = match (&entry, row.id.parse()) {
            (Some(entry), Ok(id)) if vm.state == VmState::Running => {
                let usage = timeout(FIGURES, entry.client.vm_usage(id));
                let shells = timeout(FIGURES, self.shell_views(row));
                let (usage, shells) = tokio::join!(usage, shells);
                (
                    usage.ok().and_then(Result::ok),
                    shells.ok().and_then(Result::ok),
                )
            }
            // Nobody knows what a VM does whose node is silent; shells end with their VM.
            _ => (None, (vm.state != VmState::Unknown).then(Vec::new)),
        };
        let status = entry.and_then(|entry| entry.state().status);
        let report = self.vm_report(row);
        Ok(VmDetail {
            address: row.address.clone(),
            engine_id: row.engine_id.clone(),
            placement_reason: row.placement_reason.clone(),
            image_ref: row.image_ref.clone(),
            disk_used_bytes: report.and_then(|report| report.usage?.disk_bytes),
            disk_limit_hard: status.is_some_and(|status| status.disk_limit_hard),
            usage: usage_points(&usage.unwrap_or_default(), row.cpu_millis),
            shells,
            ssh: None,
            event: event_newest(&self.0.db, &row.id).await?,
            as_of: clock::now(),
            vm,
        })
    }
}

fn is_settled(row: &VmRow) -> bool {
    match row.state {
        VmState::Running => row.is_ssh_settled(),
        VmState::Stopped | VmState::Failed => true,
        _ => false,
    }
}

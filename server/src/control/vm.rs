//! What users ask of their VMs. Each writes what should be, with its event, in one transaction,
//! and wakes the node's reconciler; the page is live, so nobody waits here.

use std::time::Duration;

use app::model::{
    FlavorView, VmDetail, VmList, VmState, VmView,
    name_check,
};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    Control, ControlError,
    fail_point::fail_point,
    request::{Verb, request},
    view::usage_points,
};
use crate::{
    actor::Actor,
    balancer::placement::{Candidate, Need, NoPlace, place},
    clock,
    config::FlavorConfig,
    db::{
        event::{NewEvent, SubjectKind, event_insert},
        node::NodeAllocation,
        user::user_purge,
        vm::{
            DesiredState, VmPlace, VmRequest, VmRow, vm_get, vm_get_any, vm_list, vm_place_anew,
            vm_purge, vm_quota, vm_reserve, vm_write,
        },
    },
};

/// How long a page waits for figures that only the node has; without them it is shown all the same.
const FIGURES: Duration = Duration::from_secs(2);
/// Attempts when others change the same VM at the same time.
const ATTEMPTS: usize = 5;

impl Control {
    /// The user's VMs and quota.
    pub async fn vm_list(&self, actor: &Actor) -> Result<VmList, ControlError> {
        let rows = vm_list(&self.0.db, &actor.user_id).await?;
        Ok(VmList {
            vms: rows.iter().map(|row| self.vm_view(row)).collect(),
            quota: self.quota(actor).await?,
            as_of: clock::now(),
        })
    }

    pub(super) async fn quota(
        &self,
        actor: &Actor,
    ) -> Result<app::model::QuotaUsage, ControlError> {
        vm_quota(&self.0.db, &actor.user_id).await?.ok_or(ControlError::NoAccount)
    }

    /// Everything about one of the user's VMs.
    pub async fn vm_get(&self, actor: &Actor, name: &str) -> Result<VmDetail, ControlError> {
        let row = self.vm_own(actor, name).await?;
        Ok(self.vm_detail(&row).await)
    }

    /// The row of one of the user's VMs.
    pub(super) async fn vm_own(&self, actor: &Actor, name: &str) -> Result<VmRow, ControlError> {
        vm_get(&self.0.db, &actor.user_id, name)
            .await?
            .ok_or_else(|| ControlError::not_found("VM", name))
    }

    /// Ok when the user could make a VM of that name.
    pub async fn vm_name_check(&self, actor: &Actor, name: &str) -> Result<(), ControlError> {
        check_name(name)?;
        match vm_get(&self.0.db, &actor.user_id, name).await? {
            Some(row) => Err(ControlError::NameTaken(row.name, row.state)),
            None => Ok(()),
        }
    }

    /// Promises a place, and has the VM made there. Answers once that is committed.
    pub async fn vm_create(
        &self,
        actor: &Actor,
        name: &str,
        flavor: &str,
        image: &str,
    ) -> Result<VmView, ControlError> {
        check_name(name)?;
        let flavor = self.flavor(flavor)?;
        let image = self.image_row(image).await?;
        let request = VmRequest {
            owner_id: actor.user_id.clone(),
            name: name.to_owned(),
            flavor: flavor.name.clone(),
            cpu_millis: flavor.cpu_millis,
            memory_mib: flavor.memory_mib,
            disk_gib: flavor.disk_gib,
            image: image.name,
            image_ref: image.reference,
            networks: self.0.networks.count,
        };
        let row = self.vm_commit(actor, &request).await?;
        self.wake_vm(row.node_id.as_deref(), &row.id);
        self.tell(Some(&row.owner_id));
        let node = row.node.as_deref().unwrap_or("-");
        tracing::info!(vm = row.name, owner = row.owner, node, vm_id = row.id, "{} creates {} on {node}", actor.name, row.name);
        fail_point("vm_create:before_answer");
        Ok(self.vm_view(&row))
    }

    async fn vm_commit(&self, actor: &Actor, request: &VmRequest) -> Result<VmRow, ControlError> {
        let mut tx = self.0.db.write_exclusive().await?;
        let need = Need {
            cpu_millis: request.cpu_millis,
            memory_mib: request.memory_mib,
            image_ref: request.image_ref.clone(),
        };
        let row = vm_reserve(&mut tx, request, |nodes| self.place(nodes, &need))
            .await
            .map_err(|error| match ControlError::from(error) {
                ControlError::NameTaken(_, state) => {
                    ControlError::NameTaken(request.name.clone(), state)
                }
                other => other,
            })?;
        let node = row.node.as_deref().unwrap_or_default();
        let detail = format!("{}, {}, on {node}", row.flavor, row.image);
        let event = NewEvent::new("vm_create", Some(actor), SubjectKind::Vm, &row.id, &row.name);
        event_insert(&mut tx, &event.owner(&row.owner_id).detail(detail)).await?;
        fail_point("vm_create:before_commit");
        tx.commit().await?;
        fail_point("vm_create:after_commit");
        Ok(row)
    }

    /// Picks a node from what is promised, as the transaction sees it, and what nodes said last.
    fn place(&self, promised: &[NodeAllocation], need: &Need) -> Result<VmPlace, NoPlace> {
        let candidates: Vec<Candidate> =
            promised.iter().filter_map(|node| self.candidate(node)).collect();
        let placed = place(&candidates, need, self.0.config.placement)?;
        Ok(VmPlace {
            node_id: placed.node_id,
            reason: placed.reason,
        })
    }

    fn candidate(&self, promised: &NodeAllocation) -> Option<Candidate> {
        let state = self.0.registry.get(&promised.node_id)?.state();
        let capacity = state.status.as_ref().map(|status| status.capacity).unwrap_or_default();
        let images = state.status.as_ref().map(|status| status.images.clone());
        let free = state.status.as_ref().map(|status| status.usage.disk_free_percent);
        Some(Candidate {
            id: promised.node_id.clone(),
            name: promised.name.clone(),
            policy: promised.policy,
            health: state.health,
            placed_seq: promised.placed_seq,
            cores: capacity.cores,
            cpu_millis: capacity.cpu_millis,
            cpu_millis_allocated: promised.cpu_millis,
            memory_mib: capacity.memory_mib,
            memory_mib_allocated: promised.memory_mib,
            disk_free_percent: free.unwrap_or_default(),
            images: images.unwrap_or_default(),
        })
    }

    fn flavor(&self, name: &str) -> Result<FlavorConfig, ControlError> {
        let flavors = &self.0.config.flavors;
        flavors.iter().find(|flavor| flavor.name == name).cloned().ok_or_else(|| {
            let names: Vec<&str> = flavors.iter().map(|flavor| flavor.name.as_str()).collect();
            let words = format!("There is no size named {name}. Choose one of: {}.", names.join(", "));
            ControlError::invalid("flavor", "flavor_unknown", words)
        })
    }

    pub async fn vm_start(&self, actor: &Actor, name: &str) -> Result<VmView, ControlError> {
        self.vm_ask(actor, name, Verb::Start).await
    }

    /// Graceful; the disk is kept.
    pub async fn vm_stop(&self, actor: &Actor, name: &str) -> Result<VmView, ControlError> {
        self.vm_ask(actor, name, Verb::Stop).await
    }

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
        let Some(after) = request(row, verb, clock::now())? else {
            return Ok(Some(row.clone()));
        };
        let Some(after) = self.vm_change_commit(actor, row, after, verb).await? else {
            return Ok(None);
        };
        if after.node_id != row.node_id {
            self.vm_released(row);
        }
        self.wake_vm(after.node_id.as_deref(), &after.id);
        self.tell(Some(&after.owner_id));
        tracing::info!(vm = after.name, owner = after.owner, vm_id = after.id, "{}: {} {}/{}", actor.name, verb.kind(), after.owner, after.name);
        fail_point(&format!("{}:before_answer", verb.kind()));
        Ok(Some(after))
    }

    async fn vm_change_commit(
        &self,
        actor: &Actor,
        row: &VmRow,
        mut after: VmRow,
        verb: Verb,
    ) -> Result<Option<VmRow>, ControlError> {
        let mut tx = self.0.db.write_exclusive().await?;
        let nowhere = row.node_id.is_none();
        if after.desired == DesiredState::Running && (nowhere || is_unmade(row)) {
            let need = Need {
                cpu_millis: row.cpu_millis,
                memory_mib: row.memory_mib,
                image_ref: row.image_ref.clone(),
            };
            let place = vm_place_anew(&mut tx, row, |nodes| self.place(nodes, &need)).await?;
            after.node = self.0.registry.get(&place.node_id).map(|entry| entry.name.clone());
            after.node_id = Some(place.node_id);
            after.placement_reason = place.reason;
        }
        if !vm_write(&mut tx, row, &after).await? {
            return Ok(None);
        }
        let event = NewEvent::new(verb.kind(), Some(actor), SubjectKind::Vm, &row.id, &row.name);
        event_insert(&mut tx, &event.owner(&row.owner_id)).await?;
        if verb == Verb::Delete && nowhere {
            // No node has anything of it.
            vm_purge(&mut tx, &row.id).await?;
            user_purge(&mut tx, &row.owner_id).await?;
        }
        fail_point(&format!("{}:before_commit", verb.kind()));
        tx.commit().await?;
        fail_point(&format!("{}:after_commit", verb.kind()));
        Ok(Some(after))
    }

    /// A VM that is to be made on another node now.
    fn vm_released(&self, row: &VmRow) {
        let Some(node_id) = row.node_id.as_deref() else { return };
        let worker = self.lock_workers().get(node_id).cloned();
        if let Some(worker) = worker {
            worker.released(&row.id);
        }
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
            let Some(row) = vm_get_any(&self.0.db, id).await? else { return Ok(None) };
            if row.generation != generation || is_settled(&row) || Instant::now() >= deadline {
                return Ok(Some(self.vm_view(&row)));
            }
            let mine = async {
                while let Ok(change) = changes.recv().await {
                    if change.owner_id.as_deref().is_none_or(|owner| owner == row.owner_id) {
                        return;
                    }
                }
            };
            // At the deadline the loop answers with what is there.
            let _ = timeout_at(deadline, mine).await;
        }
    }

    /// Everything the VM's page shows; what only its node knows is left out when that is silent.
    pub(super) async fn vm_detail(&self, row: &VmRow) -> VmDetail {
        let vm = self.vm_view(row);
        let entry = row.node_id.as_deref().and_then(|id| self.0.registry.get(id));
        let (usage, shells) = match (&entry, row.id.parse()) {
            (Some(entry), Ok(id)) if vm.state == VmState::Running => {
                let usage = timeout(FIGURES, entry.client.vm_usage(id));
                let shells = timeout(FIGURES, self.shell_views(row));
                let (usage, shells) = tokio::join!(usage, shells);
                (usage.ok().and_then(Result::ok), shells.ok().and_then(Result::ok))
            }
            _ => (None, None),
        };
        let status = entry.and_then(|entry| entry.state().status);
        let report = self.vm_report(row);
        VmDetail {
            address: row.address.clone(),
            engine_id: row.engine_id.clone(),
            placement_reason: row.placement_reason.clone(),
            image_ref: row.image_ref.clone(),
            disk_used_bytes: report.and_then(|report| report.usage?.disk_bytes),
            disk_limit_hard: status.is_some_and(|status| status.disk_limit_hard),
            usage: usage_points(&usage.unwrap_or_default(), row.cpu_millis),
            shells: shells.unwrap_or_default(),
            as_of: clock::now(),
            vm,
        }
    }
}

/// Failed before its container was ever seen: any node will do.
fn is_unmade(row: &VmRow) -> bool {
    row.state == VmState::Failed && !row.created_once
}

fn is_settled(row: &VmRow) -> bool {
    matches!(row.state, VmState::Running | VmState::Stopped | VmState::Failed)
}

fn check_name(name: &str) -> Result<(), ControlError> {
    name_check(name).map_err(|words| ControlError::invalid("name", "name_invalid", words))
}

/// A size as the form offers it.
pub(super) fn flavor_view(flavor: &FlavorConfig, unavailable: Option<String>) -> FlavorView {
    FlavorView {
        name: flavor.name.clone(),
        cpu_millis: flavor.cpu_millis,
        memory_mib: flavor.memory_mib,
        disk_gib: flavor.disk_gib,
        unavailable,
    }
}

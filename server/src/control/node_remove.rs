//! A node is forgotten, and what was on it told.

use app::model::VmState;

use super::{Control, ControlError, node::found, node_file};
use crate::{
    actor::Actor,
    clock,
    db::{
        Tx,
        event::{NewEvent, SubjectKind, event_insert},
        node::{NodeRow, node_delete},
        user::user_purge,
        vm::{DesiredState, VmRow, vm_list_by_node_locked, vm_purge, vm_write},
    },
};

impl Control {
    /// Forgets a node. With VMs on it only when `confirm` is its name: they are lost, and their
    /// owners can retry them elsewhere, without their files. Their containers go, where the node answers.
    pub async fn node_remove(
        &self,
        admin: &Actor,
        name: &str,
        confirm: Option<&str>,
    ) -> Result<(), ControlError> {
        let mut tx = self.write_as(admin).await?;
        let row = found(&mut tx, name).await?;
        if row.local && self.is_configured(name) {
            let words = format!(
                "{name} is run by this server: take its port out of the configuration (node_ports) first."
            );
            return Err(ControlError::conflict("node_local", words));
        }
        let vms = vm_list_by_node_locked(&mut tx, &row.id).await?;
        if !vms.is_empty() && confirm.map(str::trim) != Some(name) {
            return Err(would_lose(name, &vms));
        }
        for vm in &vms {
            lose(&mut tx, vm, name).await?;
        }
        node_delete(&mut tx, &row.id).await?;
        let event = NewEvent::new("node_remove", Some(admin), SubjectKind::Node, &row.id, name);
        event_insert(&mut tx, &event.detail(format!("with {} VMs", vms.len()))).await?;
        let ids: Vec<String> = vms.into_iter().map(|vm| vm.id).collect();
        // Before it is done: whatever becomes of the rest, nobody else knows them afterwards.
        let containers: Vec<String> = ids.iter().map(|id| format!(" mc-{id}")).collect();
        tracing::warn!(
            node = name,
            "{} removes {name}; containers there: {}{}",
            admin.name,
            ids.len(),
            containers.concat()
        );
        // In a task of its own: a browser that goes away does not cut it in the middle.
        let removal = tokio::spawn(self.clone().node_removed(tx, row, ids));
        removal.await.map_err(|_| ControlError::Interrupted)?
    }

    /// Commits, and has what was there removed.
    async fn node_removed(
        self,
        tx: Tx,
        node: NodeRow,
        vms: Vec<String>,
    ) -> Result<(), ControlError> {
        // Before the commit: a worker that sees that its row is gone forgets the node by itself.
        let worker = self.lock_workers().get(&node.id).cloned();
        tx.commit().await?;
        self.node_forget(&node.id);
        self.left_over_forget(&node.name);
        if let Some(worker) = worker {
            self.spawn(worker.clear(vms));
        }
        node_file::credential_remove(&self.0.config.data_dir, &node.name)
    }

    /// Talks to it no more. A worker calls it too, whose node has no row any more: whoever removed that may have
    /// been interrupted before this.
    pub(super) fn node_forget(&self, id: &str) {
        self.0.registry.remove(id);
        self.lock_workers().remove(id);
        self.0.fleet.forget_node(id);
        self.tell(None);
    }

    /// True for the name of a node that this server starts (`node-1` for the first port, …).
    pub(super) fn is_configured(&self, name: &str) -> bool {
        (1..=self.0.config.node_ports.len()).any(|number| name == format!("node-{number}"))
    }
}

fn would_lose(name: &str, vms: &[VmRow]) -> ControlError {
    let names: Vec<String> = vms
        .iter()
        .map(|vm| format!("{}/{}", vm.owner, vm.name))
        .collect();
    let words = format!(
        "{name} has {} VMs that would be lost: {}. To remove it all the same, confirm with its name.",
        vms.len(),
        names.join(", ")
    );
    ControlError::conflict("node_has_vms", words)
}

/// A VM whose node is removed: gone if it was to go, else failed until its owner retries it.
async fn lose(tx: &mut Tx, vm: &VmRow, node: &str) -> Result<(), ControlError> {
    if vm.desired == DesiredState::Deleted {
        vm_purge(tx, &vm.id).await?;
        user_purge(tx, &vm.owner_id).await?;
        return Ok(());
    }
    let reason = format!(
        "Its node {node} was removed, and its files with it. Retry makes it anew on another node."
    );
    let after = VmRow {
        node_id: None,
        node: None,
        state: VmState::Failed,
        reason: Some(reason),
        generation: vm.generation + 1,
        created_once: false,
        restart_wanted: false,
        retry_at: None,
        engine_id: None,
        address: None,
        started_at: None,
        changed_at: clock::now(),
        ..vm.clone()
    };
    if !vm_write(tx, vm, &after).await? {
        return Err(ControlError::Raced(vm.name.clone()));
    }
    let event = NewEvent::new("vm_lost", None, SubjectKind::Vm, &vm.id, &vm.name);
    let event = event
        .owner(&vm.owner_id)
        .detail(format!("its node {node} was removed"))
        .failed();
    event_insert(tx, &event).await?;
    Ok(())
}

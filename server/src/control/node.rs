//! Nodes: those this server runs, and those an admin adds.

use std::sync::Arc;

use app::model::{NodePolicy, NodeView, VmState, name_check};

use super::{Control, ControlError, node_file};
use crate::{
    actor::Actor,
    balancer::{NodeAddress, NodeCallError, NodeClient, NodeEntry},
    clock,
    db::{
        Tx,
        event::{NewEvent, SubjectKind, event_insert},
        node::{
            NodeAllocation, NodeRow, node_allocation_list, node_delete, node_get, node_insert,
            node_list, node_local_ensure, node_policy_set,
        },
        user::user_purge,
        vm::{DesiredState, VmRow, vm_list_by_node_in, vm_purge, vm_write},
    },
    secret::Secret,
};

impl Control {
    /// Begins to talk to a node of the database. One whose credential is missing stays
    /// unreachable, and says why.
    pub(super) fn node_take_up(&self, row: &NodeRow) {
        let credential = match node_file::credential_read(&self.0.config.data_dir, &row.name) {
            Ok(Some(credential)) => credential,
            Ok(None) => {
                tracing::warn!(node = row.name, "the credential of {} is missing in the data folder", row.name);
                Secret::default()
            }
            Err(error) => {
                tracing::error!(node = row.name, "{}", super::error::chain(&error));
                Secret::default()
            }
        };
        self.node_register(row, credential);
    }

    fn node_register(&self, row: &NodeRow, credential: Secret) -> Option<Arc<NodeEntry>> {
        let address = NodeAddress {
            url: row.address.clone(),
            credential,
            fingerprint: row.fingerprint.clone(),
        };
        match self.0.registry.add(&row.id, &row.name, row.local, address) {
            Ok(entry) => {
                self.work_on(entry.clone());
                Some(entry)
            }
            Err(error) => {
                tracing::error!(node = row.name, "{} cannot be talked to: {error}", row.name);
                None
            }
        }
    }

    /// A node that this server runs: its row made or brought up to date, and talked to from now on.
    pub async fn node_local_ensure(
        &self,
        name: &str,
        address: &str,
        credential: &str,
    ) -> Result<(), ControlError> {
        let mut tx = self.0.db.write_exclusive().await?;
        let row = node_local_ensure(&mut tx, name, address).await.map_err(|error| {
            match error.is_taken("nodes_address_key", "nodes.address") {
                true => ControlError::Config(format!("another node has the address {address}")),
                false => error.into(),
            }
        })?;
        tx.commit().await?;
        self.node_register(&row, Secret::new(credential));
        Ok(())
    }

    pub async fn node_list(&self, _admin: &Actor) -> Result<Vec<NodeView>, ControlError> {
        self.node_views().await
    }

    pub(super) async fn node_views(&self) -> Result<Vec<NodeView>, ControlError> {
        let rows = node_list(&self.0.db).await?;
        let promised = node_allocation_list(&self.0.db).await?;
        Ok(rows
            .iter()
            .map(|row| self.node_view(row, promised.iter().find(|node| node.node_id == row.id)))
            .collect())
    }

    pub async fn node_get(&self, _admin: &Actor, name: &str) -> Result<NodeView, ControlError> {
        self.node_view_by_name(name).await
    }

    async fn node_view_by_name(&self, name: &str) -> Result<NodeView, ControlError> {
        let views = self.node_views().await?;
        let view = views.into_iter().find(|view| view.name == name);
        view.ok_or_else(|| ControlError::not_found("node", name))
    }

    fn node_view(&self, row: &NodeRow, promised: Option<&NodeAllocation>) -> NodeView {
        let entry = self.0.registry.get(&row.id);
        let state = match entry {
            Some(entry) => entry.state(),
            None => crate::balancer::NodeState::new(self.0.began),
        };
        let status = state.status;
        let capacity = status.as_ref().map(|status| status.capacity).unwrap_or_default();
        let usage = status.as_ref().map(|status| status.usage).unwrap_or_default();
        let of = |read: fn(&NodeAllocation) -> u32| promised.map(read).unwrap_or_default();
        NodeView {
            name: row.name.clone(),
            address: row.address.clone(),
            health: state.health,
            policy: row.policy,
            local: row.local,
            pid: status.as_ref().map(|status| status.pid),
            version: status.as_ref().map(|status| status.version.clone()),
            engine: status.as_ref().map(|status| {
                let version = status.engine.version.as_deref().unwrap_or_default();
                format!("{} {version}", status.engine.kind).trim().to_owned()
            }),
            vms: of(|node| node.vms),
            vms_running: of(|node| node.vms_running),
            cpu_millis: capacity.cpu_millis,
            cpu_millis_allocated: of(|node| node.cpu_millis),
            memory_mib: capacity.memory_mib,
            memory_mib_allocated: of(|node| node.memory_mib),
            memory_mib_used: usage.memory_used_mib,
            disk_free_percent: usage.disk_free_percent,
            load_1m: usage.load_1m,
            seen_at: state.seen_at,
            images: status.map(|status| status.images).unwrap_or_default(),
        }
    }

    /// Adds a node on another host, once it has answered under its name with that credential (and
    /// that certificate).
    pub async fn node_add(
        &self,
        admin: &Actor,
        name: &str,
        address: &str,
        credential: &str,
        fingerprint: Option<&str>,
    ) -> Result<NodeView, ControlError> {
        let row = NodeRow {
            id: uuid::Uuid::now_v7().to_string(),
            name: name.trim().to_owned(),
            address: address.trim().trim_end_matches('/').to_owned(),
            local: false,
            policy: NodePolicy::Schedulable,
            fingerprint: fingerprint.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
            created_at: clock::now(),
        };
        let credential = Secret::new(credential.trim());
        check_answers(&row, &credential).await?;
        let mut tx = self.0.db.write_exclusive().await?;
        node_insert(&mut tx, &row).await.map_err(|error| taken(error, &row))?;
        let event = NewEvent::new("node_add", Some(admin), SubjectKind::Node, &row.id, &row.name);
        event_insert(&mut tx, &event.detail(row.address.as_str())).await?;
        // Before the commit: a row without its credential would never be reached.
        node_file::credential_write(&self.0.config.data_dir, &row.name, &credential)?;
        tx.commit().await?;
        tracing::info!(node = row.name, "{} added {} at {}", admin.name, row.name, row.address);
        self.node_register(&row, credential);
        self.node_view_by_name(&row.name).await
    }

    /// Gives it no new VMs, or some again.
    pub async fn node_cordon(
        &self,
        admin: &Actor,
        name: &str,
        cordoned: bool,
    ) -> Result<NodeView, ControlError> {
        let (policy, kind) = match cordoned {
            true => (NodePolicy::Cordoned, "node_cordon"),
            false => (NodePolicy::Schedulable, "node_uncordon"),
        };
        let mut tx = self.0.db.write_exclusive().await?;
        let row = found(&mut tx, name).await?;
        if row.policy != policy {
            node_policy_set(&mut tx, &row.id, policy).await?;
            let event = NewEvent::new(kind, Some(admin), SubjectKind::Node, &row.id, &row.name);
            event_insert(&mut tx, &event).await?;
            tx.commit().await?;
            self.tell(None);
        }
        self.node_view_by_name(name).await
    }

    /// Forgets a node. With VMs on it only when `confirm` is its name: they are lost, and their
    /// owners can retry them elsewhere, without their files.
    pub async fn node_remove(
        &self,
        admin: &Actor,
        name: &str,
        confirm: Option<&str>,
    ) -> Result<(), ControlError> {
        let mut tx = self.0.db.write_exclusive().await?;
        let row = found(&mut tx, name).await?;
        if row.local && self.is_configured(name) {
            let words = format!("{name} is run by this server: take its port out of the configuration (node_ports) first.");
            return Err(ControlError::conflict("node_local", words));
        }
        let vms = vm_list_by_node_in(&mut tx, &row.id).await?;
        if !vms.is_empty() && confirm.map(str::trim) != Some(name) {
            return Err(would_lose(name, &vms));
        }
        for vm in &vms {
            lose(&mut tx, vm, name).await?;
        }
        node_delete(&mut tx, &row.id).await?;
        let event = NewEvent::new("node_remove", Some(admin), SubjectKind::Node, &row.id, name);
        event_insert(&mut tx, &event.detail(format!("with {} VMs", vms.len()))).await?;
        tx.commit().await?;
        tracing::warn!(node = name, "{} removed {name} with {} VMs", admin.name, vms.len());
        self.0.registry.remove(&row.id);
        self.lock_workers().remove(&row.id);
        self.0.fleet.forget_node(&row.id);
        self.tell(None);
        node_file::credential_remove(&self.0.config.data_dir, name)
    }

    /// True for the name of a node that this server starts (`node-1` for the first port, …).
    fn is_configured(&self, name: &str) -> bool {
        (1..=self.0.config.node_ports.len()).any(|number| name == format!("node-{number}"))
    }
}

async fn found(tx: &mut Tx, name: &str) -> Result<NodeRow, ControlError> {
    node_get(tx, name).await?.ok_or_else(|| ControlError::not_found("node", name))
}

fn taken(error: crate::db::DbError, row: &NodeRow) -> ControlError {
    if error.is_taken("nodes_name_key", "nodes.name") {
        let words = format!("There is a node named {} already.", row.name);
        return ControlError::invalid("name", "node_name_taken", words);
    }
    if error.is_taken("nodes_address_key", "nodes.address") {
        let words = format!("Another node has the address {} already.", row.address);
        return ControlError::invalid("address", "node_address_taken", words);
    }
    error.into()
}

/// Asks the node how it is, with what was given.
async fn check_answers(row: &NodeRow, credential: &Secret) -> Result<(), ControlError> {
    name_check(&row.name).map_err(|words| ControlError::invalid("name", "name_invalid", words))?;
    let length = credential.expose().len();
    let printable = credential.expose().bytes().all(|byte| byte.is_ascii_graphic());
    if !(32..=512).contains(&length) || !printable {
        let words = "A credential has 32 to 512 characters without spaces: the content of the node's credential file.";
        return Err(ControlError::invalid("credential", "credential_invalid", words));
    }
    let client = NodeClient::new(NodeAddress {
        url: row.address.clone(),
        credential: credential.clone(),
        fingerprint: row.fingerprint.clone(),
    });
    let client = client.map_err(|error| unusable(&error))?;
    let status = client.status().await.map_err(|error| no_answer(row, &error))?;
    if status.name != row.name {
        let words = format!("The node at {} is named {}: add it by that name.", row.address, status.name);
        return Err(ControlError::invalid("name", "node_name_other", words));
    }
    Ok(())
}

fn unusable(error: &NodeCallError) -> ControlError {
    let words = error.to_string();
    let field = if words.contains("fingerprint") { "fingerprint" } else { "address" };
    ControlError::invalid(field, "node_address_invalid", sentence(&words))
}

fn no_answer(row: &NodeRow, error: &NodeCallError) -> ControlError {
    if error.code() == Some(node_api::error::NodeErrorCode::Unauthorized) {
        let words = format!("The node at {} does not accept this credential.", row.address);
        return ControlError::invalid("credential", "credential_refused", words);
    }
    let field = if error.to_string().contains("certificate") { "fingerprint" } else { "address" };
    let words = format!("The node at {} did not answer as a node: {error}.", row.address);
    ControlError::invalid(field, "node_no_answer", words)
}

fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

fn would_lose(name: &str, vms: &[VmRow]) -> ControlError {
    let names: Vec<String> = vms.iter().map(|vm| format!("{}/{}", vm.owner, vm.name)).collect();
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
    let reason = format!("Its node {node} was removed, and its files with it. Retry makes it anew on another node.");
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
    vm_write(tx, vm, &after).await?;
    let event = NewEvent::new("vm_lost", None, SubjectKind::Vm, &vm.id, &vm.name);
    let event = event.owner(&vm.owner_id).detail(format!("its node {node} was removed")).failed();
    event_insert(tx, &event).await?;
    Ok(())
}

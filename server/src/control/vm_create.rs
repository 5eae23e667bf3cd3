//! A new VM: its name and size checked, its place promised, its row written; the reconciler makes it.

use app::model::{VmView, name_check};

use super::{Control, ControlError, fail_point::fail_point};
use crate::{
    actor::Actor,
    balancer::placement::{Candidate, Need, NoPlace, place},
    config::FlavorConfig,
    db::{
        event::{NewEvent, SubjectKind, event_insert},
        node::NodeAllocation,
        vm::{VmPlace, VmRequest, VmRow, vm_get, vm_get_any, vm_reserve},
    },
};

impl Control {
    /// Ok when the user could make a VM of that name.
    pub async fn vm_name_check(&self, actor: &Actor, name: &str) -> Result<(), ControlError> {
        check_name(name)?;
        check_not_own(actor, name)?;
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
        ssh_publish: bool,
    ) -> Result<VmView, ControlError> {
        let id = uuid::Uuid::now_v7().to_string();
        self.vm_create_as(actor, &id, name, flavor, image, ssh_publish)
            .await
    }

    /// The same under an id that the caller chose (UUIDv7), so that a repeat is harmless: the VM
    /// that has the id already is the answer.
    pub async fn vm_create_as(
        &self,
        actor: &Actor,
        id: &str,
        name: &str,
        flavor: &str,
        image: &str,
        ssh_publish: bool,
    ) -> Result<VmView, ControlError> {
        let made = vm_get_any(&self.0.db, id).await?;
        if let Some(row) = made.filter(|row| row.owner_id == actor.user_id) {
            return Ok(self.vm_view(&row));
        }
        check_name(name)?;
        check_not_own(actor, name)?;
        let flavor = self.flavor(flavor)?;
        let image = self.image_row(image).await?;
        let ssh_server = match ssh_publish {
            true => Some(self.ssh_server(actor, &image).await?),
            false => None,
        };
        let request = VmRequest {
            id: id.to_owned(),
            owner_id: actor.user_id.clone(),
            name: name.to_owned(),
            flavor: flavor.name.clone(),
            cpu_millis: flavor.cpu_millis,
            memory_mib: flavor.memory_mib,
            disk_gib: flavor.disk_gib,
            image: image.name,
            image_ref: image.reference,
            ssh_server,
            networks: self.0.networks.count,
        };
        let row = self.vm_commit(actor, &request).await?;
        self.wake_vm(row.node_id.as_deref(), &row.id);
        self.tell(Some(&row.owner_id));
        let node = row.node.as_deref().unwrap_or("-");
        tracing::info!(
            vm = row.name,
            owner = row.owner,
            node,
            vm_id = row.id,
            "{} creates {} on {node}",
            actor.name,
            row.name
        );
        fail_point("vm_create:before_answer");
        Ok(self.vm_view(&row))
    }

    async fn vm_commit(&self, actor: &Actor, request: &VmRequest) -> Result<VmRow, ControlError> {
        let mut tx = self.0.db.write_exclusive().await?;
        let need = Need {
            cpu_millis: request.cpu_millis,
            memory_mib: request.memory_mib,
            image_ref: request.image_ref.clone(),
            ssh_from: request.ssh_server.map(|_| ssh_from(&request.id)),
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
        let published = row
            .ssh_port
            .map(|port| format!(", its SSH on port {port}"))
            .unwrap_or_default();
        let detail = format!("{}, {}, on {node}{published}", row.flavor, row.image);
        let event = NewEvent::new(
            "vm_create",
            Some(actor),
            SubjectKind::Vm,
            &row.id,
            &row.name,
        );
        event_insert(&mut tx, &event.owner(&row.owner_id).detail(detail)).await?;
        fail_point("vm_create:before_commit");
        tx.commit().await?;
        fail_point("vm_create:after_commit");
        Ok(row)
    }

    /// Picks a node from what is promised, as the transaction sees it, and what nodes said last.
    pub(super) fn place(
        &self,
        promised: &[NodeAllocation],
        need: &Need,
    ) -> Result<VmPlace, NoPlace> {
        let candidates: Vec<Candidate> = promised
            .iter()
            .filter_map(|node| self.candidate(node))
            .collect();
        let placed = place(&candidates, need, self.0.config.placement)?;
        Ok(VmPlace {
            node_id: placed.node_id,
            reason: placed.reason,
            ssh_port: placed.ssh_port,
        })
    }

    /// A node as placement sees it: what is promised there, and what it said last. None where this server
    /// does not talk to it.
    pub(super) fn candidate(&self, promised: &NodeAllocation) -> Option<Candidate> {
        let state = self.0.registry.get(&promised.node_id)?.state();
        let capacity = state
            .status
            .as_ref()
            .map(|status| status.capacity)
            .unwrap_or_default();
        let images = state.status.as_ref().map(|status| status.images.clone());
        let free = state
            .status
            .as_ref()
            .map(|status| status.usage.disk_free_percent);
        let ports = state
            .status
            .as_ref()
            .and_then(|status| status.ssh_ports.as_ref());
        Some(Candidate {
            ssh_ports: ports.map(|ports| (ports.first, ports.last)),
            ssh_ports_taken: promised.ssh_ports.clone(),
            id: promised.node_id.clone(),
            name: promised.name.clone(),
            policy: self.node_policy(&promised.name, promised.policy),
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

    /// The size of that name; the first where none is named, as with images the default.
    fn flavor(&self, name: &str) -> Result<FlavorConfig, ControlError> {
        let flavors = &self.0.config.flavors;
        let found = match name.trim() {
            "" => flavors.first(),
            name => flavors.iter().find(|flavor| flavor.name == name),
        };
        found.cloned().ok_or_else(|| {
            let names: Vec<&str> = flavors.iter().map(|flavor| flavor.name.as_str()).collect();
            let words = format!(
                "There is no size named {name}. Choose one of: {}.",
                names.join(", ")
            );
            ControlError::invalid("flavor", "flavor_unknown", words)
        })
    }
}

/// Where in a node's range the search for a port begins: the last digits of the VM's id, which are random.
pub(super) fn ssh_from(id: &str) -> u32 {
    let tail = id.get(id.len().saturating_sub(8)..).unwrap_or_default();
    u32::from_str_radix(tail, 16).unwrap_or_default()
}

/// By SSH one's own name leads to the lobby, not to a VM.
fn check_not_own(actor: &Actor, name: &str) -> Result<(), ControlError> {
    if name != actor.name {
        return Ok(());
    }
    let words = "A VM cannot have your own name: by SSH that leads to the lobby. Choose another.";
    Err(ControlError::invalid("name", "name_is_account", words))
}

fn check_name(name: &str) -> Result<(), ControlError> {
    name_check(name).map_err(|words| ControlError::invalid("name", "name_invalid", words))
}

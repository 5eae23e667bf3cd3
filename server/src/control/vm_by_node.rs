//! VMs as the demo's clients know them: by the address of the node they live on.

use app::model::VmView;

use super::{Control, ControlError};
use crate::{
    actor::Actor,
    db::{
        node::node_list,
        vm::{vm_list, vm_list_any},
    },
};

/// A node's address, and those of its VMs that the user may see.
pub struct NodeVms {
    /// What the demo's clients send as `server`.
    pub address: String,
    /// Why nothing is known of them now.
    pub trouble: Option<String>,
    /// Each with the engine's short id, once it has one.
    pub vms: Vec<(VmView, Option<String>)>,
}

impl Control {
    /// All nodes with the user's VMs, or for an admin everybody's.
    pub async fn vm_list_by_node(&self, actor: &Actor) -> Result<Vec<NodeVms>, ControlError> {
        let rows = match actor.is_admin() {
            true => vm_list_any(&self.0.db).await?.into(),
            false => vm_list(&self.0.db, &actor.user_id).await?,
        };
        let nodes = node_list(&self.0.db).await?;
        let of = |node_id: &str| {
            let rows = rows.iter();
            rows.filter(|row| row.node_id.as_deref() == Some(node_id))
                .map(|row| (self.vm_view(row), row.engine_id.clone()))
                .collect()
        };
        Ok(nodes
            .into_iter()
            .map(|node| NodeVms {
                trouble: self.node_trouble(&node.id),
                vms: of(&node.id),
                address: node.address,
            })
            .collect())
    }

    /// True when a VM lives on the node of that address.
    pub async fn vm_is_on(&self, vm: &VmView, address: &str) -> Result<bool, ControlError> {
        let nodes = node_list(&self.0.db).await?;
        let address = address.trim_end_matches('/');
        Ok(nodes.iter().any(|node| {
            node.address.trim_end_matches('/') == address && vm.node.as_ref() == Some(&node.name)
        }))
    }
}

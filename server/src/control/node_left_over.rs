//! Local nodes whose ports were taken out of the configuration.

use std::{
    collections::HashSet,
    sync::{MutexGuard, PoisonError},
};

use app::model::NodePolicy;

use super::{Control, ControlError};
use crate::db::node::{node_allocation_list, node_list};

impl Control {
    /// Names and addresses of those that have VMs: these go on until an admin removes the node. None that is
    /// configured no more gets a VM from now on, for as long as this server runs.
    pub async fn node_local_left_over(&self) -> Result<Vec<(String, String)>, ControlError> {
        let mut rows = node_list(&self.0.db).await?;
        rows.retain(|row| row.local && !self.is_configured(&row.name));
        *self.left_over() = rows.iter().map(|row| row.name.clone()).collect();
        let placed = node_allocation_list(&self.0.db).await?;
        rows.retain(|row| {
            let mut placed = placed.iter();
            placed.any(|node| node.node_id == row.id && node.vms > 0)
        });
        let named = rows.into_iter().map(|row| (row.name, row.address));
        Ok(named.collect())
    }

    /// As placement and people see it.
    pub(super) fn node_policy(&self, name: &str, policy: NodePolicy) -> NodePolicy {
        match self.left_over().contains(name) {
            true => NodePolicy::Cordoned,
            false => policy,
        }
    }

    /// Refuses to give VMs to one that is left over.
    pub(super) fn check_configured(&self, name: &str) -> Result<(), ControlError> {
        if !self.left_over().contains(name) {
            return Ok(());
        }
        let words = format!(
            "{name} is in node_ports no more, and so takes no new VMs. Put its port back and start the server again; or \
             remove it."
        );
        Err(ControlError::conflict("node_not_configured", words))
    }

    /// One that is added by this name from now on is another.
    pub(super) fn left_over_forget(&self, name: &str) {
        self.left_over().remove(name);
    }

    fn left_over(&self) -> MutexGuard<'_, HashSet<String>> {
        let left_over = self.0.left_over.lock();
        left_over.unwrap_or_else(PoisonError::into_inner)
    }
}

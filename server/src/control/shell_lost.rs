//! Shells that were lost: closed by their node because nobody used them, say, or gone with the process that held
//! them. Their node tells that there are some, and for 10 minutes says why. So it is asked at once, and the owner
//! finds it among the VM's events, whoever looks at the VM next. Nothing depends on having been told: once a node is
//! back, it is asked about every VM with shells.

use std::time::Duration;

use tokio::time::sleep;
use uuid::Uuid;

use super::{Control, ControlError, error::chain};
use crate::{
    balancer::NodeEntry,
    db::{shell::shell_vm_list_by_node, vm::vm_get_any},
};

/// Between two rounds; what failed is tried again then.
const PAUSE: Duration = Duration::from_secs(2);

impl Control {
    /// Asks the node about the VMs in which shells were lost, for ever.
    pub(super) async fn shell_lost_loop(&self, entry: &NodeEntry) {
        loop {
            for vm_id in entry.lost_shells().await {
                let is_known = self.shell_lost_look(vm_id).await.unwrap_or_else(|error| {
                    let words = chain(&error);
                    tracing::warn!(%vm_id, "why shells ended is not known yet: {words}");
                    false
                });
                if !is_known {
                    entry.shell_lost(vm_id);
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// Has the node asked about all its VMs with shells: what it told while it was away, nobody has heard. False
    /// where the database does not say which VMs those are.
    pub(super) async fn shell_lost_all(&self, entry: &NodeEntry) -> bool {
        match shell_vm_list_by_node(&self.0.db, &entry.id).await {
            Ok(vms) => {
                let ids = vms.iter().filter_map(|id| id.parse::<Uuid>().ok());
                ids.for_each(|vm_id| entry.shell_lost(vm_id));
                true
            }
            Err(error) => {
                let (node, words) = (&entry.name, chain(&error));
                tracing::warn!(node, "whether shells were lost is not asked yet: {words}");
                false
            }
        }
    }

    /// False while nobody knows what the VM does: its node is away, or has not told of it yet.
    async fn shell_lost_look(&self, vm_id: Uuid) -> Result<bool, ControlError> {
        let Some(row) = vm_get_any(&self.0.db, &vm_id.to_string()).await? else {
            return Ok(true);
        };
        match self.shell_node(&row) {
            Ok((entry, vm_id)) => self.shell_list(&entry, &row, vm_id).await.map(|_| true),
            Err(ControlError::Conflict {
                code: "vm_unknown", ..
            }) => Ok(false),
            // Its shells have ended with it.
            Err(_) => Ok(true),
        }
    }
}

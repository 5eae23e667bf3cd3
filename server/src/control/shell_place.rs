//! Where shells are: the node of a VM that can have some, and the way to one that is there.

use std::sync::Arc;

use app::model::VmState;
use uuid::Uuid;

use super::{Control, ControlError};
use crate::{
    actor::Actor,
    balancer::{NodeEntry, NodeSocket},
    db::{
        shell::{ShellRow, shell_get, shell_get_any},
        vm::{VmRow, vm_get_any},
    },
};

/// Where a shell is that somebody has the right to attach to.
#[derive(Clone)]
pub struct ShellPlace {
    pub shell_id: String,
    pub vm_id: String,
    /// The VM's name.
    pub vm: String,
    pub(super) entry: Arc<NodeEntry>,
}

impl ShellPlace {
    /// The address of the node that it is on.
    pub fn address(&self) -> &str {
        self.entry.client.address().trim_end_matches('/')
    }
}

impl Control {
    /// The node of a VM that can have shells now.
    pub(super) fn shell_node(&self, row: &VmRow) -> Result<(Arc<NodeEntry>, Uuid), ControlError> {
        let seen = self.vm_view(row);
        let name = &row.name;
        match seen.state {
            VmState::Running => {}
            VmState::Unknown => {
                let why = seen.reason.unwrap_or_default();
                let words = format!("{name} cannot be reached now. {why}");
                return Err(ControlError::conflict("vm_unknown", words));
            }
            state => {
                let todo = match state {
                    VmState::Creating | VmState::Starting => "Wait until it runs.",
                    VmState::Deleting => "It goes, and does not come back.",
                    _ => "Start it first.",
                };
                let state = state.word().to_lowercase();
                let words = format!("{name} is not running ({state}). {todo}");
                return Err(ControlError::conflict("vm_not_running", words));
            }
        }
        let entry = row
            .node_id
            .as_deref()
            .and_then(|id| self.0.registry.get(id));
        match (entry, row.id.parse()) {
            (Some(entry), Ok(id)) => Ok((entry, id)),
            _ => Err(ControlError::not_found("VM", name)),
        }
    }

    /// Where a shell is, for who may attach to it: the VM's owner, and admins, whose coming is an
    /// event that the owner sees.
    pub async fn shell_find(&self, actor: &Actor, id: &str) -> Result<ShellPlace, ControlError> {
        let not_found = || ControlError::not_found("shell", id);
        if let Some(shell) = shell_get(&self.0.db, &actor.user_id, id).await? {
            return self.shell_place(&shell).await;
        }
        if !actor.is_admin() {
            return Err(not_found());
        }
        let shell = shell_get_any(&self.0.db, id).await?.ok_or_else(not_found)?;
        let row = self.vm_any(&shell.vm_id).await?;
        self.shell_tell(actor, &row, &shell.id).await?;
        self.shell_place(&shell).await
    }

    /// The node's side of a shell, for the bridge. `query` is the viewer's, passed on as it came.
    pub async fn shell_attach(
        &self,
        place: &ShellPlace,
        query: &str,
    ) -> Result<NodeSocket, ControlError> {
        let id = place.shell_id.parse();
        let id = id.map_err(|_| ControlError::not_found("shell", &place.shell_id))?;
        let socket = place.entry.client.shell_attach(id, query).await;
        socket.map_err(|error| ControlError::node(&place.entry.name, error))
    }

    /// Where the shell is, whoever asks: rights were looked at before. [`ControlError::NotFound`] where its
    /// VM or its node has gone.
    pub(super) async fn shell_place(&self, shell: &ShellRow) -> Result<ShellPlace, ControlError> {
        let not_found = || ControlError::not_found("shell", &shell.id);
        let row = vm_get_any(&self.0.db, &shell.vm_id)
            .await?
            .ok_or_else(not_found)?;
        let entry = row
            .node_id
            .as_deref()
            .and_then(|id| self.0.registry.get(id));
        Ok(ShellPlace {
            shell_id: shell.id.clone(),
            vm_id: row.id,
            vm: row.name,
            entry: entry.ok_or_else(not_found)?,
        })
    }
}

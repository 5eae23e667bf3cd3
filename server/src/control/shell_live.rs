//! Which shells of a VM live, as its node says. Where rows and node do not agree, each look puts it right.

use app::model::ShellView;
use node_api::shell::ShellReport;
use uuid::Uuid;

use super::{Control, ControlError, shell::view};
use crate::{
    balancer::NodeEntry,
    clock,
    clock::SECOND,
    db::{
        event::{NewEvent, SubjectKind, event_insert},
        shell::{ShellRow, shell_delete, shell_list_by_vm, shell_told_set},
        vm::VmRow,
    },
};

/// A row whose shell its node does not know is kept for so long: it may just be in the making.
const MAKING: i64 = 60 * SECOND;

impl Control {
    /// The VM's live shells, oldest first. Rows that no shell stands for any more are removed, and shells that no
    /// row stands for are closed: a node may have made one after nobody waited for it any more.
    pub(super) async fn shell_list(
        &self,
        entry: &NodeEntry,
        row: &VmRow,
        vm_id: Uuid,
    ) -> Result<Vec<ShellReport>, ControlError> {
        let listed = entry.client.shell_list(vm_id).await;
        let listed = listed.map_err(|error| ControlError::node(&entry.name, error))?;
        // Read after the list: a row is written before its shell is made, so that one without a row is nobody's.
        let known = shell_list_by_vm(&self.0.db, &row.id).await?;
        self.shell_rows_sweep(row, &known, &listed).await?;
        let is_known = |shell: &ShellReport| known.iter().any(|row| row.id == shell.id.to_string());
        let live = listed.into_iter().filter(ShellReport::lives);
        let (mut live, nobodys): (Vec<_>, Vec<_>) = live.partition(is_known);
        self.shells_end(entry, row, nobodys);
        live.sort_by_key(|shell| (shell.created_at, shell.id));
        Ok(live)
    }

    /// Removes the rows of shells of which their node knows no more; until then whoever comes back to one hears from
    /// the node how it ended. Of those that were lost the owner is told why, by an event.
    pub(super) async fn shell_rows_sweep(
        &self,
        row: &VmRow,
        known: &[ShellRow],
        listed: &[ShellReport],
    ) -> Result<(), ControlError> {
        let old = clock::now() - MAKING;
        let report =
            |known: &ShellRow| listed.iter().find(|shell| shell.id.to_string() == known.id);
        let why = |known: &ShellRow| report(known).and_then(|shell| shell.lost.as_deref());
        let untold = known.iter().filter(|known| !known.is_told);
        let lost: Vec<_> = untold
            .filter_map(|known| Some((known, why(known)?)))
            .collect();
        let is_forgotten = |known: &&ShellRow| report(known).is_none() && known.created_at < old;
        let forgotten: Vec<_> = known.iter().filter(is_forgotten).collect();
        if lost.is_empty() && forgotten.is_empty() {
            return Ok(());
        }
        let mut tx = self.0.db.write().await?;
        for (shell, why) in &lost {
            // Several may look at once: one of them tells.
            if shell_told_set(&mut tx, &shell.id).await? {
                event_insert(&mut tx, &lost_event(row, why)).await?;
            }
        }
        for shell in &forgotten {
            shell_delete(&mut tx, &shell.id).await?;
        }
        tx.commit().await?;
        self.told_shells()
            .retain(|(_, told)| !forgotten.iter().any(|shell| shell.id == *told));
        if !lost.is_empty() {
            self.tell(Some(&row.owner_id));
        }
        Ok(())
    }

    /// Closes shells of the VM that nobody can find, behind the answer. What fails is tried at the next look.
    fn shells_end(&self, entry: &NodeEntry, row: &VmRow, nobodys: Vec<ShellReport>) {
        if nobodys.is_empty() {
            return;
        }
        let (client, vm) = (entry.client.clone(), row.name.clone());
        self.spawn(async move {
            for shell in nobodys {
                let shell_id = shell.id;
                match client.shell_close(shell_id).await {
                    Ok(()) => {
                        tracing::warn!(%shell_id, "a shell of {vm} that nobody waited for was closed");
                    }
                    Err(error) => {
                        tracing::warn!(%shell_id, "a shell of {vm} that is nobody's was not closed: {error}");
                    }
                }
            }
        });
    }

    /// The VM's live shells for its page.
    pub(super) async fn shell_views(&self, row: &VmRow) -> Result<Vec<ShellView>, ControlError> {
        let (entry, vm_id) = self.shell_node(row)?;
        let live = self.shell_list(&entry, row, vm_id).await?;
        Ok(live.iter().rev().map(|shell| view(row, shell)).collect())
    }

    /// Ids of the VM's live shells.
    pub(super) async fn shell_ids(&self, row: &VmRow) -> Result<Vec<String>, ControlError> {
        let (entry, vm_id) = match self.shell_node(row) {
            Ok(node) => node,
            // Shells end with their VM.
            Err(ControlError::Conflict {
                code: "vm_not_running",
                ..
            }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let live = self.shell_list(&entry, row, vm_id).await?;
        Ok(live.iter().map(|shell| shell.id.to_string()).collect())
    }

    /// True while that shell of the VM lives.
    pub(super) async fn shell_lives(&self, row: &VmRow, id: &str) -> Result<bool, ControlError> {
        let live = self.shell_ids(row).await?;
        Ok(live.iter().any(|shell| shell == id))
    }
}

fn lost_event(row: &VmRow, why: &str) -> NewEvent {
    NewEvent::new("shell_ended", None, SubjectKind::Vm, &row.id, &row.name)
        .owner(&row.owner_id)
        .detail(why)
}

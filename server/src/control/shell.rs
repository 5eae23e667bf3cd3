//! Shells: opened, found again, closed. The node holds them; a row says which VM each belongs to,
//! so that the right to one is read where every right is. `shell_make` makes one, `shell_place` is the way
//! to it; which of them live, `shell_live` knows.

use std::{
    collections::HashSet,
    sync::{MutexGuard, PoisonError},
};

use app::model::{ShellPage, ShellView};
use node_api::shell::ShellReport;
use uuid::Uuid;

use super::{Control, ControlError, ShellPlace, ShellWish};
use crate::{
    actor::Actor,
    db::{
        event::{NewEvent, SubjectKind, event_insert},
        shell::{shell_delete, shell_get, shell_get_any},
        vm::VmRow,
    },
};

impl Control {
    /// A new shell in one of the user's VMs, to be attached to.
    pub async fn shell_create(
        &self,
        actor: &Actor,
        vm: &str,
        wish: ShellWish,
    ) -> Result<ShellPlace, ControlError> {
        let row = self.vm_own(actor, vm).await?;
        let (entry, vm_id) = self.shell_node(&row)?;
        let id = Uuid::now_v7();
        let shell = self.shell_make(actor, &row, &entry, vm_id, id, wish);
        let shell = shell.await?;
        Ok(ShellPlace {
            shell_id: shell.id.to_string(),
            vm_id: row.id,
            vm: row.name,
            entry,
        })
    }

    /// A new login shell under an id that the caller chose (UUIDv7), so that a repeat is harmless: the shell
    /// of the VM that has the id already is the answer.
    pub async fn shell_create_as(
        &self,
        actor: &Actor,
        id: &str,
        vm: &str,
    ) -> Result<ShellView, ControlError> {
        let row = self.vm_own(actor, vm).await?;
        let (entry, vm_id) = self.shell_node(&row)?;
        let shell_id = id.parse();
        let shell_id = shell_id.map_err(|_| ControlError::not_found("shell", id))?;
        let wish = ShellWish::login();
        let shell = self.shell_make(actor, &row, &entry, vm_id, shell_id, wish);
        Ok(view(&row, &shell.await?))
    }

    /// The VM's newest live shell, or the one named, or a new one when asked for or none is there.
    pub async fn shell_open(
        &self,
        actor: &Actor,
        vm: &str,
        shell: Option<&str>,
        new: bool,
    ) -> Result<ShellPage, ControlError> {
        let row = self.vm_own(actor, vm).await?;
        self.shell_page(actor, &row, shell, new).await
    }

    /// The same in anybody's VM; the owner sees it in the events.
    pub async fn admin_shell_open(
        &self,
        admin: &Actor,
        vm_id: &str,
        shell: Option<&str>,
        new: bool,
    ) -> Result<ShellPage, ControlError> {
        let row = self.vm_any(vm_id).await?;
        self.shell_page(admin, &row, shell, new).await
    }

    async fn shell_page(
        &self,
        actor: &Actor,
        row: &VmRow,
        wanted: Option<&str>,
        new: bool,
    ) -> Result<ShellPage, ControlError> {
        let (entry, vm_id) = self.shell_node(row)?;
        let mut live = self.shell_list(&entry, row, vm_id).await?;
        let at = match wanted {
            _ if new => None,
            Some(id) => Some(
                live.iter()
                    .position(|shell| shell.id.to_string() == id)
                    .ok_or_else(|| ended(row, id))?,
            ),
            None => live.len().checked_sub(1),
        };
        let shell = match at {
            Some(at) => {
                let shell = live.remove(at);
                self.shell_tell(actor, row, &shell.id.to_string()).await?;
                shell
            }
            None => {
                let (id, wish) = (Uuid::now_v7(), ShellWish::login());
                self.shell_make(actor, row, &entry, vm_id, id, wish).await?
            }
        };
        let id = shell.id.to_string();
        Ok(ShellPage {
            watches: self.shell_watches(actor, &id).await?,
            attach: format!("/shells/{}/attach", shell.id),
            shell: view(row, &shell),
            others: live.iter().rev().map(|shell| view(row, shell)).collect(),
        })
    }

    /// Ends one of the user's shells, or one that the user opened as an admin.
    pub async fn shell_close(&self, actor: &Actor, id: &str) -> Result<(), ControlError> {
        let shell = match shell_get(&self.0.db, &actor.user_id, id).await? {
            None if actor.is_admin() => {
                let any = shell_get_any(&self.0.db, id).await?;
                any.filter(|shell| shell.opened_by == actor.user_id)
            }
            own => own,
        };
        let shell = shell.ok_or_else(|| ControlError::not_found("shell", id))?;
        let row = self.vm_any(&shell.vm_id).await?;
        let place = self.shell_place(&shell).await?;
        let shell_id = shell
            .id
            .parse()
            .map_err(|_| ControlError::not_found("shell", id))?;
        // Its row stays for a while when it has ended by itself: then nobody closes it.
        let listed = match row.id.parse() {
            Ok(vm_id) => place
                .entry
                .client
                .shell_list(vm_id)
                .await
                .unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        let had_ended = listed
            .iter()
            .any(|shell| shell.id == shell_id && !shell.lives());
        let closed = place.entry.client.shell_close(shell_id).await;
        closed.map_err(|error| ControlError::node(&place.entry.name, error))?;
        let mut tx = self.0.db.write().await?;
        shell_delete(&mut tx, &shell.id).await?;
        if !had_ended {
            event_insert(&mut tx, &event("shell_close", actor, &row)).await?;
        }
        tx.commit().await?;
        self.told_shells().retain(|(_, told)| *told != shell.id);
        self.tell(Some(&row.owner_id));
        Ok(())
    }

    /// Lets the owner know that somebody else is in this shell, once for each of them.
    pub(super) async fn shell_tell(
        &self,
        actor: &Actor,
        row: &VmRow,
        shell_id: &str,
    ) -> Result<(), ControlError> {
        let pair = (actor.user_id.clone(), shell_id.to_owned());
        if actor.user_id == row.owner_id || self.told_shells().contains(&pair) {
            return Ok(());
        }
        let mut tx = self.0.db.write().await?;
        event_insert(&mut tx, &event("shell_open", actor, row)).await?;
        tx.commit().await?;
        self.told_shells().insert(pair);
        Ok(())
    }

    /// Pairs of user and shell; in memory only, so that a new server tells once more.
    pub(super) fn told_shells(&self) -> MutexGuard<'_, HashSet<(String, String)>> {
        let told = self.0.told_shells.lock();
        told.unwrap_or_else(PoisonError::into_inner)
    }
}

/// An address names a shell for longer than that lives: its page then offers a new one.
fn ended(row: &VmRow, id: &str) -> ControlError {
    match id.parse::<Uuid>() {
        Ok(_) => {
            let words = format!("This shell of {} has ended. Open a new one.", row.name);
            ControlError::conflict("shell_ended", words)
        }
        Err(_) => ControlError::not_found("shell", id),
    }
}

pub(super) fn event(kind: &'static str, actor: &Actor, row: &VmRow) -> NewEvent {
    NewEvent::new(kind, Some(actor), SubjectKind::Vm, &row.id, &row.name).owner(&row.owner_id)
}

/// A shell as pages show it: what its node reports, with the VM's name.
pub(super) fn view(row: &VmRow, shell: &ShellReport) -> ShellView {
    ShellView {
        id: shell.id.to_string(),
        vm: row.name.clone(),
        created_at: shell.created_at,
        active_at: shell.active_at,
        viewers: shell.viewers,
        exit_code: shell.exit_code,
    }
}

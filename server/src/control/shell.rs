//! Shells: opened, found again, closed. The node holds them; a row says which VM each belongs to,
//! so that the right to one is read where every right is. Which of them live, `shell_live` knows.

use std::{
    collections::HashSet,
    sync::{Arc, MutexGuard, PoisonError},
};

use app::model::{ShellPage, ShellView, VmState};
use node_api::{
    error::NodeErrorCode,
    shell::{SHELLS_PER_VM, ShellCreate, ShellReport},
};
use uuid::Uuid;

use super::{Control, ControlError};
use crate::{
    actor::Actor,
    balancer::{NodeCallError, NodeEntry, NodeSocket},
    db::{
        event::{NewEvent, SubjectKind, event_insert},
        shell::{ShellRow, shell_delete, shell_get, shell_get_any, shell_insert},
        vm::{VmRow, vm_get_any},
    },
};

/// The size of a shell that nobody attaches to at once.
const COLS: u16 = 80;
const ROWS: u16 = 24;

/// Where a shell is that somebody has the right to attach to.
#[derive(Clone)]
pub struct ShellPlace {
    pub shell_id: String,
    pub vm_id: String,
    /// The VM's name.
    pub vm: String,
    entry: Arc<NodeEntry>,
}

impl ShellPlace {
    /// The address of the node that it is on.
    pub fn address(&self) -> &str {
        self.entry.client.address().trim_end_matches('/')
    }
}

/// What a new shell is to be.
#[derive(Clone, Debug)]
pub struct ShellWish {
    pub cols: u16,
    pub rows: u16,
    /// It begins with its first viewer's size; the one here is for a shell that nobody attaches to.
    pub at_first_attach: bool,
    /// What root's login shell runs in place of a login.
    pub command: Option<String>,
    pub env: Vec<(String, String)>,
}

impl ShellWish {
    /// A login, at the size of its first viewer.
    fn login() -> Self {
        Self {
            cols: COLS,
            rows: ROWS,
            at_first_attach: true,
            command: None,
            env: Vec::new(),
        }
    }
}

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
                let words = format!(
                    "{name} is not running ({}). Start it first.",
                    state.word().to_lowercase()
                );
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

    /// Row and event first, then the shell: one that nobody has a row for could be nobody's. A shell that has
    /// the id already is made no second time.
    async fn shell_make(
        &self,
        actor: &Actor,
        row: &VmRow,
        entry: &NodeEntry,
        vm_id: Uuid,
        id: Uuid,
        wish: ShellWish,
    ) -> Result<ShellReport, ControlError> {
        let shell_id = id.to_string();
        let mut tx = self.0.db.write().await?;
        match shell_insert(&mut tx, &shell_id, &row.id, &actor.user_id).await {
            Ok(()) => {
                event_insert(&mut tx, &event("shell_open", actor, row)).await?;
                tx.commit().await?;
            }
            Err(error) if error.is_made() => drop(tx),
            Err(error) => return Err(error.into()),
        }
        if actor.user_id != row.owner_id {
            let pair = (actor.user_id.clone(), shell_id.clone());
            self.told_shells().insert(pair);
        }
        let create = ShellCreate {
            id,
            cols: wish.cols,
            rows: wish.rows,
            at_first_attach: wish.at_first_attach,
            command: wish.command,
            env: wish.env,
        };
        match entry.client.shell_create(vm_id, &create).await {
            Ok(shell) => {
                tracing::info!(
                    vm = row.name,
                    owner = row.owner,
                    shell_id,
                    "{} opened a shell in {}/{}",
                    actor.name,
                    row.owner,
                    row.name
                );
                Ok(shell)
            }
            Err(error) => self.shell_unmade(row, entry, id, error).await,
        }
    }

    /// Errs with why the node gave no shell. Where it refused, the row goes. Where it did not answer, it may
    /// make the shell all the same: the row stays, so that who opened it finds it among the others.
    pub(super) async fn shell_unmade(
        &self,
        row: &VmRow,
        entry: &NodeEntry,
        id: Uuid,
        error: NodeCallError,
    ) -> Result<ShellReport, ControlError> {
        let Some(code) = error.code() else {
            return Err(ControlError::node(&entry.name, error));
        };
        let mut tx = self.0.db.write().await?;
        shell_delete(&mut tx, &id.to_string()).await?;
        tx.commit().await?;
        if code == NodeErrorCode::TooMany {
            let open = self.shell_ids(row).await.map_or(0, |open| open.len());
            // Else it is the node that has too many.
            if open >= SHELLS_PER_VM {
                return Err(shells_max(&row.name));
            }
        }
        Err(ControlError::node(&entry.name, error))
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
        let place = self.shell_place(&shell).await?;
        let shell_id = shell
            .id
            .parse()
            .map_err(|_| ControlError::not_found("shell", id))?;
        let closed = place.entry.client.shell_close(shell_id).await;
        closed.map_err(|error| ControlError::node(&place.entry.name, error))?;
        let row = self.vm_any(&shell.vm_id).await?;
        let mut tx = self.0.db.write().await?;
        shell_delete(&mut tx, &shell.id).await?;
        event_insert(&mut tx, &event("shell_close", actor, &row)).await?;
        tx.commit().await?;
        self.told_shells().retain(|(_, told)| *told != shell.id);
        self.tell(Some(&row.owner_id));
        Ok(())
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

    /// Lets the owner know that somebody else is in this shell, once for each of them.
    async fn shell_tell(
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

fn shells_max(vm: &str) -> ControlError {
    let words = format!("{vm} has {SHELLS_PER_VM} shells open. Close one first.");
    ControlError::conflict("shells_max", words)
}

fn event(kind: &'static str, actor: &Actor, row: &VmRow) -> NewEvent {
    NewEvent::new(kind, Some(actor), SubjectKind::Vm, &row.id, &row.name).owner(&row.owner_id)
}

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

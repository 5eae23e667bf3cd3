//! Making a shell: its row, its event, and the call to its node.

use node_api::{
    error::NodeErrorCode,
    shell::{SHELLS_PER_VM, ShellCreate, ShellReport},
};
use uuid::Uuid;

use super::{Control, ControlError, shell::event};
use crate::{
    actor::Actor,
    balancer::{NodeCallError, NodeEntry},
    db::{
        event::event_insert,
        shell::{shell_delete, shell_insert},
        vm::VmRow,
    },
};

/// The size of a shell that nobody attaches to at once.
const COLS: u16 = 80;
const ROWS: u16 = 24;

/// What a new shell is to be.
#[derive(Clone, Debug)]
pub struct ShellWish {
    /// Columns, 1..=500, as the rows.
    pub cols: u16,
    pub rows: u16,
    /// It begins with its first viewer's size; the one here is for a shell that nobody attaches to.
    pub at_first_attach: bool,
    /// What root's login shell runs in place of a login.
    pub command: Option<String>,
    /// Added to the shell's environment.
    pub env: Vec<(String, String)>,
}

impl ShellWish {
    /// A login, at the size of its first viewer.
    pub(super) fn login() -> Self {
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
    /// Row and event first, then the shell: one that nobody has a row for could be nobody's. A shell that has
    /// the id already is made no second time.
    pub(super) async fn shell_make(
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
}

fn shells_max(vm: &str) -> ControlError {
    let words = format!("{vm} has {SHELLS_PER_VM} shells open. Close one first.");
    ControlError::conflict("shells_max", words)
}

//! Shells that were opened: which VM each belongs to. What they are doing, their node knows.

use sqlx::any::AnyRow;

use super::{Db, DbError, Tx, column};
use crate::clock;

/// Written before the shell is made, and kept until somebody finds that its node knows no more of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellRow {
    pub id: String,
    pub vm_id: String,
    /// User id of who opened it.
    pub opened_by: String,
    pub created_at: i64,
    /// Its owner was told that it was lost.
    pub is_told: bool,
}

/// Errors when there is one of that id ([`DbError::is_made`] tells), and with [`DbError::Gone`] when the VM
/// went meanwhile.
pub async fn shell_insert(
    tx: &mut Tx,
    id: &str,
    vm_id: &str,
    opened_by: &str,
) -> Result<(), DbError> {
    sqlx::query("INSERT INTO shells (id, vm_id, opened_by, created_at) VALUES ($1, $2, $3, $4)")
        .bind(id)
        .bind(vm_id)
        .bind(opened_by)
        .bind(clock::now())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The shell of a VM of that owner.
pub async fn shell_get(db: &Db, owner_id: &str, id: &str) -> Result<Option<ShellRow>, DbError> {
    let row = sqlx::query(
        "SELECT s.id, s.vm_id, s.opened_by, s.created_at, s.told_at \
         FROM shells s JOIN vms v ON v.id = s.vm_id \
         WHERE s.id = $1 AND v.owner_id = $2 AND v.desired <> 'deleted'",
    )
    .bind(id)
    .bind(owner_id)
    .fetch_optional(db.pool())
    .await?;
    row.as_ref().map(shell_row).transpose()
}

/// For admins: whoever's it is.
pub async fn shell_get_any(db: &Db, id: &str) -> Result<Option<ShellRow>, DbError> {
    let row = sqlx::query(
        "SELECT s.id, s.vm_id, s.opened_by, s.created_at, s.told_at \
         FROM shells s JOIN vms v ON v.id = s.vm_id \
         WHERE s.id = $1 AND v.desired <> 'deleted'",
    )
    .bind(id)
    .fetch_optional(db.pool())
    .await?;
    row.as_ref().map(shell_row).transpose()
}

/// Those that have ended too, oldest first.
pub async fn shell_list_by_vm(db: &Db, vm_id: &str) -> Result<Vec<ShellRow>, DbError> {
    let rows = sqlx::query(
        "SELECT id, vm_id, opened_by, created_at, told_at FROM shells WHERE vm_id = $1 ORDER BY id",
    )
    .bind(vm_id)
    .fetch_all(db.pool())
    .await?;
    rows.iter().map(shell_row).collect()
}

/// The VMs on a node that have shells, also where those have ended.
pub async fn shell_vm_list_by_node(db: &Db, node_id: &str) -> Result<Vec<String>, DbError> {
    let vms = sqlx::query_scalar(
        "SELECT DISTINCT s.vm_id FROM shells s JOIN vms v ON v.id = s.vm_id WHERE v.node_id = $1",
    );
    Ok(vms.bind(node_id).fetch_all(db.pool()).await?)
}

/// Its invitations and grants go with it. Fine when it is gone.
pub async fn shell_delete(tx: &mut Tx, id: &str) -> Result<(), DbError> {
    sqlx::query("DELETE FROM shells WHERE id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Notes that its owner is told that it was lost. False: the owner has been told, or the shell is gone.
pub async fn shell_told_set(tx: &mut Tx, id: &str) -> Result<bool, DbError> {
    let done = sqlx::query("UPDATE shells SET told_at = $1 WHERE id = $2 AND told_at IS NULL")
        .bind(clock::now())
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Locks the shell's row until the transaction ends. Whoever changes something that hangs on a shell does
/// this first, and locks a user's row after it: as those do who remove a shell, a VM or an account. False:
/// the shell is gone.
pub async fn shell_lock(tx: &mut Tx, id: &str) -> Result<bool, DbError> {
    let done = sqlx::query("UPDATE shells SET created_at = created_at WHERE id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

fn shell_row(row: &AnyRow) -> Result<ShellRow, DbError> {
    Ok(ShellRow {
        id: column::text(row, "id")?,
        vm_id: column::text(row, "vm_id")?,
        opened_by: column::text(row, "opened_by")?,
        created_at: column::int(row, "created_at")?,
        is_told: column::int_or(row, "told_at")?.is_some(),
    })
}

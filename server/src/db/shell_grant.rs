//! Rights of users to shells of others' VMs.

use app::model::ShellMode;
use sqlx::any::AnyRow;

use super::{Db, DbError, Tx, column};

/// A right, with whose it is and whose VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellGrantRow {
    pub id: String,
    pub shell_id: String,
    pub vm_id: String,
    /// The VM's name.
    pub vm: String,
    pub owner_id: String,
    /// The owner's name.
    pub owner: String,
    pub user_id: String,
    /// The name of who may.
    pub user: String,
    pub mode: ShellMode,
    pub created_at: i64,
}

/// Those that hold: their shell, VM, owner and user are there, and the owner's account is open.
macro_rules! select_grant {
    ($rest:literal) => {
        concat!(
            "SELECT g.id, g.shell_id, g.user_id, g.mode, g.created_at, u.name AS user_name, \
                    v.id AS vm_id, v.name AS vm, o.id AS owner_id, o.name AS owner \
             FROM shell_grants g JOIN users u ON u.id = g.user_id \
             JOIN shells s ON s.id = g.shell_id \
             JOIN vms v ON v.id = s.vm_id JOIN users o ON o.id = v.owner_id \
             WHERE v.desired <> 'deleted' AND u.deleted_at IS NULL \
               AND o.disabled = 0 AND o.deleted_at IS NULL ",
            $rest
        )
    };
}

/// By its id, whoever's it is. None: it was taken back, or holds no more.
pub async fn shell_grant_get(db: &Db, id: &str) -> Result<Option<ShellGrantRow>, DbError> {
    let row = sqlx::query(select_grant!("AND g.id = $1"))
        .bind(id)
        .fetch_optional(db.pool())
        .await?;
    row.as_ref().map(grant_row).transpose()
}

/// The right of that user to that shell.
pub async fn shell_grant_find(
    db: &Db,
    shell_id: &str,
    user_id: &str,
) -> Result<Option<ShellGrantRow>, DbError> {
    let row = sqlx::query(select_grant!("AND g.shell_id = $1 AND g.user_id = $2"))
        .bind(shell_id)
        .bind(user_id)
        .fetch_optional(db.pool())
        .await?;
    row.as_ref().map(grant_row).transpose()
}

/// Who may be in a shell, oldest right first.
pub async fn shell_grant_list(db: &Db, shell_id: &str) -> Result<Vec<ShellGrantRow>, DbError> {
    let rows = sqlx::query(select_grant!("AND g.shell_id = $1 ORDER BY g.id"))
        .bind(shell_id)
        .fetch_all(db.pool())
        .await?;
    rows.iter().map(grant_row).collect()
}

/// The shells that others share with a user, newest right first.
pub async fn shell_grant_list_by_user(
    db: &Db,
    user_id: &str,
) -> Result<Vec<ShellGrantRow>, DbError> {
    let rows = sqlx::query(select_grant!("AND g.user_id = $1 ORDER BY g.id DESC"))
        .bind(user_id)
        .fetch_all(db.pool())
        .await?;
    rows.iter().map(grant_row).collect()
}

/// Puts a right in place of the one that the user had to the same shell; answers that one's id.
pub async fn shell_grant_put(tx: &mut Tx, row: &ShellGrantRow) -> Result<Option<String>, DbError> {
    let before =
        sqlx::query("DELETE FROM shell_grants WHERE shell_id = $1 AND user_id = $2 RETURNING id")
            .bind(row.shell_id.as_str())
            .bind(row.user_id.as_str())
            .fetch_optional(&mut **tx)
            .await?;
    sqlx::query(
        "INSERT INTO shell_grants (id, shell_id, user_id, mode, created_at) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(row.id.as_str())
    .bind(row.shell_id.as_str())
    .bind(row.user_id.as_str())
    .bind(row.mode.word())
    .bind(row.created_at)
    .execute(&mut **tx)
    .await?;
    before.map(|row| column::text(&row, "id")).transpose()
}

/// False: it was gone already.
pub async fn shell_grant_delete(tx: &mut Tx, id: &str) -> Result<bool, DbError> {
    let done = sqlx::query("DELETE FROM shell_grants WHERE id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

fn grant_row(row: &AnyRow) -> Result<ShellGrantRow, DbError> {
    Ok(ShellGrantRow {
        id: column::text(row, "id")?,
        shell_id: column::text(row, "shell_id")?,
        vm_id: column::text(row, "vm_id")?,
        vm: column::text(row, "vm")?,
        owner_id: column::text(row, "owner_id")?,
        owner: column::text(row, "owner")?,
        user_id: column::text(row, "user_id")?,
        user: column::text(row, "user_name")?,
        mode: column::word(row, "mode", ShellMode::read)?,
        created_at: column::int(row, "created_at")?,
    })
}

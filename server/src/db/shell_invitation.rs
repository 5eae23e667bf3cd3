//! Invitations to shells that are still open. The link's token is never kept, only its SHA-256.

use app::model::ShellMode;
use sqlx::any::AnyRow;

use super::{Db, DbError, Tx, column};
use crate::secret::Secret;

/// An invitation, with whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellInvitationRow {
    pub id: String,
    pub shell_id: String,
    pub vm_id: String,
    /// The VM's name.
    pub vm: String,
    pub owner_id: String,
    /// The owner's name.
    pub owner: String,
    pub mode: ShellMode,
    pub created_at: i64,
    /// From then on it is closed.
    pub expires_at: i64,
}

/// Those whose shell, VM and owner are there; past their end too.
macro_rules! select_invitation {
    ($rest:literal) => {
        concat!(
            "SELECT i.id, i.shell_id, i.mode, i.created_at, i.expires_at, \
                    v.id AS vm_id, v.name AS vm, o.id AS owner_id, o.name AS owner \
             FROM shell_invitations i JOIN shells s ON s.id = i.shell_id \
             JOIN vms v ON v.id = s.vm_id JOIN users o ON o.id = v.owner_id \
             WHERE v.desired <> 'deleted' AND o.disabled = 0 AND o.deleted_at IS NULL ",
            $rest
        )
    };
}

/// The one that the link with this token leads to, while it is open.
pub async fn shell_invitation_find(
    db: &Db,
    token_hash: &Secret,
    now: i64,
) -> Result<Option<ShellInvitationRow>, DbError> {
    let row = sqlx::query(select_invitation!(
        "AND i.token_hash = $1 AND i.expires_at > $2"
    ))
    .bind(token_hash.expose())
    .bind(now)
    .fetch_optional(db.pool())
    .await?;
    row.as_ref().map(invitation_row).transpose()
}

/// Locks the row of the shell that the link with this token leads to ([`super::shell::shell_lock`]). False:
/// it leads to none.
pub async fn shell_invitation_lock(
    tx: &mut Tx,
    token_hash: &Secret,
    now: i64,
) -> Result<bool, DbError> {
    let done = sqlx::query(
        "UPDATE shells SET created_at = created_at WHERE id = \
         (SELECT shell_id FROM shell_invitations WHERE token_hash = $1 AND expires_at > $2)",
    )
    .bind(token_hash.expose())
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The same, which is then open no more: of two who take it at once, one gets it. To be called with the
/// shell's row locked.
pub async fn shell_invitation_take(
    tx: &mut Tx,
    token_hash: &Secret,
    now: i64,
) -> Result<Option<ShellInvitationRow>, DbError> {
    let row = sqlx::query(select_invitation!(
        "AND i.token_hash = $1 AND i.expires_at > $2"
    ))
    .bind(token_hash.expose())
    .bind(now)
    .fetch_optional(&mut **tx)
    .await?;
    match row.as_ref().map(invitation_row).transpose()? {
        Some(row) => taken(tx, row).await,
        None => Ok(None),
    }
}

/// Removes it; None: somebody was quicker.
async fn taken(
    tx: &mut Tx,
    row: ShellInvitationRow,
) -> Result<Option<ShellInvitationRow>, DbError> {
    let done = sqlx::query("DELETE FROM shell_invitations WHERE id = $1")
        .bind(row.id.as_str())
        .execute(&mut **tx)
        .await?;
    Ok((done.rows_affected() == 1).then_some(row))
}

/// A shell's open invitations, newest first.
pub async fn shell_invitation_list(
    db: &Db,
    shell_id: &str,
    now: i64,
) -> Result<Vec<ShellInvitationRow>, DbError> {
    let rows = sqlx::query(select_invitation!(
        "AND i.shell_id = $1 AND i.expires_at > $2 ORDER BY i.id DESC"
    ))
    .bind(shell_id)
    .bind(now)
    .fetch_all(db.pool())
    .await?;
    rows.iter().map(invitation_row).collect()
}

/// `row` says which shell; whose it is stands there already.
pub async fn shell_invitation_insert(
    tx: &mut Tx,
    row: &ShellInvitationRow,
    token_hash: &Secret,
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO shell_invitations (id, token_hash, shell_id, mode, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(row.id.as_str())
    .bind(token_hash.expose())
    .bind(row.shell_id.as_str())
    .bind(row.mode.word())
    .bind(row.created_at)
    .bind(row.expires_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Withdraws one of an owner's; answers what it was. None: it is not there, or not theirs.
pub async fn shell_invitation_delete(
    tx: &mut Tx,
    owner_id: &str,
    id: &str,
) -> Result<Option<ShellInvitationRow>, DbError> {
    let row = sqlx::query(select_invitation!("AND i.id = $1 AND o.id = $2"))
        .bind(id)
        .bind(owner_id)
        .fetch_optional(&mut **tx)
        .await?;
    match row.as_ref().map(invitation_row).transpose()? {
        Some(row) => taken(tx, row).await,
        None => Ok(None),
    }
}

/// Forgets those of a shell that are past their end. To be called with its row locked.
pub async fn shell_invitation_expire(tx: &mut Tx, shell_id: &str, now: i64) -> Result<(), DbError> {
    sqlx::query("DELETE FROM shell_invitations WHERE shell_id = $1 AND expires_at <= $2")
        .bind(shell_id)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// How often those of a VM's shells are shared that live, as a transaction sees it: links that may be accepted yet, and
/// those that were.
pub async fn shell_share_count(
    tx: &mut Tx,
    vm_id: &str,
    live: &[String],
    now: i64,
) -> Result<usize, DbError> {
    let shared: Vec<String> = sqlx::query_scalar(
        "SELECT i.shell_id FROM shell_invitations i JOIN shells s ON s.id = i.shell_id \
         WHERE s.vm_id = $1 AND i.expires_at > $2 \
         UNION ALL SELECT g.shell_id FROM shell_grants g JOIN shells s ON s.id = g.shell_id WHERE s.vm_id = $1",
    )
    .bind(vm_id)
    .bind(now)
    .fetch_all(&mut **tx)
    .await?;
    Ok(shared.iter().filter(|shell| live.contains(shell)).count())
}

fn invitation_row(row: &AnyRow) -> Result<ShellInvitationRow, DbError> {
    Ok(ShellInvitationRow {
        id: column::text(row, "id")?,
        shell_id: column::text(row, "shell_id")?,
        vm_id: column::text(row, "vm_id")?,
        vm: column::text(row, "vm")?,
        owner_id: column::text(row, "owner_id")?,
        owner: column::text(row, "owner")?,
        mode: column::word(row, "mode", ShellMode::read)?,
        created_at: column::int(row, "created_at")?,
        expires_at: column::int(row, "expires_at")?,
    })
}

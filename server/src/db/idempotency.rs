//! What was answered to requests that carried an Idempotency-Key, so that a repeat gets the same.

use sqlx::any::AnyRow;

use super::{Db, DbError, Tx, column};

/// A key that was used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRow {
    pub request_hash: String,
    pub subject_id: String,
    /// None until it was answered.
    pub status: Option<u16>,
    /// None where the answer is not kept.
    pub answer: Option<String>,
    pub created_at: i64,
}

/// Takes a key; false when the user has used it already.
pub async fn idempotency_insert(
    tx: &mut Tx,
    owner_id: &str,
    name: &str,
    request_hash: &str,
    subject_id: &str,
    now: i64,
) -> Result<bool, DbError> {
    let done = sqlx::query(
        "INSERT INTO idempotency_keys (owner_id, name, request_hash, subject_id, created_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (owner_id, name) DO NOTHING",
    )
    .bind(owner_id)
    .bind(name)
    .bind(request_hash)
    .bind(subject_id)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn idempotency_get(
    db: &Db,
    owner_id: &str,
    name: &str,
) -> Result<Option<IdempotencyRow>, DbError> {
    let row = sqlx::query(
        "SELECT request_hash, subject_id, status, answer, created_at \
         FROM idempotency_keys WHERE owner_id = $1 AND name = $2",
    )
    .bind(owner_id)
    .bind(name)
    .fetch_optional(db.pool())
    .await?;
    row.as_ref().map(idempotency_row).transpose()
}

/// Takes over a key whose request never ended; false when somebody else did.
pub async fn idempotency_take_over(
    tx: &mut Tx,
    owner_id: &str,
    name: &str,
    before: i64,
    now: i64,
) -> Result<bool, DbError> {
    let done = sqlx::query(
        "UPDATE idempotency_keys SET created_at = $1 \
         WHERE owner_id = $2 AND name = $3 AND created_at = $4 AND status IS NULL",
    )
    .bind(now)
    .bind(owner_id)
    .bind(name)
    .bind(before)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps what was answered.
pub async fn idempotency_answer(
    tx: &mut Tx,
    owner_id: &str,
    name: &str,
    status: u16,
    answer: Option<&str>,
) -> Result<(), DbError> {
    sqlx::query(
        "UPDATE idempotency_keys SET status = $1, answer = $2 WHERE owner_id = $3 AND name = $4",
    )
    .bind(i64::from(status))
    .bind(answer)
    .bind(owner_id)
    .bind(name)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Gives a key back: nothing was made under it.
pub async fn idempotency_delete(tx: &mut Tx, owner_id: &str, name: &str) -> Result<(), DbError> {
    sqlx::query("DELETE FROM idempotency_keys WHERE owner_id = $1 AND name = $2")
        .bind(owner_id)
        .bind(name)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Forgets keys from before that time, of everybody.
pub async fn idempotency_expire(tx: &mut Tx, before: i64) -> Result<(), DbError> {
    sqlx::query("DELETE FROM idempotency_keys WHERE created_at < $1")
        .bind(before)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

fn idempotency_row(row: &AnyRow) -> Result<IdempotencyRow, DbError> {
    let status = column::int_or(row, "status")?;
    Ok(IdempotencyRow {
        request_hash: column::text(row, "request_hash")?,
        subject_id: column::text(row, "subject_id")?,
        status: status.and_then(|status| u16::try_from(status).ok()),
        answer: column::text_or(row, "answer")?,
        created_at: column::int(row, "created_at")?,
    })
}

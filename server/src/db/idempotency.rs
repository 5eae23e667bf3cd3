//! What was answered to requests that carried an Idempotency-Key, so that a repeat gets the same.

use sqlx::any::AnyRow;

use super::{Db, DbError, Tx, column};

/// A key that was used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRow {
    /// SHA-256 of what was asked, hex: another request under the same key is told apart by it.
    pub request_hash: String,
    /// The id of what is made under it, chosen with the key.
    pub subject_id: String,
    /// None until it was answered.
    pub status: Option<u16>,
    /// None where the answer is not kept.
    pub answer: Option<String>,
    /// When it was claimed last: who claimed it then answers it, and nobody else.
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

/// A user's key, answered or not; an old one too, until it is expired.
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

/// Keeps what was answered, for whoever claimed the key at `claimed`: a request that was taken for dead
/// and ends after all has no say over the one that took its place.
pub async fn idempotency_answer(
    tx: &mut Tx,
    owner_id: &str,
    name: &str,
    claimed: i64,
    status: u16,
    answer: Option<&str>,
) -> Result<(), DbError> {
    sqlx::query(
        "UPDATE idempotency_keys SET status = $1, answer = $2 \
         WHERE owner_id = $3 AND name = $4 AND created_at = $5",
    )
    .bind(i64::from(status))
    .bind(answer)
    .bind(owner_id)
    .bind(name)
    .bind(claimed)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Gives a key back that was claimed at `claimed`: nothing was made under it.
pub async fn idempotency_delete(
    tx: &mut Tx,
    owner_id: &str,
    name: &str,
    claimed: i64,
) -> Result<(), DbError> {
    sqlx::query(
        "DELETE FROM idempotency_keys WHERE owner_id = $1 AND name = $2 AND created_at = $3",
    )
    .bind(owner_id)
    .bind(name)
    .bind(claimed)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Lets go of a key that was claimed at `claimed` without forgetting what it was for: from now on it was
/// claimed at `then`, and is to be taken over by whoever finds that long ago.
pub async fn idempotency_release(
    tx: &mut Tx,
    owner_id: &str,
    name: &str,
    claimed: i64,
    then: i64,
) -> Result<(), DbError> {
    sqlx::query(
        "UPDATE idempotency_keys SET created_at = $1 \
         WHERE owner_id = $2 AND name = $3 AND created_at = $4",
    )
    .bind(then)
    .bind(owner_id)
    .bind(name)
    .bind(claimed)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::{each_db, user};

    #[tokio::test]
    async fn keys_are_forgotten_when_their_time_is_over_and_not_before() {
        each_db(async |db| {
            let owner = user(&db, "ann", 1).await.user_id;
            let mut tx = db.write().await.unwrap();
            for (name, at) in [("old", 9), ("young", 10)] {
                let made = idempotency_insert(&mut tx, &owner, name, "hash", "vm", at).await;
                assert!(made.unwrap());
            }
            idempotency_expire(&mut tx, 10).await.unwrap();
            tx.commit().await.unwrap();
            for (name, is_there) in [("old", false), ("young", true)] {
                let row = idempotency_get(&db, &owner, name).await.unwrap();
                assert_eq!(row.is_some(), is_there, "{name}");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_key_that_was_let_go_keeps_its_id_for_the_next_attempt() {
        each_db(async |db| {
            let owner = user(&db, "ann", 1).await.user_id;
            let mut tx = db.write().await.unwrap();
            let made = idempotency_insert(&mut tx, &owner, "k", "hash", "vm", 100).await;
            assert!(made.unwrap());
            for (claimed, then) in [(7, 8), (100, 3)] {
                let done = idempotency_release(&mut tx, &owner, "k", claimed, then).await;
                done.unwrap();
            }
            tx.commit().await.unwrap();
            let row = idempotency_get(&db, &owner, "k").await.unwrap().unwrap();
            assert_eq!((row.created_at, row.subject_id.as_str()), (3, "vm"));
        })
        .await;
    }

    #[tokio::test]
    async fn who_was_taken_for_dead_has_no_say_over_the_key_of_its_successor() {
        each_db(async |db| {
            let owner = user(&db, "ann", 1).await.user_id;
            let mut tx = db.write().await.unwrap();
            let made = idempotency_insert(&mut tx, &owner, "k", "hash", "vm", 1).await;
            let early = idempotency_take_over(&mut tx, &owner, "k", 7, 8).await;
            let taken = idempotency_take_over(&mut tx, &owner, "k", 1, 2).await;
            assert_eq!(
                (made.unwrap(), early.unwrap(), taken.unwrap()),
                (true, false, true)
            );
            idempotency_delete(&mut tx, &owner, "k", 1).await.unwrap();
            let dead = idempotency_answer(&mut tx, &owner, "k", 1, 201, Some("dead")).await;
            dead.unwrap();
            tx.commit().await.unwrap();
            let row = idempotency_get(&db, &owner, "k").await.unwrap().unwrap();
            assert_eq!((row.status, row.subject_id.as_str()), (None, "vm"));
            let mut tx = db.write().await.unwrap();
            let alive = idempotency_answer(&mut tx, &owner, "k", 2, 201, Some("alive")).await;
            alive.unwrap();
            let late = idempotency_take_over(&mut tx, &owner, "k", 2, 3).await;
            assert!(!late.unwrap(), "what was answered is nobody's to take over");
            tx.commit().await.unwrap();
            let row = idempotency_get(&db, &owner, "k").await.unwrap().unwrap();
            assert_eq!(
                (row.status, row.answer.as_deref()),
                (Some(201), Some("alive"))
            );
        })
        .await;
    }
}

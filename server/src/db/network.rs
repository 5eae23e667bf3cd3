//! Users' networks: each has the number of one /27 of the configured range, for good.

use super::{DbError, Tx, column};

/// The user's network number, allocated if there is none: the lowest that is free. None when all
/// `count` are taken. Runs in an exclusive transaction, so that no number is given twice.
pub async fn network_ensure(
    tx: &mut Tx,
    user_id: &str,
    count: u32,
) -> Result<Option<u32>, DbError> {
    let row = sqlx::query("SELECT network_index FROM users WHERE id = $1")
        .bind(user_id)
        .fetch_one(&mut **tx)
        .await?;
    if column::int_or(&row, "network_index")?.is_some() {
        return Ok(Some(column::amount(&row, "network_index")?));
    }
    let index = network_free(tx).await?;
    if index >= count {
        return Ok(None);
    }
    sqlx::query("UPDATE users SET network_index = $1 WHERE id = $2")
        .bind(i64::from(index))
        .bind(user_id)
        .execute(&mut **tx)
        .await?;
    Ok(Some(index))
}

/// Gives the user the next free number above `taken`, whose addresses something else has on an engine,
/// if that is still the user's. False when there is none.
pub async fn network_move(
    tx: &mut Tx,
    user_id: &str,
    taken: u32,
    count: u32,
) -> Result<bool, DbError> {
    let row = sqlx::query(
        "SELECT CAST(MIN(above.candidate) AS BIGINT) AS candidate \
         FROM (SELECT network_index + 1 AS candidate FROM users WHERE network_index >= $1) above \
         WHERE NOT EXISTS (SELECT 1 FROM users WHERE network_index = above.candidate)",
    )
    .bind(i64::from(taken))
    .fetch_one(&mut **tx)
    .await?;
    let Some(index) = column::int_or(&row, "candidate")?.filter(|index| *index < i64::from(count))
    else {
        return Ok(false);
    };
    let moved =
        sqlx::query("UPDATE users SET network_index = $1 WHERE id = $2 AND network_index = $3")
            .bind(index)
            .bind(user_id)
            .bind(i64::from(taken))
            .execute(&mut **tx)
            .await?;
    Ok(moved.rows_affected() > 0)
}

async fn network_free(tx: &mut Tx) -> Result<u32, DbError> {
    let row = sqlx::query(
        "SELECT CAST(MIN(free.candidate) AS BIGINT) AS candidate \
         FROM (SELECT 0 AS candidate \
               UNION ALL SELECT network_index + 1 FROM users WHERE network_index IS NOT NULL) free \
         WHERE NOT EXISTS (SELECT 1 FROM users WHERE network_index = free.candidate)",
    )
    .fetch_one(&mut **tx)
    .await?;
    column::amount(&row, "candidate")
}

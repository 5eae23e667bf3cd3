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
    let index = network_free(tx, 0).await?;
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

/// Gives the user a free number `further` above `taken`, whose addresses something else has on an engine, if that is
/// still the user's; the next one where there are not as many. False when there is none.
pub async fn network_move(
    tx: &mut Tx,
    user_id: &str,
    taken: u32,
    further: u32,
    count: u32,
) -> Result<bool, DbError> {
    let mut index = network_free(tx, taken.saturating_add(further)).await?;
    if index >= count {
        index = network_free(tx, taken.saturating_add(1)).await?;
    }
    if index >= count {
        return Ok(false);
    }
    let moved =
        sqlx::query("UPDATE users SET network_index = $1 WHERE id = $2 AND network_index = $3")
            .bind(i64::from(index))
            .bind(user_id)
            .bind(i64::from(taken))
            .execute(&mut **tx)
            .await?;
    Ok(moved.rows_affected() > 0)
}

/// The lowest number from `least` on that nobody has.
async fn network_free(tx: &mut Tx, least: u32) -> Result<u32, DbError> {
    let row = sqlx::query(
        "SELECT CAST(MIN(free.candidate) AS BIGINT) AS candidate \
         FROM (SELECT CAST($1 AS BIGINT) AS candidate \
               UNION ALL SELECT network_index + 1 FROM users WHERE network_index >= $1) free \
         WHERE NOT EXISTS (SELECT 1 FROM users WHERE network_index = free.candidate)",
    )
    .bind(i64::from(least))
    .fetch_one(&mut **tx)
    .await?;
    column::amount(&row, "candidate")
}

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

//! Where users are signed in. The cookie's token is never kept, only its SHA-256.

use sqlx::FromRow;

use super::{Db, DbError, Tx, user::role_parse};
use crate::{actor::Actor, secret::Secret};

/// One place a user is signed in.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct LoginSession {
    pub id: String,
    pub user_id: String,
    pub created_at: i64,
    /// To the minute.
    pub active_at: i64,
    /// Moves on while it is used.
    pub expires_at: i64,
    /// Where it began.
    pub address: String,
    /// In words: "Firefox on Linux".
    pub device: String,
}

/// A login session together with its user, as one request needs them.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub login_session_id: String,
    pub actor: Actor,
    pub must_change_password: bool,
    /// With the password that every new installation has: good on this machine only.
    pub first_start: bool,
    pub active_at: i64,
    pub expires_at: i64,
}

#[derive(FromRow)]
struct SignedInRow {
    id: String,
    user_id: String,
    name: String,
    role: String,
    must_change_password: i64,
    first_start: i64,
    active_at: i64,
    expires_at: i64,
}

/// Whose cookie this is: one query. None when it has expired, was ended, or its user may not.
pub async fn login_session_find(
    db: &Db,
    token_hash: &Secret,
    now: i64,
) -> Result<Option<SignedIn>, DbError> {
    let row: Option<SignedInRow> = sqlx::query_as(
        "SELECT s.id, s.user_id, u.name, u.role, u.must_change_password, u.first_start,
                s.active_at, s.expires_at
         FROM login_sessions s JOIN users u ON u.id = s.user_id
         WHERE s.token_hash = $1 AND s.expires_at > $2
           AND u.disabled = 0 AND u.deleted_at IS NULL",
    )
    .bind(token_hash.expose())
    .bind(now)
    .fetch_optional(db.pool())
    .await?;
    row.map(|row| {
        Ok(SignedIn {
            actor: Actor {
                role: role_parse(&row.role)?,
                user_id: row.user_id,
                name: row.name,
            },
            login_session_id: row.id,
            must_change_password: row.must_change_password != 0,
            first_start: row.first_start != 0,
            active_at: row.active_at,
            expires_at: row.expires_at,
        })
    })
    .transpose()
}

/// True while the login session holds and its user may use it.
pub async fn login_session_alive(db: &Db, id: &str, now: i64) -> Result<bool, DbError> {
    let row: Option<(i64,)> = sqlx::query_as(
        "SELECT s.created_at FROM login_sessions s JOIN users u ON u.id = s.user_id
         WHERE s.id = $1 AND s.expires_at > $2 AND u.disabled = 0 AND u.deleted_at IS NULL",
    )
    .bind(id)
    .bind(now)
    .fetch_optional(db.pool())
    .await?;
    Ok(row.is_some())
}

/// A user's login sessions that have not expired, last used first.
pub async fn login_session_list(
    db: &Db,
    user_id: &str,
    now: i64,
) -> Result<Vec<LoginSession>, DbError> {
    let rows = sqlx::query_as(
        "SELECT id, user_id, created_at, active_at, expires_at, address, device
         FROM login_sessions WHERE user_id = $1 AND expires_at > $2
         ORDER BY active_at DESC, id DESC",
    )
    .bind(user_id)
    .bind(now)
    .fetch_all(db.pool())
    .await?;
    Ok(rows)
}

/// True when the user is signed in from that address: a place known to be theirs.
pub async fn login_session_address_known(
    db: &Db,
    user_id: &str,
    address: &str,
) -> Result<bool, DbError> {
    let row: Option<(i64,)> = sqlx::query_as(
        "SELECT created_at FROM login_sessions WHERE user_id = $1 AND address = $2 LIMIT 1",
    )
    .bind(user_id)
    .bind(address)
    .fetch_optional(db.pool())
    .await?;
    Ok(row.is_some())
}

/// Errors with [`DbError::Gone`] when the user's row was removed meanwhile.
pub async fn login_session_insert(
    tx: &mut Tx,
    session: &LoginSession,
    token_hash: &Secret,
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO login_sessions
             (id, token_hash, user_id, created_at, active_at, expires_at, address, device)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&session.id)
    .bind(token_hash.expose())
    .bind(&session.user_id)
    .bind(session.created_at)
    .bind(session.active_at)
    .bind(session.expires_at)
    .bind(&session.address)
    .bind(&session.device)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Notes that it was used, and until when it holds now.
pub async fn login_session_active(
    tx: &mut Tx,
    id: &str,
    active_at: i64,
    expires_at: i64,
) -> Result<(), DbError> {
    sqlx::query("UPDATE login_sessions SET active_at = $1, expires_at = $2 WHERE id = $3")
        .bind(active_at)
        .bind(expires_at)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Gives it another token; the old cookie is worth nothing from then on. False: it is gone.
pub async fn login_session_rotate(
    tx: &mut Tx,
    id: &str,
    token_hash: &Secret,
) -> Result<bool, DbError> {
    let done = sqlx::query("UPDATE login_sessions SET token_hash = $1 WHERE id = $2")
        .bind(token_hash.expose())
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends one of a user's login sessions. False: it is not there, or not theirs.
pub async fn login_session_delete(tx: &mut Tx, user_id: &str, id: &str) -> Result<bool, DbError> {
    let done = sqlx::query("DELETE FROM login_sessions WHERE id = $1 AND user_id = $2")
        .bind(id)
        .bind(user_id)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends all of a user's login sessions but `keep`; answers those that ended.
pub async fn login_session_delete_all(
    tx: &mut Tx,
    user_id: &str,
    keep: Option<&str>,
) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> =
        sqlx::query_as("DELETE FROM login_sessions WHERE user_id = $1 AND id <> $2 RETURNING id")
            .bind(user_id)
            .bind(keep.unwrap_or_default())
            .fetch_all(&mut **tx)
            .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Ends the longest unused ones beyond `max`, and all that have expired; answers those that ended.
pub async fn login_session_trim(
    tx: &mut Tx,
    user_id: &str,
    max: i64,
    now: i64,
) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "DELETE FROM login_sessions
         WHERE user_id = $1 AND (expires_at <= $2 OR id NOT IN (
             SELECT id FROM login_sessions WHERE user_id = $1
             ORDER BY active_at DESC, id DESC LIMIT $3))
         RETURNING id",
    )
    .bind(user_id)
    .bind(now)
    .bind(max)
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Removes what has expired, of everybody.
pub async fn login_session_expire(tx: &mut Tx, now: i64) -> Result<u64, DbError> {
    let done = sqlx::query("DELETE FROM login_sessions WHERE expires_at <= $1")
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected())
}

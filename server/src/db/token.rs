//! API tokens. The secret is never kept, only its SHA-256.

use sqlx::any::AnyRow;

use super::{Db, DbError, Tx, column, user::role_parse};
use crate::{actor::Actor, scope::Scopes, secret::Secret};

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    pub id: String,
    pub user_id: String,
    /// For people: where it is used. Several may have the same.
    pub name: String,
    pub scopes: Scopes,
    pub created_at: i64,
    /// None: it does not end by itself.
    pub expires_at: Option<i64>,
    /// To the minute; None: never.
    pub used_at: Option<i64>,
}

/// A token together with its user, as one request needs them.
#[derive(Clone, Debug)]
pub struct TokenUser {
    pub token: TokenRow,
    pub actor: Actor,
    pub must_change_password: bool,
}

/// Whose token this is: one query. None when it has expired, was revoked, or its user may not.
pub async fn token_find(
    db: &Db,
    token_hash: &Secret,
    now: i64,
) -> Result<Option<TokenUser>, DbError> {
    let row = sqlx::query(
        "SELECT t.id, t.user_id, t.name, t.scopes, t.created_at, t.expires_at, t.used_at, \
                u.name AS user_name, u.role, u.must_change_password \
         FROM tokens t JOIN users u ON u.id = t.user_id \
         WHERE t.token_hash = $1 AND (t.expires_at IS NULL OR t.expires_at > $2) \
           AND u.disabled = 0 AND u.deleted_at IS NULL AND u.first_start = 0",
    )
    .bind(token_hash.expose())
    .bind(now)
    .fetch_optional(db.pool())
    .await?;
    row.as_ref().map(token_user).transpose()
}

fn token_user(row: &AnyRow) -> Result<TokenUser, DbError> {
    let token = token_row(row)?;
    Ok(TokenUser {
        actor: Actor {
            user_id: token.user_id.clone(),
            name: column::text(row, "user_name")?,
            role: role_parse(&column::text(row, "role")?)?,
        },
        must_change_password: column::flag(row, "must_change_password")?,
        token,
    })
}

/// True while the token holds and its user may use it.
pub async fn token_alive(db: &Db, id: &str, now: i64) -> Result<bool, DbError> {
    let row = sqlx::query(
        "SELECT t.id FROM tokens t JOIN users u ON u.id = t.user_id \
         WHERE t.id = $1 AND (t.expires_at IS NULL OR t.expires_at > $2) \
           AND u.disabled = 0 AND u.deleted_at IS NULL AND u.must_change_password = 0",
    )
    .bind(id)
    .bind(now)
    .fetch_optional(db.pool())
    .await?;
    Ok(row.is_some())
}

/// A user's tokens, newest first; those that have expired too.
pub async fn token_list(db: &Db, user_id: &str) -> Result<Vec<TokenRow>, DbError> {
    let rows = sqlx::query(
        "SELECT id, user_id, name, scopes, created_at, expires_at, used_at \
         FROM tokens WHERE user_id = $1 ORDER BY id DESC",
    )
    .bind(user_id)
    .fetch_all(db.pool())
    .await?;
    rows.iter().map(token_row).collect()
}

/// How many tokens a user has, as a transaction sees it.
pub async fn token_count(tx: &mut Tx, user_id: &str) -> Result<i64, DbError> {
    let row =
        sqlx::query("SELECT CAST(COUNT(id) AS BIGINT) AS tokens FROM tokens WHERE user_id = $1")
            .bind(user_id)
            .fetch_one(&mut **tx)
            .await?;
    column::int(&row, "tokens")
}

/// Not used yet, whatever `token` says.
pub async fn token_insert(
    tx: &mut Tx,
    token: &TokenRow,
    token_hash: &Secret,
) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO tokens (id, token_hash, user_id, name, scopes, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(token.id.as_str())
    .bind(token_hash.expose())
    .bind(token.user_id.as_str())
    .bind(token.name.as_str())
    .bind(token.scopes.words())
    .bind(token.created_at)
    .bind(token.expires_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Notes that it was used.
pub async fn token_used(tx: &mut Tx, id: &str, at: i64) -> Result<(), DbError> {
    sqlx::query("UPDATE tokens SET used_at = $1 WHERE id = $2")
        .bind(at)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Revokes one of a user's tokens; answers its name. None: it is not there, or not theirs.
pub async fn token_delete(tx: &mut Tx, user_id: &str, id: &str) -> Result<Option<String>, DbError> {
    let row = sqlx::query("DELETE FROM tokens WHERE id = $1 AND user_id = $2 RETURNING name")
        .bind(id)
        .bind(user_id)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(|row| column::text(&row, "name")).transpose()
}

fn token_row(row: &AnyRow) -> Result<TokenRow, DbError> {
    Ok(TokenRow {
        id: column::text(row, "id")?,
        user_id: column::text(row, "user_id")?,
        name: column::text(row, "name")?,
        scopes: column::word(row, "scopes", Scopes::parse)?,
        created_at: column::int(row, "created_at")?,
        expires_at: column::int_or(row, "expires_at")?,
        used_at: column::int_or(row, "used_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::{each_db, user};

    #[tokio::test]
    async fn a_token_is_nobodys_from_its_last_moment_on() {
        each_db(async |db| {
            let ann = user(&db, "ann", 1).await;
            let hash = Secret::new("hash");
            let row = TokenRow {
                id: "t1".into(),
                user_id: ann.user_id,
                name: "ci".into(),
                scopes: Scopes::ALL,
                created_at: 1,
                expires_at: Some(10),
                used_at: None,
            };
            let mut tx = db.write().await.unwrap();
            token_insert(&mut tx, &row, &hash).await.unwrap();
            tx.commit().await.unwrap();
            for (now, is_there) in [(9, true), (10, false), (11, false)] {
                let found = token_find(&db, &hash, now).await.unwrap();
                assert_eq!(found.is_some(), is_there, "at {now}");
            }
        })
        .await;
    }
}

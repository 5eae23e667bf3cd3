//! SSH public keys of users.

use sqlx::any::AnyRow;

use super::{Db, DbError, Tx, column, user::role_parse};
use crate::actor::Actor;

/// A user's key; several users may have added the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshKeyRow {
    pub id: String,
    pub user_id: String,
    /// `SHA256:…`
    pub fingerprint: String,
    /// Algorithm and key in base64.
    pub public_key: String,
    /// Tells people where the key is; perhaps empty.
    pub comment: String,
    pub created_at: i64,
    /// To the minute; None: never.
    pub used_at: Option<i64>,
    /// When its owner named this user at a sign-in.
    pub confirmed_at: Option<i64>,
}

/// A key together with one user who can sign in with it.
#[derive(Clone, Debug)]
pub struct SshKeyUser {
    pub key: SshKeyRow,
    /// An open account that has no password to change first.
    pub actor: Actor,
}

/// Users that one key can serve; more are not looked at.
const USERS_MAX: i64 = 64;

/// Everybody who may sign in with the key of that fingerprint now, or the one of that name, the
/// confirmed first and by name: one query over an index, whoever asks and whatever is found.
pub async fn ssh_key_find(
    db: &Db,
    fingerprint: &str,
    account: Option<&str>,
) -> Result<Vec<SshKeyUser>, DbError> {
    let rows = sqlx::query(
        "SELECT k.id, k.user_id, k.fingerprint, k.public_key, k.comment, k.created_at, k.used_at, k.confirmed_at, \
                u.name AS user_name, u.role \
         FROM ssh_keys k JOIN users u ON u.id = k.user_id \
         WHERE k.fingerprint = $1 AND u.disabled = 0 AND u.deleted_at IS NULL \
           AND u.first_start = 0 AND u.must_change_password = 0 AND ($2 = '' OR u.name = $3) \
         ORDER BY CASE WHEN k.confirmed_at IS NULL THEN 1 ELSE 0 END, u.name LIMIT $4",
    )
    .bind(fingerprint)
    .bind(account.unwrap_or_default())
    .bind(account.unwrap_or_default())
    .bind(USERS_MAX)
    .fetch_all(db.pool())
    .await?;
    rows.iter().map(ssh_key_user).collect()
}

fn ssh_key_user(row: &AnyRow) -> Result<SshKeyUser, DbError> {
    let key = ssh_key_row(row)?;
    Ok(SshKeyUser {
        actor: Actor {
            user_id: key.user_id.clone(),
            name: column::text(row, "user_name")?,
            role: role_parse(&column::text(row, "role")?)?,
        },
        key,
    })
}

/// True while the key is there and its user may use it.
pub async fn ssh_key_alive(db: &Db, id: &str) -> Result<bool, DbError> {
    let row = sqlx::query(
        "SELECT k.id FROM ssh_keys k JOIN users u ON u.id = k.user_id \
         WHERE k.id = $1 AND u.disabled = 0 AND u.deleted_at IS NULL \
           AND u.must_change_password = 0",
    )
    .bind(id)
    .fetch_optional(db.pool())
    .await?;
    Ok(row.is_some())
}

/// A user's keys, newest first.
pub async fn ssh_key_list(db: &Db, user_id: &str) -> Result<Vec<SshKeyRow>, DbError> {
    let rows = sqlx::query(
        "SELECT id, user_id, fingerprint, public_key, comment, created_at, used_at, confirmed_at \
         FROM ssh_keys WHERE user_id = $1 ORDER BY id DESC",
    )
    .bind(user_id)
    .fetch_all(db.pool())
    .await?;
    rows.iter().map(ssh_key_row).collect()
}

/// The same as a transaction sees it.
pub async fn ssh_key_list_in(tx: &mut Tx, user_id: &str) -> Result<Vec<SshKeyRow>, DbError> {
    let rows = sqlx::query(
        "SELECT id, user_id, fingerprint, public_key, comment, created_at, used_at, confirmed_at \
         FROM ssh_keys WHERE user_id = $1 ORDER BY id DESC",
    )
    .bind(user_id)
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(ssh_key_row).collect()
}

/// Neither used nor confirmed yet, whatever `key` says. [`DbError::Taken`] where the user has it already.
pub async fn ssh_key_insert(tx: &mut Tx, key: &SshKeyRow) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO ssh_keys (id, user_id, fingerprint, public_key, comment, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(key.id.as_str())
    .bind(key.user_id.as_str())
    .bind(key.fingerprint.as_str())
    .bind(key.public_key.as_str())
    .bind(key.comment.as_str())
    .bind(key.created_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Its owner has named this user.
pub async fn ssh_key_confirm(tx: &mut Tx, id: &str, at: i64) -> Result<(), DbError> {
    sqlx::query("UPDATE ssh_keys SET confirmed_at = $1 WHERE id = $2 AND confirmed_at IS NULL")
        .bind(at)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Notes that it was used.
pub async fn ssh_key_used(tx: &mut Tx, id: &str, at: i64) -> Result<(), DbError> {
    sqlx::query("UPDATE ssh_keys SET used_at = $1 WHERE id = $2")
        .bind(at)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Removes one of a user's keys. None: it is not there, or not theirs.
pub async fn ssh_key_delete(
    tx: &mut Tx,
    user_id: &str,
    id: &str,
) -> Result<Option<SshKeyRow>, DbError> {
    let row = sqlx::query(
        "DELETE FROM ssh_keys WHERE id = $1 AND user_id = $2 \
         RETURNING id, user_id, fingerprint, public_key, comment, created_at, used_at, confirmed_at",
    )
    .bind(id)
    .bind(user_id)
    .fetch_optional(&mut **tx)
    .await?;
    row.as_ref().map(ssh_key_row).transpose()
}

fn ssh_key_row(row: &AnyRow) -> Result<SshKeyRow, DbError> {
    Ok(SshKeyRow {
        id: column::text(row, "id")?,
        user_id: column::text(row, "user_id")?,
        fingerprint: column::text(row, "fingerprint")?,
        public_key: column::text(row, "public_key")?,
        comment: column::text(row, "comment")?,
        created_at: column::int(row, "created_at")?,
        used_at: column::int_or(row, "used_at")?,
        confirmed_at: column::int_or(row, "confirmed_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::{each_db, user};

    fn key(id: &str, user_id: &str) -> SshKeyRow {
        SshKeyRow {
            id: id.into(),
            user_id: user_id.into(),
            fingerprint: "SHA256:abc".into(),
            public_key: "ssh-ed25519 AAAA".into(),
            comment: "laptop".into(),
            created_at: 1,
            used_at: None,
            confirmed_at: None,
        }
    }

    #[tokio::test]
    async fn one_key_is_found_for_all_its_users_and_for_none_who_is_disabled() {
        each_db(async |db| {
            let (ann, bob) = (user(&db, "ann", 1).await, user(&db, "bob", 1).await);
            let mut tx = db.write().await.unwrap();
            ssh_key_insert(&mut tx, &key("k1", &ann.user_id))
                .await
                .unwrap();
            ssh_key_insert(&mut tx, &key("k2", &bob.user_id))
                .await
                .unwrap();
            tx.commit().await.unwrap();
            let names = async || -> Vec<String> {
                let found = ssh_key_find(&db, "SHA256:abc", None).await.unwrap();
                found.into_iter().map(|found| found.actor.name).collect()
            };
            assert_eq!(names().await, ["ann", "bob"]);
            let one = ssh_key_find(&db, "SHA256:abc", Some("bob")).await.unwrap();
            assert_eq!(one.len(), 1);
            let mut tx = db.write().await.unwrap();
            ssh_key_confirm(&mut tx, "k2", 5).await.unwrap();
            ssh_key_confirm(&mut tx, "k2", 6).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(names().await, ["bob", "ann"], "the confirmed come first");
            assert!(
                ssh_key_find(&db, "SHA256:abcd", None)
                    .await
                    .unwrap()
                    .is_empty()
            );
            let mut tx = db.write().await.unwrap();
            crate::db::user::user_disabled_set(&mut tx, &bob.user_id, true)
                .await
                .unwrap();
            tx.commit().await.unwrap();
            assert_eq!(names().await, ["ann"]);
            assert!(!ssh_key_alive(&db, "k2").await.unwrap());
            assert!(ssh_key_alive(&db, "k1").await.unwrap());
        })
        .await;
    }

    #[tokio::test]
    async fn a_user_has_a_key_once_and_nobody_elses_is_deleted() {
        each_db(async |db| {
            let (ann, bob) = (user(&db, "ann", 1).await, user(&db, "bob", 1).await);
            let mut tx = db.write().await.unwrap();
            ssh_key_insert(&mut tx, &key("k1", &ann.user_id))
                .await
                .unwrap();
            tx.commit().await.unwrap();
            let mut tx = db.write().await.unwrap();
            let twice = ssh_key_insert(&mut tx, &key("k2", &ann.user_id))
                .await
                .unwrap_err();
            assert!(twice.is_taken("ssh_keys_user_fingerprint_key", "ssh_keys.user_id"));
            drop(tx);
            let mut tx = db.write().await.unwrap();
            assert_eq!(
                ssh_key_delete(&mut tx, &bob.user_id, "k1").await.unwrap(),
                None
            );
            ssh_key_used(&mut tx, "k1", 9).await.unwrap();
            let gone = ssh_key_delete(&mut tx, &ann.user_id, "k1")
                .await
                .unwrap()
                .unwrap();
            assert_eq!((gone.used_at, gone.comment.as_str()), (Some(9), "laptop"));
            tx.commit().await.unwrap();
            assert!(ssh_key_list(&db, &ann.user_id).await.unwrap().is_empty());
        })
        .await;
    }
}

//! Users. Names of deleted accounts stay taken until their last VM is gone and [`user_purge`] ran.

use app::model::{QuotaForm, QuotaUsage, Role};
use sqlx::FromRow;

use super::{Db, DbError, Tx};
use crate::{actor::Actor, secret::Secret};

/// A user that is not deleted. The password's hash is asked for apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: String,
    pub name: String,
    pub role: Role,
    /// The password was given by an admin, or with the installation; nothing else can be done until it is
    /// changed.
    pub must_change_password: bool,
    /// The password is the one that every new installation has.
    pub first_start: bool,
    pub disabled: bool,
    /// What the user may have, and has.
    pub quota: QuotaUsage,
    pub created_at: i64,
    /// Last seen, to the minute; None: never.
    pub active_at: Option<i64>,
}

/// What a new row needs; the rest has its defaults.
#[derive(Clone, Debug)]
pub struct NewUser {
    pub id: String,
    pub name: String,
    pub role: Role,
    /// A PHC string.
    pub password_hash: Secret,
    pub must_change_password: bool,
    pub first_start: bool,
    /// What the user may have.
    pub quota: QuotaForm,
    pub created_at: i64,
}

/// How a row comes out of the database: users beside what their VMs use.
#[derive(FromRow)]
struct Row {
    id: String,
    name: String,
    role: String,
    must_change_password: i64,
    first_start: i64,
    disabled: i64,
    vms_max: i64,
    cpu_millis_max: i64,
    memory_mib_max: i64,
    disk_gib_max: i64,
    created_at: i64,
    active_at: Option<i64>,
    vms: i64,
    cpu_millis: i64,
    memory_mib: i64,
    disk_gib: i64,
}

impl TryFrom<Row> for User {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            role: role_parse(&row.role)?,
            must_change_password: row.must_change_password != 0,
            first_start: row.first_start != 0,
            disabled: row.disabled != 0,
            quota: QuotaUsage {
                vms: figure(row.vms),
                vms_max: figure(row.vms_max),
                cpu_millis: figure(row.cpu_millis),
                cpu_millis_max: figure(row.cpu_millis_max),
                memory_mib: figure(row.memory_mib),
                memory_mib_max: figure(row.memory_mib_max),
                disk_gib: figure(row.disk_gib),
                disk_gib_max: figure(row.disk_gib_max),
            },
            id: row.id,
            name: row.name,
            created_at: row.created_at,
            active_at: row.active_at,
        })
    }
}

/// Users that are not deleted, with what their VMs use (those being deleted no longer count).
macro_rules! select_user {
    ($rest:literal) => {
        concat!(
            "SELECT u.id, u.name, u.role, u.must_change_password, u.first_start, u.disabled,
                    u.vms_max, u.cpu_millis_max, u.memory_mib_max, u.disk_gib_max,
                    u.created_at, u.active_at,
                    COUNT(v.id) AS vms,
                    CAST(COALESCE(SUM(v.cpu_millis), 0) AS BIGINT) AS cpu_millis,
                    CAST(COALESCE(SUM(v.memory_mib), 0) AS BIGINT) AS memory_mib,
                    CAST(COALESCE(SUM(v.disk_gib), 0) AS BIGINT) AS disk_gib
             FROM users u
             LEFT JOIN vms v ON v.owner_id = u.id AND v.desired <> 'deleted'
             WHERE u.deleted_at IS NULL ",
            $rest
        )
    };
}

/// All users, by name.
pub async fn user_list(db: &Db) -> Result<Vec<User>, DbError> {
    let rows: Vec<Row> = sqlx::query_as(select_user!("GROUP BY u.id ORDER BY u.name"))
        .fetch_all(db.pool())
        .await?;
    rows.into_iter().map(User::try_from).collect()
}

/// By id. None: deleted, or never there.
pub async fn user_get(db: &Db, id: &str) -> Result<Option<User>, DbError> {
    let row: Option<Row> = sqlx::query_as(select_user!("AND u.id = $1 GROUP BY u.id"))
        .bind(id)
        .fetch_optional(db.pool())
        .await?;
    row.map(User::try_from).transpose()
}

/// The same by name, which is lower case.
pub async fn user_get_by_name(db: &Db, name: &str) -> Result<Option<User>, DbError> {
    let row: Option<Row> = sqlx::query_as(select_user!("AND u.name = $1 GROUP BY u.id"))
        .bind(name)
        .fetch_optional(db.pool())
        .await?;
    row.map(User::try_from).transpose()
}

/// The hash to hold a typed password against.
pub async fn user_password_hash(db: &Db, id: &str) -> Result<Option<Secret>, DbError> {
    let row: Option<(String,)> =
        sqlx::query_as("SELECT password_hash FROM users WHERE id = $1 AND deleted_at IS NULL")
            .bind(id)
            .fetch_optional(db.pool())
            .await?;
    Ok(row.map(|(hash,)| Secret::new(hash)))
}

/// True when the name is a row's, a deleted account's too.
pub async fn user_name_taken(db: &Db, name: &str) -> Result<bool, DbError> {
    let row: Option<(i64,)> = sqlx::query_as("SELECT created_at FROM users WHERE name = $1")
        .bind(name)
        .fetch_optional(db.pool())
        .await?;
    Ok(row.is_some())
}

/// Rows of whatever kind: 0 only before the first start.
pub async fn user_count(tx: &mut Tx) -> Result<i64, DbError> {
    let (count,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM users")
        .fetch_one(&mut **tx)
        .await?;
    Ok(count)
}

/// The user whose password is still the one every new installation has.
pub async fn user_first_start(db: &Db) -> Result<Option<User>, DbError> {
    let row: Option<Row> = sqlx::query_as(select_user!("AND u.first_start = 1 GROUP BY u.id"))
        .fetch_optional(db.pool())
        .await?;
    row.map(User::try_from).transpose()
}

/// Errors with [`DbError::Taken`] (`users_name_key`, `users.name`) when somebody has the name.
pub async fn user_insert(tx: &mut Tx, user: &NewUser) -> Result<(), DbError> {
    sqlx::query(
        "INSERT INTO users (id, name, role, password_hash, must_change_password, first_start,
                            vms_max, cpu_millis_max, memory_mib_max, disk_gib_max, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(&user.id)
    .bind(&user.name)
    .bind(role_text(user.role))
    .bind(user.password_hash.expose())
    .bind(i64::from(user.must_change_password))
    .bind(i64::from(user.first_start))
    .bind(i64::from(user.quota.vms))
    .bind(i64::from(user.quota.cpu_millis))
    .bind(i64::from(user.quota.memory_mib))
    .bind(i64::from(user.quota.disk_gib))
    .bind(user.created_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes the row's lock and notes that the user signed in, if the hash is still the one that the
/// password was checked against and the account is still open. False: it is not.
pub async fn user_signed_in(
    tx: &mut Tx,
    id: &str,
    hash: &Secret,
    at: i64,
) -> Result<bool, DbError> {
    let done = sqlx::query(
        "UPDATE users SET active_at = $1
         WHERE id = $2 AND password_hash = $3 AND disabled = 0 AND deleted_at IS NULL",
    )
    .bind(at)
    .bind(id)
    .bind(hash.expose())
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Replaces the password, if it is still `old` where that is given. False: it is not.
pub async fn user_password_set(
    tx: &mut Tx,
    id: &str,
    old: Option<&Secret>,
    new: &Secret,
    must_change: bool,
) -> Result<bool, DbError> {
    let done = sqlx::query(
        "UPDATE users SET password_hash = $1, must_change_password = $2, first_start = 0
         WHERE id = $3 AND deleted_at IS NULL AND ($4 = 0 OR password_hash = $5)",
    )
    .bind(new.expose())
    .bind(i64::from(must_change))
    .bind(id)
    .bind(i64::from(old.is_some()))
    .bind(old.map_or("", Secret::expose))
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The row alone: sign-ins, VMs and what is open are for the caller to end.
pub async fn user_disabled_set(tx: &mut Tx, id: &str, disabled: bool) -> Result<(), DbError> {
    sqlx::query("UPDATE users SET disabled = $1 WHERE id = $2")
        .bind(i64::from(disabled))
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Takes effect with the next request; what is open under the old role is for the caller to end.
pub async fn user_role_set(tx: &mut Tx, id: &str, role: Role) -> Result<(), DbError> {
    sqlx::query("UPDATE users SET role = $1 WHERE id = $2")
        .bind(role_text(role))
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// All four limits; what the user has beyond them stays.
pub async fn user_quota_set(tx: &mut Tx, id: &str, quota: QuotaForm) -> Result<(), DbError> {
    sqlx::query(
        "UPDATE users SET vms_max = $1, cpu_millis_max = $2, memory_mib_max = $3, disk_gib_max = $4
         WHERE id = $5",
    )
    .bind(i64::from(quota.vms))
    .bind(i64::from(quota.cpu_millis))
    .bind(i64::from(quota.memory_mib))
    .bind(i64::from(quota.disk_gib))
    .bind(id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// True when another admin than `id` can still sign in. Ask in [`Db::write_exclusive`], or two
/// admins remove each other.
pub async fn user_other_admin(tx: &mut Tx, id: &str) -> Result<bool, DbError> {
    let (count,): (i64,) = sqlx::query_as(
        "SELECT COUNT(*) FROM users
         WHERE role = 'admin' AND disabled = 0 AND deleted_at IS NULL AND id <> $1",
    )
    .bind(id)
    .fetch_one(&mut **tx)
    .await?;
    Ok(count > 0)
}

/// The same as [`user_get_by_name`], inside a transaction.
pub async fn user_get_in(tx: &mut Tx, name: &str) -> Result<Option<User>, DbError> {
    let row: Option<Row> = sqlx::query_as(select_user!("AND u.name = $1 GROUP BY u.id"))
        .bind(name)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(User::try_from).transpose()
}

/// Deletes the account: nobody can sign in to it, and the row waits for its last VM to go.
/// False: it was deleted already.
pub async fn user_delete(tx: &mut Tx, id: &str, at: i64) -> Result<bool, DbError> {
    let done = sqlx::query("UPDATE users SET deleted_at = $1 WHERE id = $2 AND deleted_at IS NULL")
        .bind(at)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes the row of a deleted account that has no VM left: its name is free again. To be called
/// in the transaction that removes a VM's row. True: removed.
pub async fn user_purge(tx: &mut Tx, id: &str) -> Result<bool, DbError> {
    // Two nodes may remove the last two VMs at once: each would still see the other's. The row is locked
    // first, so that the second looks after the first has committed.
    sqlx::query(
        "UPDATE users SET deleted_at = deleted_at WHERE id = $1 AND deleted_at IS NOT NULL",
    )
    .bind(id)
    .execute(&mut **tx)
    .await?;
    let done = sqlx::query(
        "DELETE FROM users WHERE id = $1 AND deleted_at IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM vms WHERE vms.owner_id = users.id)",
    )
    .bind(id)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Locks the row of a user who may sign in until the transaction ends. False: there is none.
pub async fn user_lock(tx: &mut Tx, id: &str) -> Result<bool, DbError> {
    let done = sqlx::query(
        "UPDATE users SET active_at = active_at
         WHERE id = $1 AND disabled = 0 AND deleted_at IS NULL",
    )
    .bind(id)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Locks the row of who acts until the transaction ends. False: meanwhile disabled, deleted, or no admin any more.
pub(super) async fn user_lock_as(tx: &mut Tx, actor: &Actor) -> Result<bool, DbError> {
    let done = sqlx::query(
        "UPDATE users SET active_at = active_at
         WHERE id = $1 AND disabled = 0 AND deleted_at IS NULL AND (role = $2 OR role = 'admin')",
    )
    .bind(actor.user_id.as_str())
    .bind(role_text(actor.role))
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes when a user was last seen.
pub async fn user_active(tx: &mut Tx, id: &str, at: i64) -> Result<(), DbError> {
    sqlx::query("UPDATE users SET active_at = $1 WHERE id = $2")
        .bind(at)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A role as the column holds it.
pub fn role_text(role: Role) -> &'static str {
    match role {
        Role::Member => "member",
        Role::Admin => "admin",
    }
}

/// The reverse of [`role_text`]; [`DbError::Unexpected`] for every other word.
pub(super) fn role_parse(text: &str) -> Result<Role, DbError> {
    match text {
        "member" => Ok(Role::Member),
        "admin" => Ok(Role::Admin),
        other => Err(DbError::Unexpected(format!("users.role {other}"))),
    }
}

/// A figure that is never negative and fits by the rules of its column.
fn figure(value: i64) -> u32 {
    u32::try_from(value.max(0)).unwrap_or(u32::MAX)
}

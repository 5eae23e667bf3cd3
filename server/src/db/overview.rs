//! Counts for the admin's first page.

use super::{Db, DbError, column};
use crate::clock;

/// Of the whole installation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Without deleted accounts.
    pub users: u32,
    /// Those being deleted too.
    pub vms: u32,
    pub vms_failed: u32,
    /// That have not expired.
    pub login_sessions: u32,
}

/// All in one query.
pub async fn counts(db: &Db) -> Result<Counts, DbError> {
    let row = sqlx::query(
        "SELECT (SELECT COUNT(*) FROM users WHERE deleted_at IS NULL) AS users, \
                (SELECT COUNT(*) FROM vms) AS vms, \
                (SELECT COUNT(*) FROM vms WHERE state = 'failed') AS vms_failed, \
                (SELECT COUNT(*) FROM login_sessions WHERE expires_at > $1) AS login_sessions",
    )
    .bind(clock::now())
    .fetch_one(db.pool())
    .await?;
    Ok(Counts {
        users: column::amount(&row, "users")?,
        vms: column::amount(&row, "vms")?,
        vms_failed: column::amount(&row, "vms_failed")?,
        login_sessions: column::amount(&row, "login_sessions")?,
    })
}

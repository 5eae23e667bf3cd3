//! The pool that reads go through: each asks by a [`Lease`], and so has its deadline.

use std::time::Duration;

use sqlx::{AnyPool, Error};
use tokio::time::timeout;

use super::{DbKind, lease::Lease};

/// Connections that are shared; cheap to clone.
#[derive(Clone, Debug)]
pub struct Pool {
    inner: AnyPool,
    kind: DbKind,
    /// How long a question may take, once there is a connection for it.
    pub(super) limit: Duration,
}

impl Pool {
    /// `limit` is how long a question may take.
    pub(super) fn new(inner: AnyPool, kind: DbKind, limit: Duration) -> Self {
        Self { inner, kind, limit }
    }

    /// A connection for as long as it is held; waits for one no longer than the pool was told to.
    pub(super) async fn lease(&self) -> Result<Lease, Error> {
        let conn = self.inner.acquire().await?;
        Ok(Lease::new(conn, self.kind, self.limit))
    }

    /// Gives out no connection any more, and waits for those that are out. False: one did not come back in time.
    pub(super) async fn close(&self) -> bool {
        timeout(self.limit, self.inner.close()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use crate::db::{Db, SQLITE_CONNECTIONS};

    #[tokio::test]
    async fn on_every_connection_of_sqlite_what_is_committed_survives_a_power_cut() {
        let folder = tempfile::tempdir().unwrap();
        let url = Db::sqlite_url(&folder.path().join("minicloud.db"));
        let db = Db::open(&url).await.unwrap();
        let mut held = Vec::new();
        for _ in 0..SQLITE_CONNECTIONS {
            held.push(db.pool.lease().await.unwrap());
        }
        for lease in &mut held {
            let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
                .fetch_one(&mut *lease)
                .await
                .unwrap();
            // 2 is FULL.
            let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
                .fetch_one(&mut *lease)
                .await
                .unwrap();
            assert_eq!((journal.as_str(), synchronous), ("wal", 2));
        }
        drop(held);
        db.close().await;
    }
}

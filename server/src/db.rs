//! The database: the only place that knows SQL. SQLite or PostgreSQL, the same statements for both
//! (placeholders are `$1`, which SQLite takes too), one noun a file.
//!
//! Writes go through [`Db::write`]: on SQLite it begins with `BEGIN IMMEDIATE`, because a deferred
//! transaction that turns into a writer ignores the busy timeout. Every question has a deadline (`lease.rs`).

mod column;
mod error;
pub mod event;
mod executor;
pub mod idempotency;
pub mod image;
mod lease;
pub mod login_session;
mod memo;
pub mod network;
pub mod node;
pub mod overview;
mod pool;
pub mod setting;
pub mod shell;
pub mod shell_grant;
pub mod shell_invitation;
pub mod ssh_key;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod token;
mod tx;
pub mod user;
pub mod vm;

use std::{path::Path, sync::Arc, time::Duration};

use sqlx::{
    AnyConnection, Connection as _, Executor as _,
    any::{AnyPoolOptions, install_default_drivers},
};
use tokio::{sync::Semaphore, time::timeout};

pub use error::DbError;
pub use tx::Tx;

use crate::actor::Actor;
use memo::{Memo, Revision};
use pool::Pool;

/// A handle on the database; cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
    kind: DbKind,
    /// SQLite has one writer, and its own lock is not fair: writers of this process queue here.
    writers: Arc<Semaphore>,
    revision: Revision,
    /// Of `vm_list`, by owner.
    vm_lists: Arc<Memo<Vec<vm::VmRow>>>,
}

/// Which engine is underneath.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DbKind {
    /// A file in the data folder; one writer at a time.
    Sqlite,
    /// Where `database_url` names one; several writers at once.
    Postgres,
}

/// Connections at most, each with a thread of its own.
const SQLITE_CONNECTIONS: u32 = 8;
/// Connections at most.
const POSTGRES_CONNECTIONS: u32 = 16;
/// Transactions that write at once on PostgreSQL; reads always find a connection beside them.
const POSTGRES_WRITERS: usize = 12;

/// How long a statement waits for a connection, and SQLite for its lock.
const WAIT: Duration = Duration::from_secs(5);
/// How long a writer queues behind the writers before it.
const WRITE_WAIT: Duration = Duration::from_secs(20);
/// How long the database may take for a statement, a beginning or a commit. Longer than it allows itself, because
/// its own words say more.
const ANSWER: Duration = Duration::from_secs(25);

impl Db {
    /// Opens `postgres://…`, or the SQLite file at a path (made if it is missing), and migrates.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        install_default_drivers();
        let kind = if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            DbKind::Postgres
        } else {
            DbKind::Sqlite
        };
        let (connections, writers) = match kind {
            DbKind::Sqlite => (SQLITE_CONNECTIONS, 1),
            DbKind::Postgres => (POSTGRES_CONNECTIONS, POSTGRES_WRITERS),
        };
        let pool = AnyPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(WAIT)
            .after_connect(move |conn, _| {
                Box::pin(async move {
                    let settings = match kind {
                        DbKind::Sqlite => SQLITE_PRAGMAS,
                        DbKind::Postgres => POSTGRES_SETTINGS,
                    };
                    for setting in settings {
                        conn.execute(*setting).await?;
                    }
                    Ok(())
                })
            })
            .connect(url)
            .await?;
        migrate(url).await?;
        let revision = Revision::default();
        Ok(Self {
            pool: Pool::new(pool, kind, ANSWER),
            kind,
            writers: Arc::new(Semaphore::new(writers)),
            vm_lists: Arc::new(Memo::new(revision.clone())),
            revision,
        })
    }

    /// The SQLite file's URL.
    pub fn sqlite_url(path: &Path) -> String {
        format!("sqlite://{}?mode=rwc", path.display())
    }

    /// As the URL said when it was opened.
    pub fn kind(&self) -> DbKind {
        self.kind
    }

    /// For reads outside a transaction.
    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Begins a transaction that writes. Dropped without a commit, it is undone.
    pub(crate) async fn write(&self) -> Result<Tx, DbError> {
        let place = self.writers.clone().acquire_owned();
        let place = timeout(WRITE_WAIT, place)
            .await
            .map_err(|_| DbError::Away(sqlx::Error::PoolTimedOut))?
            .map_err(|_| DbError::Away(sqlx::Error::PoolClosed))?;
        let statement = match self.kind {
            DbKind::Sqlite => "BEGIN IMMEDIATE",
            DbKind::Postgres => "BEGIN",
        };
        let mut lease = self.pool.lease().await?;
        lease.begin(statement, place).await?;
        Ok(Tx::new(lease, self.revision.on_end()))
    }

    /// Begins a transaction that promises something shared: they run one after the other.
    pub(crate) async fn write_exclusive(&self) -> Result<Tx, DbError> {
        let mut tx = self.write().await?;
        sqlx::query("UPDATE cluster SET lock_seq = lock_seq + 1 WHERE id = 1")
            .execute(&mut *tx)
            .await?;
        Ok(tx)
    }

    /// The same for somebody, whose rights were looked at when the request began: they are looked at again here,
    /// because a request may wait long. None: the account may not do this any more.
    pub(crate) async fn write_as(&self, actor: &Actor) -> Result<Option<Tx>, DbError> {
        let mut tx = self.write_exclusive().await?;
        let may = user::user_lock_as(&mut tx, actor).await?;
        Ok(may.then_some(tx))
    }

    /// Answers when the database does.
    pub async fn ping(&self) -> Result<(), DbError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Waits until every connection has been given back, but not without end for a database that does not answer.
    /// Whoever asks after that gets [`DbError::Away`].
    pub async fn close(&self) {
        if !self.pool.close().await {
            tracing::warn!("the database does not answer; connections to it are left as they are");
        }
    }
}

/// By a connection of its own, which waits for whoever uses a table, such as a backup, and as long as a change takes.
async fn migrate(url: &str) -> Result<(), DbError> {
    let connecting = timeout(WAIT, AnyConnection::connect(url)).await;
    let mut conn = connecting.map_err(|_| DbError::Away(sqlx::Error::PoolTimedOut))??;
    sqlx::migrate!("./migrations").run(&mut conn).await?;
    Ok(conn.close().await?)
}

/// Durable at commit (FULL), readers beside a writer (WAL), and foreign keys that hold.
const SQLITE_PRAGMAS: &[&str] = &[
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA foreign_keys = ON",
];

/// A lock that another program holds, or a statement that never ends, is an error in time.
const POSTGRES_SETTINGS: &[&str] = &["SET lock_timeout = '10s'", "SET statement_timeout = '20s'"];

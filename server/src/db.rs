//! The database: the only place that knows SQL. SQLite or PostgreSQL, the same statements for both
//! (placeholders are `$1`, which SQLite takes too), one noun a file.
//!
//! Writes go through [`Db::write`]: on SQLite it begins with `BEGIN IMMEDIATE`, because a deferred
//! transaction that turns into a writer ignores the busy timeout.

mod error;

use std::{path::Path, time::Duration};

use sqlx::{
    Any, AnyPool, Executor as _, Transaction,
    any::{AnyPoolOptions, install_default_drivers},
};

pub use error::DbError;

/// A handle on the database; cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: AnyPool,
    kind: DbKind,
}

/// Which engine is underneath.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DbKind {
    Sqlite,
    Postgres,
}

pub type Tx = Transaction<'static, Any>;

/// How long a statement waits for a connection, and SQLite for its lock.
const WAIT: Duration = Duration::from_secs(5);

impl Db {
    /// Opens `postgres://…`, or the SQLite file at a path (made if it is missing), and migrates.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        install_default_drivers();
        let kind = if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            DbKind::Postgres
        } else {
            DbKind::Sqlite
        };
        let pool = AnyPoolOptions::new()
            .max_connections(if kind == DbKind::Sqlite { 8 } else { 16 })
            .acquire_timeout(WAIT)
            .after_connect(move |conn, _| {
                Box::pin(async move {
                    if kind == DbKind::Sqlite {
                        for pragma in SQLITE_PRAGMAS {
                            conn.execute(*pragma).await?;
                        }
                    }
                    Ok(())
                })
            })
            .connect(url)
            .await?;
        sqlx::migrate!("./migrations").run(&pool).await?;
        Ok(Self { pool, kind })
    }

    /// The SQLite file's URL.
    pub fn sqlite_url(path: &Path) -> String {
        format!("sqlite://{}?mode=rwc", path.display())
    }

    pub fn kind(&self) -> DbKind {
        self.kind
    }

    /// For reads outside a transaction.
    pub(crate) fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Begins a transaction that writes. Dropped without a commit, it is undone.
    pub(crate) async fn write(&self) -> Result<Tx, DbError> {
        Ok(match self.kind {
            DbKind::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await?,
            DbKind::Postgres => self.pool.begin().await?,
        })
    }

    /// Begins a transaction that promises something shared: they run one after the other.
    pub(crate) async fn write_exclusive(&self) -> Result<Tx, DbError> {
        let mut tx = self.write().await?;
        sqlx::query("UPDATE cluster SET lock_seq = lock_seq + 1 WHERE id = 1")
            .execute(&mut *tx)
            .await?;
        Ok(tx)
    }

    /// Answers when the database does.
    pub async fn ping(&self) -> Result<(), DbError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Durable at commit (FULL), readers beside a writer (WAL), and foreign keys that hold.
const SQLITE_PRAGMAS: &[&str] = &[
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA foreign_keys = ON",
];

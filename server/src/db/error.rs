//! What can go wrong with the database, as its callers need to tell it apart.

/// A fault of the database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A UNIQUE constraint refused the row; carries the columns or the constraint's name.
    #[error("already taken: {0}")]
    Taken(String),
    /// It does not answer, or went away in the middle; worth a retry.
    #[error("the database does not answer")]
    Away(#[source] sqlx::Error),
    /// It is of a newer version, or a migration was changed.
    #[error("the database could not be migrated")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A row holds what no row should; the text says which.
    #[error("the database holds an unexpected value: {0}")]
    Unexpected(String),
    #[error("the database refused a statement")]
    Other(#[source] sqlx::Error),
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(inner) if inner.is_unique_violation() => {
                Self::Taken(inner.constraint().unwrap_or(inner.message()).to_owned())
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Away(error),
            _ => Self::Other(error),
        }
    }
}

impl DbError {
    /// True when the UNIQUE constraint of that name, or on that `table.column`, refused the row
    /// (PostgreSQL tells the name, SQLite the columns).
    pub fn is_taken(&self, constraint: &str, column: &str) -> bool {
        matches!(self, Self::Taken(what) if what.contains(constraint) || what.contains(column))
    }
}

//! What can go wrong with the database, as its callers need to tell it apart.

use sqlx::error::DatabaseError;

/// A fault of the database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A UNIQUE constraint refused the row; carries the columns or the constraint's name.
    #[error("already taken: {0}")]
    Taken(String),
    /// What the row belongs to was removed at the same time; carries the constraint's name, or the words.
    #[error("what it belongs to is gone: {0}")]
    Gone(String),
    /// It does not answer, or went away in the middle; worth a retry.
    #[error("the database does not answer")]
    Away(#[source] sqlx::Error),
    /// A text has a NUL character: PostgreSQL takes none.
    #[error("a text has a NUL character")]
    Nul,
    /// It is of a newer version, or a migration was changed.
    #[error("the database could not be migrated")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A row holds what no row should; the text says which.
    #[error("the database holds an unexpected value: {0}")]
    Unexpected(String),
    /// A fault of ours: a statement that it does not understand, or a constraint that no caller expects.
    #[error("the database refused a statement")]
    Other(#[source] sqlx::Error),
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(inner) if inner.is_unique_violation() => {
                Self::Taken(inner.constraint().unwrap_or(inner.message()).to_owned())
            }
            sqlx::Error::Database(inner) if inner.is_foreign_key_violation() => {
                Self::Gone(inner.constraint().unwrap_or(inner.message()).to_owned())
            }
            sqlx::Error::Database(inner) if is_code(&**inner, is_nul) => Self::Nul,
            sqlx::Error::Database(inner) if is_code(&**inner, is_away) => Self::Away(error),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Away(error),
            _ => Self::Other(error),
        }
    }
}

fn is_code(error: &dyn DatabaseError, is: fn(&str) -> bool) -> bool {
    error.code().is_some_and(|code| is(&code))
}

/// PostgreSQL's `character_not_in_repertoire`; texts of ours are UTF-8, so that it can be nothing else.
fn is_nul(code: &str) -> bool {
    code == "22021"
}

/// It shuts down, starts, has lost the connection or has no room for one, or a lock or a statement took too long
/// (PostgreSQL's codes have five characters); or somebody holds the file's lock for long (SQLite's are numbers, the
/// low byte the kind).
fn is_away(code: &str) -> bool {
    const BUSY: u32 = 5;
    match code.len() {
        5 => ["57P", "57014", "55P03", "40P01", "08", "53300"]
            .iter()
            .any(|kind| code.starts_with(kind)),
        _ => code.parse().is_ok_and(|code: u32| code & 0xff == BUSY),
    }
}

impl DbError {
    /// True when a row of that id is there already: what was to be made was made before.
    pub fn is_made(&self) -> bool {
        matches!(self, Self::Taken(what) if what.ends_with("_pkey") || what.ends_with(".id"))
    }

    /// True when the UNIQUE constraint of that name, or on that `table.column`, refused the row
    /// (PostgreSQL tells the name, SQLite the columns).
    pub fn is_taken(&self, constraint: &str, column: &str) -> bool {
        matches!(self, Self::Taken(what) if what.contains(constraint) || what.contains(column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::each_db;

    #[test]
    fn what_goes_by_itself_is_told_from_what_is_wrong() {
        for away in [
            "57P01", "57P03", "57014", "55P03", "08006", "53300", "5", "517",
        ] {
            assert!(is_away(away), "{away}");
        }
        for wrong in ["22021", "23505", "42601", "40001", "1", "19", "2067"] {
            assert!(!is_away(wrong), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_nul_character_is_refused_or_kept_and_never_a_fault_of_ours() {
        each_db(async |db| {
            let asked = sqlx::query("SELECT id FROM users WHERE name = $1").bind("a\0b");
            let found = asked.fetch_optional(db.pool()).await.map_err(DbError::from);
            assert!(matches!(found, Ok(None) | Err(DbError::Nul)));
        })
        .await;
    }

    #[tokio::test]
    async fn a_second_row_of_one_id_is_told_from_other_clashes() {
        each_db(async |db| {
            let node = |id: &str, name: &str| {
                sqlx::query("INSERT INTO nodes (id, name, address, local, policy, created_at) VALUES ($1, $2, $2, 0, 'schedulable', 0)")
                    .bind(id.to_owned())
                    .bind(name.to_owned())
            };
            node("1", "a").execute(db.pool()).await.unwrap();
            for (id, name, made) in [("1", "b", true), ("2", "a", false)] {
                let error = node(id, name).execute(db.pool()).await.unwrap_err();
                assert_eq!(DbError::from(error).is_made(), made, "{id} {name}");
            }
        })
        .await;
    }
}

//! A connection while somebody uses it. Every question to it has a deadline of the server's own: the database's do
//! not help where it is stopped, its disk hangs, or its host is cut off.

use std::{io, time::Duration};

use futures_util::TryStreamExt as _;
use sqlx::{
    Any, AnyConnection, Either, Error, Execute, Executor as _,
    any::{AnyQueryResult, AnyRow},
    pool::PoolConnection,
};
use tokio::{sync::OwnedSemaphorePermit, time::timeout};

use super::DbKind;

/// A part of an answer: a row, or how many rows a statement has changed.
pub(super) type Part = Either<AnyQueryResult, AnyRow>;

/// A connection of the pool. Dropped, it goes back there, and what was begun and not committed is undone.
#[derive(Debug)]
pub struct Lease {
    /// None only while this is dropped.
    conn: Option<PoolConnection<Any>>,
    kind: DbKind,
    /// How long a question may take.
    pub(super) limit: Duration,
    /// One took longer. Whether it was done nobody knows, so no other is asked.
    late: bool,
    /// The place among the writers, from before a transaction begins until it has ended.
    place: Option<OwnedSemaphorePermit>,
}

impl Lease {
    /// `limit` is how long each question may take.
    pub(super) fn new(conn: PoolConnection<Any>, kind: DbKind, limit: Duration) -> Self {
        Self {
            conn: Some(conn),
            kind,
            limit,
            late: false,
            place: None,
        }
    }

    /// Begins a transaction by `statement`; `place` lets the next writer in when it has ended.
    pub(super) async fn begin(
        &mut self,
        statement: &'static str,
        place: OwnedSemaphorePermit,
    ) -> Result<(), Error> {
        // Before the question: who does not wait for its answer leaves a transaction that may have begun.
        self.place = Some(place);
        let answer = self.execute(statement).await;
        if answer.is_err() && !self.late {
            self.place = None;
        }
        answer.map(drop)
    }

    /// Ends it well. An error leaves open whether it did.
    pub(super) async fn commit(&mut self) -> Result<(), Error> {
        self.execute("COMMIT").await?;
        self.place = None;
        Ok(())
    }

    /// The whole answer to a statement.
    pub(super) async fn gather<'q, E>(&mut self, query: E) -> Result<Vec<Part>, Error>
    where
        E: 'q + Execute<'q, Any>,
    {
        self.ask(move |conn| conn.fetch_many(query).try_collect::<Vec<_>>())
            .await
    }

    /// Waits for an answer until the deadline; [`Error::Io`] after it, and to everything that is asked after that.
    pub(super) async fn ask<'c, T, F>(
        &'c mut self,
        question: impl FnOnce(&'c mut AnyConnection) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        if self.late {
            return Err(no_answer());
        }
        let conn: &'c mut AnyConnection = self.conn.as_mut().ok_or(Error::PoolClosed)?;
        match timeout(self.limit, question(conn)).await {
            Ok(answer) => answer,
            Err(_) => {
                self.late = true;
                Err(no_answer())
            }
        }
    }
}

/// As [`super::DbError::Away`] takes it.
fn no_answer() -> Error {
    Error::Io(io::Error::new(
        io::ErrorKind::TimedOut,
        "no answer until the deadline",
    ))
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut conn) = self.conn.take() else {
            return;
        };
        let place = self.place.take();
        match self.kind {
            // PostgreSQL undoes what a connection had begun that is gone.
            DbKind::Postgres if self.late => conn.close_on_drop(),
            DbKind::Postgres => drop(tokio::spawn(give_back(conn, place, self.limit))),
            // One of SQLite comes back when its disk does. A new one in its place would be one more thread that
            // waits for the same disk.
            DbKind::Sqlite => drop(tokio::spawn(give_back(conn, place, Duration::MAX))),
        }
    }
}

/// Undoes what was begun, and leaves the connection to the next one. What does not answer is closed.
async fn give_back(
    mut conn: PoolConnection<Any>,
    place: Option<OwnedSemaphorePermit>,
    limit: Duration,
) {
    if place.is_some() {
        let undone = timeout(limit, conn.execute("ROLLBACK")).await;
        if !matches!(undone, Ok(Ok(_))) {
            conn.close_on_drop();
            return;
        }
    }
    drop(place);
    // It asks whether the connection still works, and would wait for that without end.
    let _ = timeout(limit, conn.return_to_pool()).await;
}

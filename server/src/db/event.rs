//! Events: who did what to which thing, when, with what result. Only ever appended to, in the same
//! transaction as the change they tell of.

use std::sync::atomic::{AtomicI64, Ordering};

use sqlx::any::AnyRow;

use super::{Db, DbError, Tx, column};
use crate::{actor::Actor, clock};

/// The name events carry when MiniCloud itself did it.
pub const SYSTEM: &str = "minicloud";

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectKind {
    Vm,
    User,
    Node,
    Image,
}

impl SubjectKind {
    fn word(self) -> &'static str {
        match self {
            Self::Vm => "vm",
            Self::User => "user",
            Self::Node => "node",
            Self::Image => "image",
        }
    }

    fn read(word: &str) -> Option<Self> {
        [Self::Vm, Self::User, Self::Node, Self::Image]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// An event to be written. Made by [`NewEvent::new`], refined by the methods.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// None: MiniCloud itself.
    pub actor_id: Option<String>,
    /// The name as it was then, as the subject's: the sentence outlives what it tells of.
    pub actor: String,
    /// Noun, underscore, verb: `vm_create`, `login_failed`.
    pub kind: &'static str,
    pub subject_kind: SubjectKind,
    pub subject_id: String,
    pub subject: String,
    /// The user who may read it beside admins.
    pub owner_id: Option<String>,
    /// More words for the sentence; never a secret.
    pub detail: Option<String>,
    /// False: it was tried and did not work.
    pub ok: bool,
}

impl NewEvent {
    /// `actor` None: MiniCloud itself.
    pub fn new(
        kind: &'static str,
        actor: Option<&Actor>,
        subject_kind: SubjectKind,
        subject_id: &str,
        subject: &str,
    ) -> Self {
        Self {
            actor_id: actor.map(|actor| actor.user_id.clone()),
            actor: actor.map_or(SYSTEM, |actor| &actor.name).to_owned(),
            kind,
            subject_kind,
            subject_id: subject_id.to_owned(),
            subject: subject.to_owned(),
            owner_id: None,
            detail: None,
            ok: true,
        }
    }

    /// The user who may read it.
    pub fn owner(mut self, owner_id: &str) -> Self {
        self.owner_id = Some(owner_id.to_owned());
        self
    }

    /// More words for the sentence; never a secret.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// It was tried and did not work.
    pub fn failed(mut self) -> Self {
        self.ok = false;
        self
    }
}

/// An event as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Grows; the cursor of pages.
    pub id: i64,
    pub at: i64,
    pub actor: String,
    pub kind: String,
    pub subject_kind: SubjectKind,
    pub subject_id: String,
    pub subject: String,
    /// The user who may read it beside admins.
    pub owner_id: Option<String>,
    pub detail: Option<String>,
    pub ok: bool,
}

/// Which events to read; None lets all pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventQuery<'a> {
    /// Of what that user may read.
    pub owner_id: Option<&'a str>,
    /// About that very thing; `subject` is about all that had the name.
    pub subject_id: Option<&'a str>,
    /// By its name; [`SYSTEM`] for MiniCloud itself.
    pub actor: Option<&'a str>,
    pub subject: Option<&'a str>,
    pub kind: Option<&'a str>,
    /// Only smaller ids: the cursor.
    pub before: Option<i64>,
    /// At most so many; 0 gives none.
    pub limit: u32,
}

/// Writes an event; it lasts when the transaction does. Answers its id.
pub async fn event_insert(tx: &mut Tx, event: &NewEvent) -> Result<i64, DbError> {
    let at = clock::now();
    let id = next_id(at);
    sqlx::query(
        "INSERT INTO events (id, at, actor_id, actor, kind, subject_kind, subject_id, subject, \
                             owner_id, detail, ok) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(id)
    .bind(at)
    .bind(event.actor_id.as_deref())
    .bind(event.actor.as_str())
    .bind(event.kind)
    .bind(event.subject_kind.word())
    .bind(event.subject_id.as_str())
    .bind(event.subject.as_str())
    .bind(event.owner_id.as_deref())
    .bind(event.detail.as_deref())
    .bind(i64::from(event.ok))
    .execute(&mut **tx)
    .await?;
    Ok(id)
}

/// `SELECT` of events, with a condition in front that leads to them by an index: those that may let all pass, and
/// stand in every statement, lead nowhere.
macro_rules! event_select {
    ($by:literal) => {
        concat!(
            "SELECT id, at, actor, kind, subject_kind, subject_id, subject, owner_id, detail, ok ",
            "FROM events WHERE ",
            $by,
            "(CAST($1 AS TEXT) IS NULL OR owner_id = $1) ",
            "AND (CAST($2 AS TEXT) IS NULL OR subject_id = $2) ",
            "AND (CAST($3 AS TEXT) IS NULL OR actor = $3) ",
            "AND (CAST($4 AS TEXT) IS NULL OR subject = $4) ",
            "AND (CAST($5 AS TEXT) IS NULL OR kind = $5) ",
            "AND id < $6 ORDER BY id DESC LIMIT $7"
        )
    };
}

impl EventQuery<'_> {
    /// By what narrows it down most; where nothing has an index, from the newest event on.
    fn statement(&self) -> &'static str {
        if self.subject_id.is_some() {
            event_select!("subject_id = $2 AND ")
        } else if self.owner_id.is_some() {
            event_select!("owner_id = $1 AND ")
        } else if self.kind.is_some() {
            event_select!("kind = $5 AND ")
        } else {
            event_select!("")
        }
    }
}

/// Newest first, at most `limit`.
pub async fn event_list(db: &Db, query: &EventQuery<'_>) -> Result<Vec<EventRow>, DbError> {
    let rows = sqlx::query(query.statement())
        .bind(query.owner_id)
        .bind(query.subject_id)
        .bind(query.actor)
        .bind(query.subject)
        .bind(query.kind)
        .bind(query.before.unwrap_or(i64::MAX))
        .bind(i64::from(query.limit))
        .fetch_all(db.pool())
        .await?;
    rows.iter().map(event_row).collect()
}

/// The newest of a thing's events, by its id.
pub async fn event_newest(db: &Db, subject_id: &str) -> Result<Option<i64>, DbError> {
    let newest = sqlx::query_scalar("SELECT MAX(id) FROM events WHERE subject_id = $1");
    Ok(newest.bind(subject_id).fetch_one(db.pool()).await?)
}

fn event_row(row: &AnyRow) -> Result<EventRow, DbError> {
    Ok(EventRow {
        id: column::int(row, "id")?,
        at: column::int(row, "at")?,
        actor: column::text(row, "actor")?,
        kind: column::text(row, "kind")?,
        subject_kind: column::word(row, "subject_kind", SubjectKind::read)?,
        subject_id: column::text(row, "subject_id")?,
        subject: column::text(row, "subject")?,
        owner_id: column::text_or(row, "owner_id")?,
        detail: column::text_or(row, "detail")?,
        ok: column::flag(row, "ok")?,
    })
}

/// Microseconds times 1024, or one more than the last: grows within this process whatever the
/// clock does, and across restarts as far as the clock does.
fn next_id(at: i64) -> i64 {
    static LAST: AtomicI64 = AtomicI64::new(0);
    let wanted = at.saturating_mul(1024);
    let next = |last: i64| Some(wanted.max(last + 1));
    match LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
        Ok(last) | Err(last) => wanted.max(last + 1),
    }
}

#[cfg(test)]
mod tests {
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::db::{DbKind, testing::each_db};

    #[test]
    fn ids_grow_even_when_the_clock_stands_or_goes_back() {
        let first = next_id(1_000);
        assert!(next_id(1_000) > first);
        assert!(next_id(10) > first);
    }

    #[tokio::test]
    async fn events_are_read_newest_first_filtered_and_in_pages() {
        each_db(async |db| {
            let mut tx = db.write().await.unwrap();
            for n in 0..5 {
                let event = NewEvent::new("vm_create", None, SubjectKind::Vm, "v1", "web1")
                    .owner(if n % 2 == 0 { "ann" } else { "bob" })
                    .detail(n.to_string());
                event_insert(&mut tx, &event).await.unwrap();
            }
            tx.commit().await.unwrap();
            let query = EventQuery {
                limit: 2,
                owner_id: Some("ann"),
                ..Default::default()
            };
            let page = event_list(&db, &query).await.unwrap();
            assert_eq!(details(&page), ["4", "2"]);
            let query = EventQuery {
                before: Some(page[1].id),
                ..query
            };
            assert_eq!(details(&event_list(&db, &query).await.unwrap()), ["0"]);
            let query = EventQuery {
                kind: Some("vm_stop"),
                limit: 9,
                ..Default::default()
            };
            assert!(event_list(&db, &query).await.unwrap().is_empty());
        })
        .await;
    }

    #[tokio::test]
    async fn every_filter_finds_by_each_of_its_conditions() {
        each_db(async |db| {
            let mut tx = db.write().await.unwrap();
            for (subject_id, owner, kind) in [
                ("v1", "ann", "vm_stop"),
                ("v2", "ann", "vm_start"),
                ("v2", "bob", "vm_stop"),
                ("v1", "ann", "vm_start"),
            ] {
                let event = NewEvent::new(kind, None, SubjectKind::Vm, subject_id, "web1");
                let written = event_insert(&mut tx, &event.owner(owner)).await;
                written.unwrap();
            }
            tx.commit().await.unwrap();
            let all = EventQuery {
                limit: 9,
                ..Default::default()
            };
            let all = event_list(&db, &all).await.unwrap();
            for (subject_id, owner_id, kind) in [
                (Some("v1"), None, None),
                (Some("v2"), Some("ann"), None),
                (Some("v2"), Some("bob"), Some("vm_start")),
                (None, Some("ann"), None),
                (None, Some("ann"), Some("vm_start")),
                (None, None, Some("vm_stop")),
            ] {
                let query = EventQuery {
                    subject_id,
                    owner_id,
                    kind,
                    limit: 9,
                    ..Default::default()
                };
                let found = event_list(&db, &query).await.unwrap();
                let mut wanted = all.clone();
                wanted.retain(|row| {
                    subject_id.is_none_or(|id| row.subject_id == id)
                        && (owner_id.is_none() || row.owner_id.as_deref() == owner_id)
                        && kind.is_none_or(|kind| row.kind == kind)
                });
                assert_eq!(found, wanted, "{query:?}");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_list_is_read_by_the_index_of_what_is_asked_for() {
        each_db(async |db| {
            if db.kind() != DbKind::Sqlite {
                return;
            }
            let all = EventQuery::default();
            let of_kind = EventQuery {
                kind: Some("vm_stop"),
                ..all
            };
            let of_owner = EventQuery {
                owner_id: Some("ann"),
                ..of_kind
            };
            let of_vm = EventQuery {
                subject_id: Some("v1"),
                ..of_owner
            };
            for (query, index) in [
                (of_vm, "events_subject (subject_id=? AND id<?)"),
                (of_owner, "events_owner (owner_id=? AND id<?)"),
                (of_kind, "events_kind (kind=? AND id<?)"),
                (all, "sqlite_autoindex_events_1 (id<?)"),
            ] {
                let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", query.statement()));
                let rows = sqlx::query(sql).fetch_all(db.pool()).await.unwrap();
                let steps = rows.iter().map(|row| column::text(row, "detail").unwrap());
                let steps: Vec<String> = steps.collect();
                assert_eq!(steps, [format!("SEARCH events USING INDEX {index}")]);
            }
        })
        .await;
    }

    #[tokio::test]
    async fn an_event_of_a_transaction_that_is_undone_was_never_written() {
        each_db(async |db| {
            let mut tx = db.write().await.unwrap();
            let event = NewEvent::new("vm_create", None, SubjectKind::Vm, "v1", "web1");
            event_insert(&mut tx, &event).await.unwrap();
            drop(tx);
            let query = EventQuery {
                limit: 9,
                ..Default::default()
            };
            assert!(event_list(&db, &query).await.unwrap().is_empty());
        })
        .await;
    }

    fn details(rows: &[EventRow]) -> Vec<&str> {
        rows.iter()
            .filter_map(|row| row.detail.as_deref())
            .collect()
    }
}

//! Databases for tests: a fresh SQLite file always, and a fresh PostgreSQL database beside it when
//! `MINICLOUD_TEST_DATABASE_URL` names a server.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::Db;

/// Runs a test on every kind of database there is, one after the other.
pub async fn each_db(test: impl AsyncFn(Db)) {
    each_url(async |url| {
        let db = Db::open(&url).await.expect("the database opens");
        test(db.clone()).await;
        db.close().await;
    })
    .await;
}

/// The same with the address of a database in which nothing is yet.
pub async fn each_url(test: impl AsyncFn(String)) {
    let folder = tempfile::tempdir().expect("a folder");
    test(Db::sqlite_url(&folder.path().join("minicloud.db"))).await;
    if let Ok(server) = std::env::var("MINICLOUD_TEST_DATABASE_URL") {
        on_postgres(&server, test).await;
    }
}

async fn on_postgres(server: &str, test: impl AsyncFn(String)) {
    let name = format!("mc_{}", uuid::Uuid::now_v7().simple());
    let mut admin = PgConnection::connect(server)
        .await
        .expect("PostgreSQL answers");
    let sql = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    admin.execute(sql).await.expect("a database");
    let (base, _) = server.rsplit_once('/').expect("a database in the URL");
    // Dropped even when the test fails, so that a long day of tests leaves nothing behind.
    let test = std::panic::AssertUnwindSafe(test(format!("{base}/{name}")));
    let outcome = futures_util::FutureExt::catch_unwind(test).await;
    let sql = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
    admin.execute(sql).await.expect("the database is dropped");
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// Has an SQLite database that is in use write a copy of itself, as docs/operations.md tells.
pub async fn copy_into(db: &Db, path: &Path) {
    let sql = AssertSqlSafe(format!("VACUUM INTO '{}'", path.display()));
    db.pool().execute(sql).await.expect("a copy");
}

/// The rows of a query for one column of text.
pub async fn texts(db: &Db, sql: &'static str) -> Vec<String> {
    let rows = sqlx::query_scalar(sql).fetch_all(db.pool()).await;
    rows.expect("rows")
}

/// Takes the table of events away, so that none can be written, or gives it back.
pub async fn events_hide(db: &Db, hidden: bool) {
    let sql = match hidden {
        true => "ALTER TABLE events RENAME TO events_away",
        false => "ALTER TABLE events_away RENAME TO events",
    };
    db.pool().execute(sql).await.expect("renamed");
}

/// For what takes a moment, on a machine that is busy.
const SOON: Duration = Duration::from_secs(60);

/// Waits until something is so, at most a minute; then fails with what was waited for.
pub async fn eventually(what: &str, is_so: impl AsyncFnMut() -> bool) {
    within(SOON, what, is_so).await;
}

/// The same with another limit.
pub async fn within(limit: Duration, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + limit;
    while !is_so().await {
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A user with the quota a new account has, but `vms` VMs.
pub async fn user(db: &Db, name: &str, vms: u32) -> crate::actor::Actor {
    let actor = crate::actor::Actor {
        user_id: uuid::Uuid::now_v7().to_string(),
        name: name.to_owned(),
        role: app::model::Role::Member,
    };
    let mut tx = db.write().await.expect("a transaction");
    sqlx::query(
        "INSERT INTO users (id, name, role, password_hash, vms_max, cpu_millis_max, \
                            memory_mib_max, disk_gib_max, created_at) \
         VALUES ($1, $2, 'member', '', $3, 1000000, 1000000, 1000000, 0)",
    )
    .bind(actor.user_id.as_str())
    .bind(name)
    .bind(i64::from(vms))
    .execute(&mut *tx)
    .await
    .expect("a user");
    tx.commit().await.expect("committed");
    actor
}

/// The account of an admin, unless it is there.
pub async fn admin_insert(db: &Db, admin: &crate::actor::Actor) {
    let mut tx = db.write().await.expect("a transaction");
    sqlx::query(
        "INSERT INTO users (id, name, role, password_hash, vms_max, cpu_millis_max, \
                            memory_mib_max, disk_gib_max, created_at) \
         VALUES ($1, $2, 'admin', '', 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING",
    )
    .bind(admin.user_id.as_str())
    .bind(admin.name.as_str())
    .execute(&mut *tx)
    .await
    .expect("an admin");
    tx.commit().await.expect("committed");
}

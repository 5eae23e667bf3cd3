//! Databases for tests: a fresh SQLite file always, and a fresh PostgreSQL database beside it when
//! `MINICLOUD_TEST_DATABASE_URL` names a server.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::Db;

/// Runs a test on every kind of database there is, one after the other.
pub async fn each_db(test: impl AsyncFn(Db)) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("minicloud.db");
    let db = Db::open(&Db::sqlite_url(&path))
        .await
        .expect("SQLite opens");
    test(db.clone()).await;
    db.close().await;
    if let Ok(server) = std::env::var("MINICLOUD_TEST_DATABASE_URL") {
        on_postgres(&server, test).await;
    }
}

async fn on_postgres(server: &str, test: impl AsyncFn(Db)) {
    let name = format!("mc_{}", uuid::Uuid::now_v7().simple());
    let mut admin = PgConnection::connect(server)
        .await
        .expect("PostgreSQL answers");
    let sql = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    admin.execute(sql).await.expect("a database");
    let (base, _) = server.rsplit_once('/').expect("a database in the URL");
    let db = Db::open(&format!("{base}/{name}"))
        .await
        .expect("PostgreSQL opens");
    // Dropped even when the test fails, so that a long day of tests leaves nothing behind.
    let outcome =
        futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(test(db.clone())));
    let outcome = outcome.await;
    db.close().await;
    let sql = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
    admin.execute(sql).await.expect("the database is dropped");
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// The rows of a query for one column of text.
pub async fn texts(db: &Db, sql: &'static str) -> Vec<String> {
    let rows = sqlx::query_scalar(sql).fetch_all(db.pool()).await;
    rows.expect("rows")
}

/// Waits until something is so, at most ten seconds; then fails with what was waited for.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !is_so().await {
        assert!(Instant::now() < end, "not within 10 s: {what}");
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

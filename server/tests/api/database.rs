//! A database that goes away: 503, nothing half, and the cause in the log.

use std::time::Duration;

use app::model::LogFilter;
use sqlx::Executor as _;

use crate::{
    exec::{closed, socket},
    house::{Answer, House, Person, eventually, in_each_house},
};

fn away(house: &House, answer: &Answer) {
    let said = answer.code().unwrap_or_default();
    assert_eq!(
        (answer.status, said.as_str()),
        (503, "database_away"),
        "{answer:?}"
    );
    let id = answer.json()["request_id"].as_str().unwrap().to_owned();
    assert_eq!(answer.headers["x-request-id"].to_str().unwrap(), id);
    let page = house.server.state.logs.list(&LogFilter::default());
    let mut told = page.records.iter();
    let told = told.any(|record| record.request_id.as_deref() == Some(&id));
    assert!(told, "request {id} is not in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_a_server_without_its_database_is_told_so_and_the_log_says_why() {
    in_each_house(async |house: House| {
        house.server.state.db.close().await;
        for (method, path) in [("GET", "/api/v1/vms"), ("POST", "/api/v1/vms/web1/stop")] {
            away(&house, &house.by_token(Person::Ann, method, path, "").await);
        }
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_their_script_and_a_watchdog_are_told_when_the_database_is_away() {
    in_each_house(async |house: House| {
        house.server.state.db.close().await;
        let words = "The database does not answer";
        let page = house.page(Person::Ann, "/").await;
        assert_eq!(page.status, 503, "{page:?}");
        assert!(page.text.contains(words), "{page:?}");
        for part in [
            "<h1>MiniCloud cannot do this right now</h1>",
            "Try again",
            "/pkg/minicloud.css",
        ] {
            assert!(page.text.contains(part), "{part}: {page:?}");
        }
        let script = house.call(Person::Ann, "vm_stop", &[("name", "web1")]);
        let script = script.await;
        let said = script.code().unwrap_or_default();
        let told = (script.status, said.as_str());
        assert_eq!(told, (503, "database_away"), "{script:?}");
        assert!(script.text.contains(words), "{script:?}");
        let health = house.ask("GET", "/healthz", &[], "").await;
        assert_eq!(health.status, 503, "{health:?}");
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_page_is_told_to_come_again_when_the_database_goes_away() {
    in_each_house(async |house: House| {
        let mut open = socket(&house.base, "/live/admin", &house.tokens[&Person::Admin]).await;
        house.server.state.db.close().await;
        // "Service restart": it connects anew, and is not thrown out.
        assert_eq!(closed(&mut open).await.1, 1012);
        house.end().await;
    })
    .await;
}

/// What a create would leave: the VM, its event, its key.
async fn left(house: &House) -> [usize; 3] {
    [
        house.rows("SELECT id FROM vms WHERE name = 'cut'").await,
        house
            .rows("SELECT id FROM events WHERE subject = 'cut' AND kind = 'vm_create'")
            .await,
        house
            .rows("SELECT name FROM idempotency_keys WHERE status IS NOT NULL")
            .await,
    ]
    .map(|rows| rows.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_loses_its_database_in_the_middle_makes_nothing_half() {
    in_each_house(async |house: House| {
        let bearer = format!("Bearer {}", house.tokens[&Person::Bob]);
        let lines = [("authorization", bearer.as_str()), ("idempotency-key", "k")];
        let body = r#"{"name": "cut"}"#;
        let ask = || house.ask("POST", "/api/v1/vms", &lines, body);
        let cut = match house.is_postgres() {
            true => connection_cut(&house, ask()).await,
            false => file_held(&house, ask()).await,
        };
        away(&house, &cut);
        assert_eq!(left(&house).await, [0, 0, 0]);
        // The same key makes it then, once.
        let mut again = ask().await;
        for _ in 0..20 {
            if again.status == 201 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
            again = ask().await;
        }
        assert_eq!(again.status, 201, "{again:?}");
        assert_eq!(left(&house).await, [1, 1, 1]);
        house.end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_loses_the_database_in_the_middle_is_told_and_makes_nothing_half() {
    in_each_house(async |house: House| {
        let form = [("name", "cut"), ("flavor", "small"), ("image", "alpine")];
        let ask = house.call(Person::Bob, "vm_create", &form);
        let cut = match house.is_postgres() {
            true => connection_cut(&house, ask).await,
            false => file_held(&house, ask).await,
        };
        let said = cut.code().unwrap_or_default();
        let told = (cut.status, said.as_str());
        assert_eq!(told, (503, "database_away"), "{cut:?}");
        assert_eq!(left(&house).await, [0, 0, 0]);
        house.end().await;
    })
    .await;
}

/// PostgreSQL ends the server's connections while the request waits in its transaction.
async fn connection_cut(house: &House, ask: impl Future<Output = Answer>) -> Answer {
    let mut holder = house.connection().await;
    holder.execute("BEGIN").await.unwrap();
    let lock = "UPDATE cluster SET lock_seq = lock_seq WHERE id = 1";
    holder.execute(lock).await.unwrap();
    let cut = async {
        let waits = "SELECT CAST(pid AS TEXT) FROM pg_stat_activity \
                     WHERE datname = current_database() AND wait_event_type = 'Lock' \
                     AND query LIKE 'UPDATE cluster %'";
        eventually("the request waits in its transaction", async || {
            !house.rows(waits).await.is_empty()
        })
        .await;
        let ends = "SELECT CAST(pg_terminate_backend(pid) AS TEXT) FROM pg_stat_activity \
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";
        holder.execute(ends).await.unwrap();
        holder.execute("ROLLBACK").await.unwrap();
    };
    tokio::join!(ask, cut).0
}

/// Somebody else holds SQLite's file for longer than is waited.
async fn file_held(house: &House, ask: impl Future<Output = Answer>) -> Answer {
    let mut holder = house.connection().await;
    holder.execute("BEGIN IMMEDIATE").await.unwrap();
    let answer = ask.await;
    holder.execute("ROLLBACK").await.unwrap();
    answer
}

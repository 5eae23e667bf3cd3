//! A database that does not answer in the middle: an error in time, and nothing half.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    time::timeout,
};

use crate::db::{
    Db, DbError,
    setting::{setting_get, setting_set},
    testing::each_url,
    user::user_name_taken,
};

/// In place of the deadline.
const SHORT: Duration = Duration::from_secs(2);
/// With what the line stops: it is the last that is not carried.
const LAST: &str = "the-last-word";

/// What lies between the server and PostgreSQL: a line that stops, and goes on where it stopped.
struct Line {
    /// The database's address, by the line.
    url: String,
    stopped: Arc<watch::Sender<bool>>,
}

impl Line {
    /// None: no line leads to such a database.
    async fn to(url: &str) -> Option<Self> {
        if !url.starts_with("postgres") {
            return None;
        }
        let (front, name) = url.rsplit_once('/')?;
        let (who, far) = front.split_at(front.rfind(['@', '/'])? + 1);
        let far = match far.contains(':') {
            true => far.to_owned(),
            false => format!("{far}:5432"),
        };
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = door.local_addr().unwrap();
        let stopped = Arc::new(watch::Sender::new(false));
        tokio::spawn(serve(door, far, stopped.clone()));
        // Unencrypted, so that the last word is seen.
        let url = format!("{who}{near}/{name}?sslmode=disable");
        Some(Self { url, stopped })
    }

    fn stop(&self) {
        self.stopped.send_replace(true);
    }

    /// It goes on, having been stopped.
    fn go_on(&self) {
        assert!(self.stopped.send_replace(false), "it was never stopped");
    }
}

async fn serve(door: TcpListener, far: String, stopped: Arc<watch::Sender<bool>>) {
    while let Ok((near, _)) = door.accept().await {
        let far = TcpStream::connect(&far).await.unwrap();
        let (near_reads, near_writes) = near.into_split();
        let (far_reads, far_writes) = far.into_split();
        tokio::spawn(carry(near_reads, far_writes, stopped.clone()));
        tokio::spawn(carry(far_reads, near_writes, stopped.clone()));
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, stopped: Arc<watch::Sender<bool>>) {
    let mut moves = stopped.subscribe();
    let mut part = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut part).await {
        let part = &part[..read];
        if part.windows(LAST.len()).any(|word| word == LAST.as_bytes()) {
            stopped.send_replace(true);
        }
        let goes = moves.wait_for(|stopped| !stopped).await.is_ok();
        if !goes || to.write_all(part).await.is_err() {
            return;
        }
    }
}

/// It is not waited for without end; a busy machine has a while.
async fn in_time<T>(call: impl Future<Output = T>) -> T {
    let answer = timeout(Duration::from_secs(15), call).await;
    answer.expect("the deadline holds")
}

fn assert_away<T: std::fmt::Debug>(answer: Result<T, DbError>) {
    assert!(matches!(answer, Err(DbError::Away(_))), "{answer:?}");
}

#[tokio::test]
async fn a_database_that_stops_in_mid_session_is_away_in_time_and_there_when_it_goes_on() {
    each_url(async |url| {
        let Some(line) = Line::to(&url).await else {
            return;
        };
        let mut db = Db::open(&line.url).await.unwrap();
        db.pool.limit = SHORT;

        assert_away(in_time(user_name_taken(&db, LAST)).await);
        line.go_on();
        assert!(!user_name_taken(&db, "ann").await.unwrap());

        let mut tx = db.write().await.unwrap();
        assert_away(in_time(setting_set(&mut tx, "note", LAST)).await);
        assert_away(in_time(tx.commit()).await);
        line.go_on();
        assert_eq!(setting_get(&db, "note").await.unwrap(), None);

        let mut tx = db.write().await.unwrap();
        setting_set(&mut tx, "note", "there or not").await.unwrap();
        line.stop();
        assert_away(in_time(tx.commit()).await);
        line.go_on();
        drop(db.write_exclusive().await.unwrap());

        let open = db.write().await.unwrap();
        line.stop();
        in_time(db.close()).await;
        line.go_on();
        drop(open);
    })
    .await;
}

#[tokio::test]
async fn a_statement_that_holds_up_sqlite_is_given_up_and_its_transaction_undone() {
    const LONG: &str = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000000) \
                        SELECT COUNT(*) FROM n";
    let folder = tempfile::tempdir().unwrap();
    let url = Db::sqlite_url(&folder.path().join("minicloud.db"));
    let db = Db::open(&url).await.unwrap();
    let mut tx = db.write().await.unwrap();
    setting_set(&mut tx, "note", "half").await.unwrap();
    tx.limit = Duration::from_millis(100);
    let late = sqlx::query(LONG).execute(&mut *tx).await;
    assert_away(late.map_err(DbError::from));
    assert_away(tx.commit().await);
    // The next writer's turn comes when the statement has ended.
    drop(db.write().await.unwrap());
    assert_eq!(setting_get(&db, "note").await.unwrap(), None);
    db.close().await;
}

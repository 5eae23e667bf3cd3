//! A database that an earlier release filled is opened by this one; so is a copy taken while it was in use.

mod away;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use app::model::{NodePolicy, Role, VmState};
use sqlx::{
    Any, AnyPool, AssertSqlSafe, Executor, any::install_default_drivers, migrate::Migrator,
};

use tokio::time::timeout;

use super::{
    Db, DbError, DbKind,
    event::{EventQuery, event_list},
    image::image_list,
    login_session::{login_session_find, login_session_list},
    node::node_list,
    overview::counts,
    setting::setting_get,
    shell::shell_get,
    testing::{copy_into, each_db, each_url, user},
    token::{TokenRow, token_find, token_insert},
    user::{user_get_by_name, user_name_taken, user_password_hash},
    vm::{DesiredState, vm_list},
};
use crate::{scope::Scopes, secret::Secret};

/// Every migration, oldest first. A released one is never edited, so each prefix is what a release left.
const MIGRATIONS: [(&str, &str); 8] = [
    (
        "0001_begin.sql",
        include_str!("../../migrations/0001_begin.sql"),
    ),
    (
        "0002_api.sql",
        include_str!("../../migrations/0002_api.sql"),
    ),
    (
        "0003_ssh_key.sql",
        include_str!("../../migrations/0003_ssh_key.sql"),
    ),
    (
        "0004_shell_share.sql",
        include_str!("../../migrations/0004_shell_share.sql"),
    ),
    (
        "0005_ssh_publish.sql",
        include_str!("../../migrations/0005_ssh_publish.sql"),
    ),
    (
        "0006_told_loss.sql",
        include_str!("../../migrations/0006_told_loss.sql"),
    ),
    (
        "0007_shell_told.sql",
        include_str!("../../migrations/0007_shell_told.sql"),
    ),
    (
        "0008_event_kind.sql",
        include_str!("../../migrations/0008_event_kind.sql"),
    ),
];

/// Something in every table of the first release.
const FILL: [&str; 10] = [
    "UPDATE cluster SET lock_seq = 7 WHERE id = 1",
    "INSERT INTO settings (name, value) VALUES ('note', 'kept')",
    "INSERT INTO users (id, name, role, password_hash, vms_max, cpu_millis_max, memory_mib_max,
                        disk_gib_max, network_index, created_at, active_at)
     VALUES ('u-ann', 'ann', 'member', '$argon2id$of-ann', 5, 4000, 4096, 20, 3, 100, 200),
            ('u-root', 'admin', 'admin', '$argon2id$of-admin', 5, 4000, 4096, 20, NULL, 90, NULL)",
    "INSERT INTO users (id, name, role, password_hash, vms_max, cpu_millis_max, memory_mib_max,
                        disk_gib_max, created_at, deleted_at)
     VALUES ('u-gone', 'gone', 'member', '$argon2id$of-gone', 5, 4000, 4096, 20, 100, 300)",
    "INSERT INTO login_sessions (id, token_hash, user_id, created_at, active_at, expires_at, address, device)
     VALUES ('s-1', 'hash-of-a-cookie', 'u-ann', 100, 200, 9000000000000000, '192.0.2.7', 'Firefox')",
    "INSERT INTO nodes (id, name, address, local, policy, fingerprint, placed_seq, created_at)
     VALUES ('n-1', 'node-1', 'http://127.0.0.1:5000', 1, 'schedulable', NULL, 6, 100),
            ('n-2', 'far', 'https://192.0.2.9:5000', 0, 'cordoned', 'abab', 7, 110)",
    "INSERT INTO images (name, reference, summary, is_default, hidden, created_at)
     VALUES ('alpine', 'alpine:3', 'Alpine', 1, 0, 100), ('old', 'old:1', 'Old', 0, 1, 90)",
    "INSERT INTO vms (id, owner_id, name, flavor, cpu_millis, memory_mib, disk_gib, image, image_ref,
                      node_id, placement_reason, desired, state, reason, generation, created_once,
                      engine_id, address, created_at, changed_at, started_at)
     VALUES ('v-1', 'u-ann', 'web1', 'small', 500, 256, 2, 'alpine', 'alpine:3', 'n-1',
             'Round robin: node-1 was next.', 'running', 'running', NULL, 4, 1, '0123456789ab',
             '10.64.0.98', 100, 150, 150),
            ('v-2', 'u-ann', 'web2', 'small', 500, 256, 2, 'alpine', 'alpine:3', 'n-2', 'Because.',
             'stopped', 'failed', 'It did not start.', 2, 1, NULL, NULL, 110, 160, NULL)",
    "INSERT INTO shells (id, vm_id, opened_by, created_at) VALUES ('sh-1', 'v-1', 'u-ann', 170)",
    "INSERT INTO events (id, at, actor_id, actor, kind, subject_kind, subject_id, subject, owner_id, detail, ok)
     VALUES (102400, 100, 'u-ann', 'ann', 'vm_create', 'vm', 'v-1', 'web1', 'u-ann', 'alpine, small', 1)",
];

#[tokio::test]
async fn a_database_of_each_earlier_release_is_opened_with_all_that_is_in_it() {
    for release in 1..=MIGRATIONS.len() {
        each_url(async |url| {
            let before = earlier(&url, release).await;
            assert!(before.values().all(|rows| *rows > 0), "{before:?}");
            // Twice: the second start finds nothing to do.
            for _ in 0..2 {
                let db = Db::open(&url).await.unwrap();
                assert_eq!(counted(db.pool()).await, before, "release {release}");
                everything_is_read(&db).await;
                db.close().await;
            }
            let db = Db::open(&url).await.unwrap();
            what_is_new_works(&db).await;
            db.close().await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_lock_that_another_program_holds_is_an_error_in_time() {
    each_url(async |url| {
        let (db, other) = (Db::open(&url).await.unwrap(), Db::open(&url).await.unwrap());
        let held = other.write_exclusive().await.unwrap();
        let begun = Instant::now();
        let refused = timeout(Duration::from_secs(30), db.write_exclusive()).await;
        println!("{:?}: refused after {:?}", db.kind(), begun.elapsed());
        let refused = refused.expect("it is not waited for without end");
        assert!(
            matches!(refused, Err(DbError::Away(_))),
            "another than away"
        );
        drop(held);
        drop(db.write_exclusive().await.unwrap());
        db.close().await;
        other.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_statement_that_does_not_end_is_given_up_and_says_that_the_database_is_away() {
    each_db(async |db| {
        if db.kind() == DbKind::Sqlite {
            return;
        }
        let limit: String = sqlx::query_scalar("SHOW statement_timeout")
            .fetch_one(db.pool())
            .await
            .unwrap();
        assert_eq!(limit, "20s");
        // The same limit, so that a test need not wait for it.
        let mut tx = db.write().await.unwrap();
        tx.execute("SET LOCAL statement_timeout = '100ms'")
            .await
            .unwrap();
        let slept = timeout(Duration::from_secs(10), tx.execute("SELECT pg_sleep(60)")).await;
        let slept = slept
            .expect("it is given up")
            .map(drop)
            .map_err(DbError::from);
        assert!(matches!(slept, Err(DbError::Away(_))), "{slept:?}");
    })
    .await;
}

#[tokio::test]
async fn who_was_told_of_a_loss_by_an_earlier_release_is_not_told_again() {
    each_url(async |url| {
        earlier(&url, 5).await;
        let pool = AnyPool::connect(&url).await.unwrap();
        let told = "UPDATE vms SET reason = 'Its container is gone from far, and its files with it. Retry makes \
                    it anew.' WHERE id = 'v-2'";
        pool.execute(told).await.unwrap();
        pool.close().await;
        let db = Db::open(&url).await.unwrap();
        let vms = vm_list(&db, "u-ann").await.unwrap();
        let made: Vec<bool> = vms.iter().map(|vm| vm.created_once).collect();
        assert_eq!(made, [true, false]);
        db.close().await;
    })
    .await;
}

#[test]
fn the_list_of_migrations_is_whole() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let files = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, MIGRATIONS.map(|(name, _)| name));
}

/// A database as that release left it, filled; how many rows each table of the first has.
async fn earlier(url: &str, release: usize) -> BTreeMap<&'static str, i64> {
    install_default_drivers();
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in &MIGRATIONS[..release] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let pool = AnyPool::connect(url).await.unwrap();
    let migrator = Migrator::new(folder.path()).await.unwrap();
    migrator.run(&pool).await.unwrap();
    for statement in FILL {
        pool.execute(statement).await.unwrap();
    }
    let rows = counted(&pool).await;
    pool.close().await;
    rows
}

async fn counted<'c>(
    pool: impl Executor<'c, Database = Any> + Copy,
) -> BTreeMap<&'static str, i64> {
    let mut rows = BTreeMap::new();
    let lines = MIGRATIONS[0].1.lines();
    for table in lines.filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split(' ').next()) {
        let sql = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        let count: i64 = sqlx::query_scalar(sql).fetch_one(pool).await.unwrap();
        rows.insert(table, count);
    }
    assert_eq!(rows.len(), 9, "{rows:?}");
    rows
}

/// As pages and reconcilers read it.
async fn everything_is_read(db: &Db) {
    let ann = user_get_by_name(db, "ann").await.unwrap().unwrap();
    assert_eq!((ann.id.as_str(), ann.role), ("u-ann", Role::Member));
    assert_eq!((ann.quota.vms, ann.quota.vms_max), (2, 5));
    assert_eq!((ann.created_at, ann.active_at), (100, Some(200)));
    let hash = user_password_hash(db, "u-ann").await.unwrap().unwrap();
    assert!(hash.is("$argon2id$of-ann"));
    assert!(user_get_by_name(db, "gone").await.unwrap().is_none());
    assert!(user_name_taken(db, "gone").await.unwrap());

    let cookie = Secret::new("hash-of-a-cookie");
    let signed_in = login_session_find(db, &cookie, 1000)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(signed_in.actor.name, "ann");
    let sessions = login_session_list(db, "u-ann", 1000).await.unwrap();
    assert_eq!(sessions[0].device, "Firefox");

    let nodes = node_list(db).await.unwrap();
    assert_eq!((nodes.len(), nodes[0].local), (2, true));
    assert_eq!(nodes[1].policy, NodePolicy::Cordoned);
    assert_eq!(nodes[1].fingerprint.as_deref(), Some("abab"));
    let images = image_list(db).await.unwrap();
    assert!(images[0].hidden && images[1].is_default);

    let vms = vm_list(db, "u-ann").await.unwrap();
    assert_eq!((vms.len(), vms[0].network_index), (2, Some(3)));
    assert_eq!(vms[0].state, VmState::Running);
    assert_eq!((vms[0].generation, vms[0].started_at), (4, Some(150)));
    assert_eq!(vms[1].desired, DesiredState::Stopped);
    assert_eq!(vms[1].reason.as_deref(), Some("It did not start."));
    let shell = shell_get(db, "u-ann", "sh-1").await.unwrap().unwrap();
    assert_eq!((shell.vm_id.as_str(), shell.created_at), ("v-1", 170));

    let query = EventQuery {
        owner_id: Some("u-ann"),
        limit: 9,
        ..EventQuery::default()
    };
    let events = event_list(db, &query).await.unwrap();
    assert_eq!((events.len(), events[0].kind.as_str()), (1, "vm_create"));
    assert_eq!(events[0].detail.as_deref(), Some("alpine, small"));
    let note = setting_get(db, "note").await.unwrap();
    assert_eq!(note.as_deref(), Some("kept"));
    let all = counts(db).await.unwrap();
    assert_eq!((all.vms, all.vms_failed), (2, 1));
}

/// Those who were there before can have what came later.
async fn what_is_new_works(db: &Db) {
    let token = TokenRow {
        id: "t-1".into(),
        user_id: "u-ann".into(),
        name: "laptop".into(),
        scopes: Scopes::ALL,
        created_at: 1000,
        expires_at: None,
        used_at: None,
    };
    let hash = Secret::new("hash-of-a-token");
    let mut tx = db.write().await.unwrap();
    token_insert(&mut tx, &token, &hash).await.unwrap();
    tx.commit().await.unwrap();
    let found = token_find(db, &hash, 1000).await.unwrap().unwrap();
    assert_eq!(found.actor.name, "ann");
}

/// As docs/operations.md has it taken without a stop.
#[tokio::test]
async fn a_copy_by_vacuum_into_of_a_database_in_use_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&Db::sqlite_url(&folder.path().join("minicloud.db")))
        .await
        .unwrap();
    for number in 0..20 {
        user(&db, &format!("before{number}"), 1).await;
    }
    let writing = tokio::spawn({
        let db = db.clone();
        async move {
            for number in 0.. {
                user(&db, &format!("during{number}"), 1).await;
            }
        }
    });
    let copy = folder.path().join("backup.db");
    copy_into(&db, &copy).await;
    writing.abort();
    let copied = Db::open(&Db::sqlite_url(&copy)).await.unwrap();
    for number in 0..20 {
        let name = format!("before{number}");
        assert!(user_name_taken(&copied, &name).await.unwrap(), "{name}");
    }
    user(&copied, "after", 1).await;
}

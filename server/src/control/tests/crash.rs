//! A server that dies at the worst moments: before and after the commit, after the node acted, and
//! before the answer, of each change. The nodes live on in this process; the server is a process of
//! its own (this test program, run again), so that it can really die.

use std::{
    panic::AssertUnwindSafe,
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::Arc,
    time::Duration,
};

use app::model::{Role, VmState};
use futures_util::{FutureExt as _, StreamExt as _};
use node::driver::{
    Driver,
    docker::{DockerConfig, DockerDriver},
    sim::{SimConfig, SimDriver, SimEngine},
};

use super::cloud::{config, connect, serve};
use crate::{
    actor::Actor,
    config::Config,
    control::Control,
    db::{
        Db,
        testing::{user, within},
        vm::{vm_get, vm_list_any},
    },
};

/// What a dying process is told; the server: database, node, folder, image, user, and what to ask for.
pub const TOLD: &str = "MINICLOUD_TEST_CRASH";
/// Servers that die at the same time.
const AT_ONCE: usize = 4;
/// What a busy engine takes to make a container, or to end one.
const COMES: Duration = Duration::from_secs(90);
/// After which a process whose point was not hit gives up: later than anything that it waits for.
pub const GIVES_UP: Duration = Duration::from_secs(120);
const POINTS: [&str; 4] = [
    "before_commit",
    "after_commit",
    "node_acted",
    "before_answer",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Create,
    Start,
    Stop,
    Delete,
}

impl Change {
    pub const ALL: [Self; 4] = [Self::Create, Self::Start, Self::Stop, Self::Delete];

    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "vm_create",
            Self::Start => "vm_start",
            Self::Stop => "vm_stop",
            Self::Delete => "vm_delete",
        }
    }

    /// Brings about the state before.
    pub async fn prepare(self, control: &Control, db: &Db, actor: &Actor, what: &str) {
        if self.before().is_some() {
            Self::Create.ask(control, actor).await;
            comes(db, actor, Some(VmState::Running), what).await;
        }
        if self.before() == Some(VmState::Stopped) {
            Self::Stop.ask(control, actor).await;
            comes(db, actor, Some(VmState::Stopped), what).await;
        }
    }

    pub async fn ask(self, control: &Control, actor: &Actor) {
        let done = match self {
            Self::Create => control
                .vm_create(actor, "web1", "small", "alpine", false)
                .await
                .map(drop),
            Self::Start => control.vm_start(actor, "web1").await.map(drop),
            Self::Stop => control.vm_stop(actor, "web1").await.map(drop),
            Self::Delete => control.vm_delete(actor, "web1").await,
        };
        done.expect("it is accepted");
    }

    /// The state before it is asked for.
    fn before(self) -> Option<VmState> {
        match self {
            Self::Create => None,
            Self::Start => Some(VmState::Stopped),
            Self::Stop | Self::Delete => Some(VmState::Running),
        }
    }

    pub fn after(self) -> Option<VmState> {
        match self {
            Self::Create | Self::Start => Some(VmState::Running),
            Self::Stop => Some(VmState::Stopped),
            Self::Delete => None,
        }
    }
}

/// How often each point is hit (a minute in all): 20, or what `MINICLOUD_TEST_CRASH_ROUNDS` says.
fn rounds() -> usize {
    std::env::var("MINICLOUD_TEST_CRASH_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(20)
}

fn cases(rounds: usize) -> impl Iterator<Item = (Change, &'static str, usize)> {
    let points = |change, round| POINTS.into_iter().map(move |point| (change, point, round));
    (0..rounds).flat_map(move |round| {
        Change::ALL
            .into_iter()
            .flat_map(move |change| points(change, round))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_dies_anywhere_in_a_change_loses_doubles_and_leaves_nothing() {
    futures_util::stream::iter(cases(rounds()))
        .for_each_concurrent(AT_ONCE, |(change, point, round)| async move {
            let engine = SimEngine::new(SimConfig::default());
            let driver = Arc::new(SimDriver::new(engine, "node-1"));
            let what = format!("{}:{point}, round {round}", change.name());
            crash(driver, "alpine", change, point, &what).await;
        })
        .await;
}

/// The same once on a real engine, with `MINICLOUD_TEST_DOCKER=1`; one after the other, because
/// they use one network.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_dies_over_a_real_engine_loses_doubles_and_leaves_nothing() {
    if std::env::var("MINICLOUD_TEST_DOCKER").as_deref() != Ok("1") {
        return;
    }
    let image = std::env::var("MINICLOUD_TEST_IMAGE").unwrap_or_else(|_| "minicloud/base".into());
    let label = format!("crash-{}", uuid::Uuid::now_v7().simple());
    let config = DockerConfig {
        lock_dir: locks(),
        ..DockerConfig::new(&label)
    };
    let driver = Arc::new(DockerDriver::new(config).expect("a driver"));
    for (change, point, _) in cases(1) {
        let what = format!("{}:{point} on Docker", change.name());
        let case = crash(driver.clone(), &image, change, point, &what);
        let outcome = AssertUnwindSafe(case).catch_unwind().await;
        remove_all(driver.as_ref()).await;
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    }
}

/// The same for all nodes of the engine, whichever test they are of.
pub fn locks() -> PathBuf {
    "/tmp/minicloud-test-locks".into()
}

/// Removes all VMs of the node. One of another test may be sweeping a network away at that moment: then once more.
pub async fn remove_all(driver: &dyn Driver) {
    for vm in driver.vm_list().await.expect("a list") {
        within(COMES, "it goes", async || {
            driver.vm_delete(vm.spec.id).await.is_ok()
        })
        .await;
    }
}

async fn crash(driver: Arc<dyn Driver>, image: &str, change: Change, point: &str, what: &str) {
    let data = tempfile::tempdir().expect("a folder");
    let url = Db::sqlite_url(&data.path().join("minicloud.db"));
    let db = Db::open(&url).await.expect("SQLite opens");
    let ann = user(&db, "ann", 5).await;
    let (address, stop, node) = serve("node-1", driver.clone(), "127.0.0.1:0").await;

    // The state before, made by a server that ends well.
    let control = connect(&db, &address, crash_config(data.path(), image)).await;
    change.prepare(&control, &db, &ann, what).await;
    control.stop().await;
    db.close().await;

    // A server that dies.
    let folder = data.path().display().to_string();
    let told = [
        url.as_str(),
        &address,
        &folder,
        image,
        &ann.user_id,
        change.name(),
    ]
    .join("\n");
    let point_name = format!("{}:{point}", change.name());
    let name = "control::tests::crash::the_server_that_dies";
    let died = tokio::task::spawn_blocking(move || die(name, &told, &point_name));
    check_hit(&died.await.expect("it ran"), what);

    // The next one mends it.
    let db = Db::open(&url).await.expect("SQLite opens");
    let control = connect(&db, &address, crash_config(data.path(), image)).await;
    let committed = point != "before_commit";
    let expected = if committed {
        change.after()
    } else {
        change.before()
    };
    comes(&db, &ann, expected, what).await;
    check_whole(&db, driver.as_ref(), expected, what).await;
    control.stop().await;
    stop.cancel();
    node.await.expect("it ended well");
}

/// None is lost, none doubled, and none left.
pub async fn check_whole(db: &Db, driver: &dyn Driver, state: Option<VmState>, what: &str) {
    let wanted = vm_list_any(db).await.expect("rows").len();
    let there = driver.vm_list().await.expect("a list").len();
    assert_eq!(there, wanted, "{what}: as many containers as rows");
    assert_eq!(wanted, usize::from(state.is_some()), "{what}: rows");
}

pub fn crash_config(data: &std::path::Path, image: &str) -> Config {
    let mut config = config(data);
    config.images[0].reference = image.to_owned();
    // Out of the way of a MiniCloud that runs on the same engine; several, should one not be swept away yet.
    config.network_range = "10.127.253.0/24".into();
    config
}

/// Waits for the VM's state; None: no VM.
pub async fn comes(db: &Db, actor: &Actor, state: Option<VmState>, what: &str) {
    within(COMES, &format!("{what}: {state:?}"), async || {
        let row = vm_get(db, &actor.user_id, "web1").await.expect("a read");
        row.map(|row| row.state) == state
    })
    .await;
}

/// Fails unless the process died at its point.
pub fn check_hit(died: &Output, what: &str) {
    let said = String::from_utf8_lossy(&died.stderr);
    let hit = !died.status.success() && said.contains("hit: the process dies here");
    assert!(hit, "{what}: {said}");
}

/// Runs the test of that name as a process of its own, to its end at that point.
pub fn die(name: &str, told: &str, point: &str) -> Output {
    let program = std::env::current_exe().expect("this program");
    Command::new(program)
        .args([
            "--exact",
            name,
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(TOLD, told)
        .env("MINICLOUD_FAIL_POINT", point)
        .stdin(Stdio::null())
        .output()
        .expect("it runs")
}

/// The other half of the test above; without being told what to do it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the crash test, as a process of its own"]
async fn the_server_that_dies() {
    let Ok(told) = std::env::var(TOLD) else {
        return;
    };
    let parts: Vec<&str> = told.split('\n').collect();
    let [url, address, data, image, user_id, change] = parts[..] else {
        panic!("told too little")
    };
    let change = Change::ALL
        .into_iter()
        .find(|known| known.name() == change)
        .expect("a change");
    let ann = Actor {
        user_id: user_id.into(),
        name: "ann".into(),
        role: Role::Member,
    };
    let db = Db::open(url).await.expect("SQLite opens");
    let control = connect(
        &db,
        address,
        crash_config(std::path::Path::new(data), image),
    )
    .await;
    change.ask(&control, &ann).await;
    // The reconciler is to hit what the request did not.
    tokio::time::sleep(GIVES_UP).await;
    panic!("the point was not hit");
}

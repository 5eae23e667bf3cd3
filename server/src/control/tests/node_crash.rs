//! A node that dies at the worst moments: before and after its engine acted, and before the answer, of each change. The
//! server lives on in this process; the node is a process of its own (this test program, run again), so that it can
//! really die. On a real engine alone: what a simulated one has made dies with it.

use std::{
    collections::BTreeSet,
    fs,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use node::driver::docker::{DockerConfig, DockerDriver};

use super::{
    cloud::{CREDENTIAL, connect, serve},
    crash::{
        Change, GIVES_UP, TOLD, check_hit, check_whole, comes, crash_config, die, locks, remove_all,
    },
};
use crate::db::{
    Db,
    testing::{user, within},
};

const POINTS: [&str; 3] = ["before_engine", "engine_acted", "before_report"];
/// For a process to begin, on a machine that is busy.
const BEGINS: Duration = Duration::from_secs(60);
/// A node looks every 20 s for networks that nobody is in any more; three times that is the test's patience.
const SWEPT: Duration = Duration::from_secs(60);

/// What all lives of the node have in common.
#[derive(Clone)]
struct Place {
    /// On its containers.
    label: String,
    locks: PathBuf,
}

impl Place {
    fn driver(&self) -> Arc<DockerDriver> {
        Arc::new(DockerDriver::new(self.config()).expect("a driver"))
    }

    fn config(&self) -> DockerConfig {
        DockerConfig {
            lock_dir: self.locks.clone(),
            ..DockerConfig::new(&self.label)
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_dies_anywhere_in_a_change_loses_doubles_and_leaves_nothing() {
    if std::env::var("MINICLOUD_TEST_DOCKER").as_deref() != Ok("1") {
        return;
    }
    let begun = Instant::now();
    let place = Place {
        label: format!("node-crash-{}", uuid::Uuid::now_v7().simple()),
        locks: locks(),
    };
    let driver = place.driver();
    let mut owners = BTreeSet::new();
    for change in Change::ALL {
        for point in POINTS {
            let case = AssertUnwindSafe(crash(&place, change, point));
            let outcome = case.catch_unwind().await;
            remove_all(driver.as_ref()).await;
            match outcome {
                Ok(owner) => owners.insert(owner),
                Err(panic) => std::panic::resume_unwind(panic),
            };
        }
    }
    within(SWEPT, "no network is left", async || {
        tokio::time::sleep(Duration::from_millis(500)).await;
        network_owners(&place).is_disjoint(&owners)
    })
    .await;
    println!("a node died 12 times: {:?} in all", begun.elapsed());
}

/// The id of the VM's owner.
async fn crash(place: &Place, change: Change, point: &str) -> String {
    let point = format!("{}:{point}", change.name());
    let what = format!("{point} of a node");
    let data = tempfile::tempdir().expect("a folder");
    let url = Db::sqlite_url(&data.path().join("minicloud.db"));
    let db = Db::open(&url).await.expect("SQLite opens");
    let ann = user(&db, "ann", 5).await;
    let image = std::env::var("MINICLOUD_TEST_IMAGE").unwrap_or_else(|_| "minicloud/base".into());
    let mut config = crash_config(data.path(), &image);
    // Out of other tests' way.
    config.network_range = "10.127.254.0/24".into();

    // A node that dies.
    let (locks, folder) = (place.locks.display(), data.path().display());
    let told = format!("{}\n{locks}\n{folder}", place.label);
    let name = "control::tests::node_crash::the_node_that_dies";
    let dies = tokio::task::spawn_blocking(move || die(name, &told, &point));
    let address = address(data.path(), &what).await;
    let control = connect(&db, &address, config).await;
    change.prepare(&control, &db, &ann, &what).await;
    change.ask(&control, &ann).await;
    check_hit(&dies.await.expect("it ran"), &what);

    // The next one mends it.
    let driver = place.driver();
    let (address, stop, node) = serve("node-1", driver.clone(), "127.0.0.1:0").await;
    let taken = control.node_local_ensure("node-1", &address, CREDENTIAL);
    taken.await.expect("the node is taken");
    comes(&db, &ann, change.after(), &what).await;
    check_whole(&db, driver.as_ref(), change.after(), &what).await;
    control.stop().await;
    stop.cancel();
    node.await.expect("it ended well");
    ann.user_id
}

/// Where the node of another process answers.
async fn address(folder: &Path, what: &str) -> String {
    let mut address = String::new();
    within(BEGINS, &format!("{what}: it begins"), async || {
        address = fs::read_to_string(folder.join("address")).unwrap_or_default();
        !address.is_empty()
    })
    .await;
    address
}

/// Whose networks the engine has.
fn network_owners(place: &Place) -> BTreeSet<String> {
    let format = "{{.Label \"org.minicloud.owner\"}}";
    let mut docker = Command::new("docker");
    docker.args(["--host", &place.config().host, "network", "ls"]);
    let listed = docker.args(["--format", format]).output().expect("docker");
    assert!(listed.status.success(), "{listed:?}");
    let text = String::from_utf8_lossy(&listed.stdout);
    text.lines().map(str::to_owned).collect()
}

/// The other half of the test above; without being told what to do it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the crash test, as a process of its own"]
async fn the_node_that_dies() {
    let Ok(told) = std::env::var(TOLD) else {
        return;
    };
    let parts: Vec<&str> = told.split('\n').collect();
    let [label, locks, folder] = parts[..] else {
        panic!("told too little")
    };
    let place = Place {
        label: label.to_owned(),
        locks: locks.into(),
    };
    let (address, _stop, _node) = serve("node-1", place.driver(), "127.0.0.1:0").await;
    // Whole, or not there.
    let folder = Path::new(folder);
    fs::write(folder.join("address.new"), address).expect("written");
    fs::rename(folder.join("address.new"), folder.join("address")).expect("renamed");
    tokio::time::sleep(GIVES_UP).await;
    panic!("the point was not hit");
}

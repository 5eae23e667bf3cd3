//! A whole server on a port of its own, over one simulated node, with six kinds of people.

#[path = "house/ask.rs"]
mod ask;
#[path = "house/database.rs"]
mod database;
#[path = "house/people.rs"]
mod people;
#[path = "house/thing.rs"]
mod thing;

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    panic::AssertUnwindSafe,
    path::Path,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use app::model::LogLevel;
use futures_util::FutureExt as _;
use node::{
    Credential, Node, NodeConfig,
    driver::{
        Driver,
        sim::{SimConfig, SimDriver, SimEngine},
    },
};
use node_api::ssh::SshPorts;
use reqwest::Client;
use server::{
    config::{Config, ImageConfig},
    log::{HubLayer, LogHub},
    secret::Secret,
    serve::Server,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::{
    Layer as _, filter::LevelFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

pub use ask::Answer;
pub use people::{PASSWORD, PEOPLE, Person};
pub use thing::SSH_KEY;

use database::Postgres;

pub const CREDENTIAL: &str = "0123456789abcdef0123456789abcdef";

pub struct House {
    pub server: Server,
    pub base: String,
    /// Where the JSON API is alone.
    pub api_base: String,
    client: Client,
    cookies: BTreeMap<Person, String>,
    /// An API token of each, with all scopes they can have.
    pub tokens: BTreeMap<Person, String>,
    /// What stands for `{…}` in paths and arguments: Ann's things, and what others need.
    pub things: BTreeMap<String, String>,
    /// That of `node-1`, where it is a simulated one.
    engine: Option<Arc<SimEngine>>,
    database_url: String,
    pub node_stop: CancellationToken,
    node_2_stop: CancellationToken,
    _data: tempfile::TempDir,
}

/// Runs a test in a house over SQLite, and in another over PostgreSQL where `MINICLOUD_TEST_DATABASE_URL`
/// names a server.
pub async fn in_each_house(test: impl AsyncFn(House)) {
    test(House::new().await).await;
    let Ok(server) = std::env::var("MINICLOUD_TEST_DATABASE_URL") else {
        return;
    };
    let postgres = Postgres::new(&server).await;
    let url = postgres.url.clone();
    let living = async { test(House::at(Some(url)).await).await };
    // Dropped even when the test fails, so that a long day of tests leaves nothing behind.
    let outcome = AssertUnwindSafe(living).catch_unwind().await;
    postgres.drop().await;
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// For what takes a moment, on a machine that is busy.
const SOON: Duration = Duration::from_secs(120);

/// Waits until something is so; else fails with what was waited for.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < SOON, "not within {SOON:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl House {
    /// Over SQLite.
    pub async fn new() -> Self {
        Self::at(None).await
    }

    async fn at(database_url: Option<String>) -> Self {
        let engine = SimEngine::new(SimConfig::default());
        let driver = Arc::new(SimDriver::new(engine.clone(), "node-1"));
        Self::build(driver, "alpine", Some(engine), database_url).await
    }

    /// Over another node; `image` is what the catalogue's `alpine` is made of.
    pub async fn over(driver: Arc<dyn Driver>, image: &str) -> Self {
        Self::build(driver, image, None, None).await
    }

    async fn build(
        driver: Arc<dyn Driver>,
        image: &str,
        engine: Option<Arc<SimEngine>>,
        database_url: Option<String>,
    ) -> Self {
        // The nodes' client needs it; another test of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let data = tempfile::tempdir().unwrap();
        site(data.path());
        let mut config = config(data.path(), image);
        config.database_url = database_url.clone().map(Secret::new);
        let server = Server::start(config, hub()).await.unwrap();
        let (node_stop, address) = serve_node("node-1", driver).await;
        server
            .state
            .control
            .node_local_ensure("node-1", &address, CREDENTIAL)
            .await
            .unwrap();
        // One that an admin can add.
        let other = SimDriver::new(SimEngine::new(SimConfig::default()), "node-2");
        let (node_2_stop, address_2) = serve_node("node-2", Arc::new(other)).await;
        let base = format!("http://{}", server.listen);
        let api_base = format!("http://{}", server.api_listen.unwrap());
        let client = Client::builder().redirect(reqwest::redirect::Policy::none());
        // Longer than any answer is asked to wait.
        let client = client.timeout(SOON).build().unwrap();
        let file = data.path().join("minicloud.db");
        let mut house = Self {
            server,
            base,
            api_base,
            client,
            cookies: BTreeMap::new(),
            tokens: BTreeMap::new(),
            things: BTreeMap::from([
                ("node2".to_owned(), address_2),
                ("credential".to_owned(), CREDENTIAL.to_owned()),
            ]),
            engine,
            database_url: database_url.unwrap_or_else(|| format!("sqlite://{}", file.display())),
            node_stop,
            node_2_stop,
            _data: data,
        };
        house.people_move_in().await;
        house.ann_makes_things().await;
        house
    }

    pub async fn end(self) {
        self.server.end().await;
        self.node_stop.cancel();
        self.node_2_stop.cancel();
    }

    /// What the VMs of `node-1` run on.
    pub fn engine(&self) -> &SimEngine {
        self.engine.as_deref().expect("the node is a simulated one")
    }

    /// Has the server log this, as if it came from that source.
    pub fn log(&self, source: &str, level: LogLevel, message: &str) {
        let logs = &self.server.state.logs;
        logs.push(source, 0, level, message, None);
    }

    /// The port of the SSH gateway.
    pub fn ssh_port(&self) -> u16 {
        self.server.ssh_listen.unwrap().port()
    }

    /// Puts things in for `{…}`.
    pub fn fill(&self, value: &str, person: Person) -> String {
        let value = value.replace("{person}", &person.word());
        self.things.iter().fold(value, |value, (key, thing)| {
            value.replace(&format!("{{{key}}}"), thing)
        })
    }
}

fn config(data_dir: &Path, image: &str) -> Config {
    Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        api_listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        ssh_listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        data_dir: data_dir.to_owned(),
        site_root: data_dir.join("site"),
        node_ports: Vec::new(),
        network_range: network_range(),
        admin_password: Some(Secret::new(PASSWORD)),
        images: vec![ImageConfig {
            name: "alpine".into(),
            reference: image.into(),
            summary: "Alpine".into(),
            ssh_server: Some(app::model::SshServer::Dropbear),
        }],
        ..Config::default()
    }
}

/// Not that of a MiniCloud beside this one, and hardly that of another house: on one engine a VM fails whose owner
/// meets with six networks of others.
fn network_range() -> String {
    let id = uuid::Uuid::now_v7();
    let [.., high, low] = *id.as_bytes();
    format!("10.{}.{}.0/22", 96 + high % 16, low & 0xfc)
}

/// Ports for VMs' SSH: twenty of those of this test run, somewhere below those that connections get.
fn ssh_ports() -> SshPorts {
    let id = uuid::Uuid::now_v7();
    let [.., high, low] = *id.as_bytes();
    let first = 20_000 + u16::from_be_bytes([high, low]) % 10_000;
    SshPorts {
        first,
        last: first + 19,
        listen: [127, 0, 0, 1].into(),
        host: None,
    }
}

/// What this process logs, whichever house it is in.
fn hub() -> LogHub {
    static HUB: OnceLock<LogHub> = OnceLock::new();
    let begin = || {
        let hub = LogHub::default();
        let layer = HubLayer(hub.clone()).with_filter(LevelFilter::INFO);
        // Another test of this process may have its own.
        let _ = tracing_subscriber::registry().with(layer).try_init();
        hub
    };
    HUB.get_or_init(begin).clone()
}

/// A bundle of which the files are there that the API's own page needs.
fn site(data_dir: &Path) {
    let site = data_dir.join("site");
    fs::create_dir_all(site.join("pkg")).unwrap();
    fs::write(site.join("pkg/minicloud.css"), "main { margin: auto }\n").unwrap();
    fs::write(site.join("favicon.svg"), "<svg/>\n").unwrap();
}

async fn serve_node(name: &str, driver: Arc<dyn Driver>) -> (CancellationToken, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let config = NodeConfig {
        // Few of them, where other tests look seldom.
        ssh_ports: Some(ssh_ports()),
        ..NodeConfig::new(name, Credential::new(CREDENTIAL).unwrap())
    };
    let node = Node::new(config, driver);
    let stop = node.shutdown_token();
    tokio::spawn(node.serve(listener));
    (stop, address)
}

//! A small cloud for a test: a database, control, and simulated nodes on ports of their own.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use app::model::{AppError, NodeHealth, VmState, VmView};
use node::{
    Credential, Node, NodeConfig,
    driver::{
        Driver,
        sim::{SimConfig, SimDriver, SimEngine},
    },
};
use node_api::ssh::SshPorts;
use sha2::{Digest as _, Sha256};
use tokio::{
    net::{TcpListener, TcpSocket},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::{
    actor::Actor,
    config::{Config, ImageConfig},
    control::{Control, ControlError},
    db::{
        Db,
        event::{EventQuery, event_list},
        testing::{admin_insert, eventually},
        vm::{VmRow, vm_get, vm_list_any},
    },
};

/// Where the first simulated node publishes SSH: few, so that a test can take them all. Each has its own part.
pub const SSH_PORTS: SshPorts = SshPorts {
    first: 22_000,
    last: 22_007,
    listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
    host: None,
};

/// Of every simulated node.
pub const CREDENTIAL: &str = "0123456789abcdef0123456789abcdef";

/// To be ended by [`Cloud::end`], so that no task of it outlives the test's database.
pub struct Cloud {
    pub db: Db,
    pub control: Control,
    pub config: Arc<Config>,
    /// By name, `node-1` first.
    pub nodes: Vec<SimNode>,
    _data: tempfile::TempDir,
}

/// A node in this process; its engine outlives it.
pub struct SimNode {
    pub name: String,
    /// To make it fail, and to look at its containers.
    pub engine: Arc<SimEngine>,
    /// `http://127.0.0.1:PORT`
    pub address: String,
    stop: CancellationToken,
    task: JoinHandle<()>,
    /// Keeps its port while it is down, or another test would be given it. Nobody listens there.
    port: Option<TcpSocket>,
}

impl SimNode {
    /// `listen` is an address with a port, which may be 0.
    pub async fn begin(name: &str, engine: Arc<SimEngine>, listen: &str) -> Self {
        let driver = Arc::new(SimDriver::new(engine.clone(), name));
        let (address, stop, task) = serve(name, driver, listen).await;
        Self {
            name: name.to_owned(),
            engine,
            address,
            stop,
            task,
            port: None,
        }
    }

    /// Ends the node's process, so to say; its containers live on.
    pub async fn end(&mut self) {
        self.stop.cancel();
        (&mut self.task).await.expect("it ended well");
        self.port = keep(self.listen());
    }

    /// Begins it anew on the same port, over the same containers.
    pub async fn begin_again(&mut self) {
        let kept = self.port.take();
        *self = Self::begin(&self.name, self.engine.clone(), self.listen()).await;
        drop(kept);
    }

    fn listen(&self) -> &str {
        self.address.strip_prefix("http://").expect("http")
    }
}

/// Takes a port that was given back just now, so that who names it can have it all the same, but nobody who wants
/// any. None: somebody was quicker.
fn keep(listen: &str) -> Option<TcpSocket> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.set_reuseaddr(true).ok()?;
    socket.bind(listen.parse().ok()?).ok()?;
    Some(socket)
}

/// A node over any driver: its address, what ends it, and its task.
pub async fn serve(
    name: &str,
    driver: Arc<dyn Driver>,
    listen: &str,
) -> (String, CancellationToken, JoinHandle<()>) {
    begin(node_config(name), driver, listen, None).await
}

/// A node that closes shells which nobody has used for so long.
pub async fn serve_impatient(
    name: &str,
    driver: Arc<dyn Driver>,
    idle: Duration,
) -> (String, CancellationToken, JoinHandle<()>) {
    let mut config = node_config(name);
    config.shells.idle = idle;
    begin(config, driver, "127.0.0.1:0", None).await
}

/// The same over TLS, with a certificate made for it; its fingerprint too.
pub async fn serve_tls(
    name: &str,
    driver: Arc<dyn Driver>,
) -> (String, String, CancellationToken, JoinHandle<()>) {
    let made = rcgen::generate_simple_self_signed(vec!["node".to_owned()]).expect("made");
    let folder = tempfile::tempdir().expect("a folder");
    let (cert, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(&cert, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let tls = node::tls::acceptor(&cert, &key).expect("a certificate and its key");
    let fingerprint = Sha256::digest(made.cert.der());
    let fingerprint: String = fingerprint
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let config = node_config(name);
    let (address, stop, task) = begin(config, driver, "127.0.0.1:0", Some(tls)).await;
    (address, fingerprint, stop, task)
}

/// The part of the node of that number.
fn ssh_ports(name: &str) -> SshPorts {
    let number = name
        .strip_prefix("node-")
        .and_then(|number| number.parse::<u16>().ok());
    let before = (number.unwrap_or(1) - 1) * (SSH_PORTS.last - SSH_PORTS.first + 1);
    SshPorts {
        first: SSH_PORTS.first + before,
        last: SSH_PORTS.last + before,
        ..SSH_PORTS
    }
}

fn node_config(name: &str) -> NodeConfig {
    NodeConfig {
        ssh_ports: Some(ssh_ports(name)),
        ..NodeConfig::new(name, Credential::new(CREDENTIAL).expect("good"))
    }
}

async fn begin(
    config: NodeConfig,
    driver: Arc<dyn Driver>,
    listen: &str,
    tls: Option<TlsAcceptor>,
) -> (String, CancellationToken, JoinHandle<()>) {
    let listener = TcpListener::bind(listen).await.expect("a port");
    let scheme = if tls.is_some() { "https" } else { "http" };
    let address = format!("{scheme}://{}", listener.local_addr().expect("its number"));
    let node = Node::new(config, driver).with_tls(tls);
    let stop = node.shutdown_token();
    (address, stop, tokio::spawn(node.serve(listener)))
}

/// A server over a node at that address, once it is ready.
pub async fn connect(db: &Db, address: &str, config: Config) -> Control {
    let control = Control::start(db.clone(), Arc::new(config), |_, _| {})
        .await
        .expect("it starts");
    let taken = control
        .node_local_ensure("node-1", address, CREDENTIAL)
        .await;
    taken.expect("the node is taken");
    eventually("the node is ready", async || {
        let overview = control.overview().await.expect("an overview");
        let mut nodes = overview.nodes.iter();
        nodes.all(|node| node.health == NodeHealth::Ready)
    })
    .await;
    control
}

impl Cloud {
    /// As [`Cloud::with`], with everything as it is by default.
    pub async fn new(db: Db, nodes: usize) -> Self {
        Self::with(db, nodes, SimConfig::default(), |_| {}).await
    }

    /// So many nodes, each with an engine of its own.
    pub async fn with(
        db: Db,
        nodes: usize,
        engine: SimConfig,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let mut config = config(data.path());
        change(&mut config);
        let config = Arc::new(config);
        let mut begun = Vec::new();
        for number in 1..=nodes {
            let engine = SimEngine::new(engine.clone());
            begun.push(SimNode::begin(&format!("node-{number}"), engine, "127.0.0.1:0").await);
        }
        admin_insert(&db, &admin()).await;
        let control = Self::control(&db, &config, &begun).await;
        let cloud = Self {
            db,
            control,
            config,
            nodes: begun,
            _data: data,
        };
        cloud.all_ready().await;
        cloud
    }

    async fn control(db: &Db, config: &Arc<Config>, nodes: &[SimNode]) -> Control {
        let control = Control::start(db.clone(), config.clone(), |_, _| {})
            .await
            .expect("it starts");
        for node in nodes {
            control
                .node_local_ensure(&node.name, &node.address, CREDENTIAL)
                .await
                .expect("the node is taken");
        }
        control
    }

    /// The server ends and another one begins.
    pub async fn restart(&mut self) {
        self.control.stop().await;
        self.control = Self::control(&self.db, &self.config, &self.nodes).await;
    }

    /// The server ends, and another one begins over that copy of its database.
    pub async fn restore(&mut self, copy: Db) {
        self.control.stop().await;
        std::mem::replace(&mut self.db, copy).close().await;
        self.control = Self::control(&self.db, &self.config, &self.nodes).await;
    }

    /// Waits until the list of the node of that name was taken in some times more.
    pub async fn looked_at(&self, node: &str) {
        let mut entries = self.control.0.registry.list().into_iter();
        let entry = entries.find(|entry| entry.name == node);
        let node_id = entry.expect("a node").id.clone();
        for _ in 0..3 {
            let before = self.control.0.fleet.listed_at(&node_id);
            self.control.wake_nodes(std::slice::from_ref(&node_id));
            eventually("the node is looked at", async || {
                self.control.0.fleet.listed_at(&node_id) != before
            })
            .await;
        }
    }

    /// Waits until every node can take VMs.
    pub async fn all_ready(&self) {
        eventually("every node is ready", async || {
            let nodes = self.control.node_list(&admin()).await.expect("nodes");
            nodes.iter().all(|node| node.health == NodeHealth::Ready)
        })
        .await;
    }

    /// Server first, then the nodes, each to its end.
    pub async fn end(mut self) {
        self.control.stop().await;
        for node in &mut self.nodes {
            node.end().await;
        }
    }

    /// Makes a small VM.
    pub async fn create(&self, actor: &Actor, name: &str) -> Result<VmView, ControlError> {
        self.control
            .vm_create(actor, name, "small", "alpine", false)
            .await
    }

    /// Makes a small VM and waits until it runs.
    pub async fn run(&self, actor: &Actor, name: &str) -> VmView {
        self.create(actor, name).await.expect("it is created");
        self.comes(actor, name, VmState::Running).await
    }

    /// The VM as its owner's list shows it now.
    pub async fn see(&self, actor: &Actor, name: &str) -> Option<VmView> {
        let list = self.control.vm_list(actor).await.expect("a list");
        list.vms.into_iter().find(|vm| vm.name == name)
    }

    /// Waits until the VM is in that state.
    pub async fn comes(&self, actor: &Actor, name: &str, state: VmState) -> VmView {
        let mut last = None;
        eventually(&format!("{name} is {state:?}"), async || {
            last = self.see(actor, name).await;
            last.as_ref().is_some_and(|vm| vm.state == state)
        })
        .await;
        last.expect("seen")
    }

    /// Waits until the owner's list has it no more.
    pub async fn gone(&self, actor: &Actor, name: &str) {
        eventually(&format!("{name} is gone"), async || {
            self.see(actor, name).await.is_none()
        })
        .await;
    }

    /// The row of a VM that must be there.
    pub async fn row(&self, actor: &Actor, name: &str) -> VmRow {
        vm_get(&self.db, &actor.user_id, name)
            .await
            .expect("a read")
            .expect("a row")
    }

    /// Everybody's.
    pub async fn rows(&self) -> Vec<VmRow> {
        vm_list_any(&self.db).await.expect("rows")
    }

    /// How many VMs are placed on each node.
    pub async fn placed(&self) -> Vec<usize> {
        let rows = self.rows().await;
        let on = |node: &SimNode| {
            rows.iter()
                .filter(|row| row.node.as_deref() == Some(&node.name))
                .count()
        };
        self.nodes.iter().map(on).collect()
    }

    /// Containers there are on all nodes.
    pub fn containers(&self) -> usize {
        self.nodes.iter().map(|node| node.engine.vms().len()).sum()
    }

    /// Kinds of the events that an owner sees of a VM, oldest first.
    pub async fn kinds(&self, actor: &Actor, vm: &str) -> Vec<String> {
        let query = EventQuery {
            owner_id: Some(&actor.user_id),
            subject: Some(vm),
            limit: 100,
            ..EventQuery::default()
        };
        let mut rows = event_list(&self.db, &query).await.expect("events");
        rows.reverse();
        rows.into_iter().map(|row| row.kind).collect()
    }
}

/// The configuration of a test: one image, which every simulated engine has; no local nodes.
pub fn config(data_dir: &std::path::Path) -> Config {
    Config {
        data_dir: data_dir.to_owned(),
        node_ports: Vec::new(),
        images: vec![ImageConfig {
            name: "alpine".into(),
            reference: "alpine".into(),
            summary: "Alpine".into(),
            ssh_server: Some(app::model::SshServer::Dropbear),
        }],
        ..Config::default()
    }
}

/// An admin who is in no table: control is told who asks, and believes it.
pub fn admin() -> Actor {
    Actor {
        user_id: uuid::Uuid::nil().to_string(),
        name: "root".into(),
        role: app::model::Role::Admin,
    }
}

/// A refusal as the person sees it.
pub fn words<T: std::fmt::Debug>(done: Result<T, ControlError>) -> AppError {
    done.expect_err("a refusal").answer("r-1")
}

/// The id of a VM as nodes know it.
pub fn id(vm: &VmView) -> uuid::Uuid {
    vm.id.parse().expect("an id")
}

//! A node in this process, over a simulated engine, and a caller with its credential.
#![allow(dead_code)] // each test file uses its own part

use std::{net::SocketAddr, sync::Arc, time::Duration};

use node::{
    Credential, Node, NodeConfig,
    driver::{
        Driver,
        sim::{SimConfig, SimDriver, SimEngine},
    },
};
use node_api::{
    ssh::SshPorts,
    vm::{NetworkSpec, VmPut, VmSpec},
};
use reqwest::{Method, RequestBuilder, Response};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// Nothing in these tests takes so long unless it is broken.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A node that serves until it is dropped.
pub struct TestNode {
    pub address: SocketAddr,
    pub shutdown: CancellationToken,
    pub engine: Arc<SimEngine>,
    client: reqwest::Client,
}

impl TestNode {
    /// A node over an engine of its own.
    pub async fn new() -> Self {
        Self::over(SimEngine::new(SimConfig::default()), "node-1").await
    }

    /// A node over an engine that is there already.
    pub async fn over(engine: Arc<SimEngine>, name: &str) -> Self {
        let driver = Arc::new(SimDriver::new(engine.clone(), name));
        let (address, shutdown) = serve(name, driver).await;
        Self {
            address,
            shutdown,
            engine,
            client: client(),
        }
    }

    /// A request with the credential.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(SECRET)
    }

    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.address);
        self.client.request(method, url)
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path)
            .send()
            .await
            .expect("an answer")
    }

    pub async fn post(&self, path: &str) -> Response {
        self.request(Method::POST, path)
            .send()
            .await
            .expect("an answer")
    }

    /// Creates a VM, and starts it.
    pub async fn put(&self, spec: &VmSpec) -> Response {
        let body = VmPut {
            spec: spec.clone(),
            start: true,
        };
        self.request(Method::PUT, &format!("/v1/vms/{}", spec.id))
            .json(&body)
            .send()
            .await
            .expect("an answer")
    }
}

impl Drop for TestNode {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Serves a node on a free port.
pub async fn serve(name: &str, driver: Arc<dyn Driver>) -> (SocketAddr, CancellationToken) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("bound");
    let config = NodeConfig {
        ssh_ports: Some(SshPorts {
            first: 22_000,
            last: 22_009,
            listen: [127, 0, 0, 1].into(),
            host: None,
        }),
        ..NodeConfig::new(name, Credential::new(SECRET).expect("good"))
    };
    let node = Node::new(config, driver);
    let shutdown = node.shutdown_token();
    tokio::spawn(node.serve(listener));
    (address, shutdown)
}

pub fn client() -> reqwest::Client {
    // The second one to install it is told so; either will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .build()
        .expect("a client")
}

/// A small VM of an owner; the network is the owner's own.
pub fn spec(name: &str, owner: u128) -> VmSpec {
    VmSpec {
        id: Uuid::now_v7(),
        name: name.to_owned(),
        owner_id: Uuid::from_u128(owner),
        image: "minicloud/base".into(),
        cpu_millis: 500,
        memory_mib: 64,
        disk_gib: 1,
        network: NetworkSpec {
            name: format!("mc{:010x}", owner & 0xff_ffff_ffff),
            subnet: format!("10.79.{}.{}/27", (owner >> 3) & 0xff, (owner & 7) * 32),
        },
        ssh_port: None,
    }
}

/// Waits until something holds.
pub async fn until(what: &str, holds: impl AsyncFnMut() -> bool) {
    until_within(PATIENCE, what, holds).await;
}

/// The same, for what may take longer.
pub async fn until_within(patience: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = std::time::Instant::now();
    while !holds().await {
        assert!(
            began.elapsed() < patience,
            "not within {patience:?}: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

//! What can be configured, with its defaults. Order: built in, `Leptos.toml` (table `[minicloud]`),
//! environment (`MINICLOUD_…`), flags; later ones win.

mod load;

use std::{net::SocketAddr, path::PathBuf};

use app::model::Registration;
use serde::Deserialize;

pub use load::{ConfigError, Flags};

use crate::secret::Secret;

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the pages listen.
    pub listen: SocketAddr,
    /// Where the JSON API listens alone; None: nowhere.
    pub api_listen: Option<SocketAddr>,
    /// Where the SSH gateway listens; None (an empty text): nowhere.
    #[serde(deserialize_with = "load::address_or_nowhere")]
    pub ssh_listen: Option<SocketAddr>,
    /// The exact addresses people use (`http://192.168.1.5:5555`); Host and Origin must be one of them.
    pub public_urls: Vec<String>,
    /// Proxies whose X-Forwarded-For and -Proto are believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub data_dir: PathBuf,
    /// `postgres://…`; None: SQLite in the data folder.
    pub database_url: Option<Secret>,
    /// Ports of the local nodes; empty: remote nodes only.
    pub node_ports: Vec<u16>,
    /// The node program; None: beside this one.
    pub node_bin: Option<PathBuf>,
    /// `docker` or `sim`.
    pub node_driver: String,
    pub docker_host: Option<String>,
    /// Where the bundled pages are.
    pub site_root: PathBuf,
    pub registration: Registration,
    pub invite_code: Option<Secret>,
    /// Password of `admin` at the first start, instead of admin/admin.
    pub admin_password: Option<Secret>,
    /// Needed on `/metrics` once listening beyond loopback.
    pub metrics_token: Option<Secret>,
    /// `round-robin`, `spread` or `bin-pack`.
    pub placement: Strategy,
    /// Every user's quota until an admin sets another.
    pub quota: QuotaConfig,
    pub flavors: Vec<FlavorConfig>,
    /// The catalogue at the first start; after that it is kept in the database.
    pub images: Vec<ImageConfig>,
    /// IPv4 range that users' /27 networks are cut from.
    pub network_range: String,
    /// Days a stopped VM is kept; None: for ever.
    pub stopped_retention_days: Option<u32>,
    pub log: String,
}

/// How a node is picked among those that fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    #[default]
    RoundRobin,
    Spread,
    BinPack,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaConfig {
    pub vms: u32,
    pub cpu_millis: u32,
    pub memory_mib: u32,
    pub disk_gib: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlavorConfig {
    pub name: String,
    pub cpu_millis: u32,
    pub memory_mib: u32,
    pub disk_gib: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageConfig {
    pub name: String,
    pub reference: String,
    pub summary: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 5555)),
            api_listen: Some(SocketAddr::from(([127, 0, 0, 1], 8000))),
            ssh_listen: Some(SocketAddr::from(([127, 0, 0, 1], 2222))),
            public_urls: Vec::new(),
            trusted_proxies: Vec::new(),
            tls_cert: None,
            tls_key: None,
            data_dir: "data".into(),
            database_url: None,
            node_ports: vec![5000, 5001],
            node_bin: None,
            node_driver: "docker".into(),
            docker_host: None,
            site_root: "target/site".into(),
            registration: Registration::Open,
            invite_code: None,
            admin_password: None,
            metrics_token: None,
            placement: Strategy::RoundRobin,
            quota: QuotaConfig {
                vms: 5,
                cpu_millis: 4000,
                memory_mib: 4096,
                disk_gib: 20,
            },
            flavors: vec![
                flavor("small", 500, 256, 2),
                flavor("medium", 1000, 1024, 8),
                flavor("large", 2000, 2048, 16),
            ],
            images: vec![ImageConfig {
                name: "alpine".into(),
                reference: "alpine:3".into(),
                summary: "Alpine Linux: small and quick, packages by apk".into(),
            }],
            network_range: "10.64.0.0/12".into(),
            stopped_retention_days: None,
            log: "info".into(),
        }
    }
}

fn flavor(name: &str, cpu_millis: u32, memory_mib: u32, disk_gib: u32) -> FlavorConfig {
    FlavorConfig {
        name: name.into(),
        cpu_millis,
        memory_mib,
        disk_gib,
    }
}

impl Config {
    /// True when anything listens beyond this machine.
    pub fn is_open(&self) -> bool {
        let beyond = |at: SocketAddr| !at.ip().is_loopback();
        self.is_http_open() || self.ssh_listen.is_some_and(beyond)
    }

    /// The same of the pages and the JSON API alone.
    pub fn is_http_open(&self) -> bool {
        let beyond = |at: SocketAddr| !at.ip().is_loopback();
        beyond(self.listen) || self.api_listen.is_some_and(beyond)
    }

    /// True when people reach it by https, so that cookies can be `__Host-` and Secure.
    pub fn is_tls(&self) -> bool {
        self.tls_cert.is_some()
            || self
                .public_urls
                .iter()
                .any(|url| url.starts_with("https://"))
    }

    /// The address to print and to link to.
    pub fn address(&self) -> String {
        self.public_urls
            .first()
            .cloned()
            .unwrap_or_else(|| format!("http://{}", self.listen))
    }

    /// The addresses that Host and Origin may name, without a trailing slash.
    pub fn origins(&self) -> Vec<String> {
        let mut origins: Vec<String> = self
            .public_urls
            .iter()
            .map(|url| url.trim_end_matches('/').to_owned())
            .collect();
        let scheme = if self.tls_cert.is_some() {
            "https"
        } else {
            "http"
        };
        for at in [Some(self.listen), self.api_listen].into_iter().flatten() {
            origins.push(format!("{scheme}://127.0.0.1:{}", at.port()));
            origins.push(format!("{scheme}://localhost:{}", at.port()));
            origins.push(format!("{scheme}://[::1]:{}", at.port()));
        }
        origins
    }
}

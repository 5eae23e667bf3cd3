//! What can be configured, with its defaults. Order: built in, `Leptos.toml` (table `[minicloud]`),
//! environment (`MINICLOUD_…`), flags; later ones win.

mod load;
mod ports;
mod reach;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use app::model::{Registration, SshServer};
use node_api::reach::VmReach;
use serde::Deserialize;

pub use load::{BESIDE_FLAGS, ConfigError, Flags};
pub use ports::PortRange;

use crate::secret::Secret;

/// Every setting; a field's name is its key in the file. docs/operations.md lists them for people.
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
    /// Ports of this host that local nodes publish VMs' own SSH servers on, divided among them; None (an
    /// empty text): no node does.
    #[serde(deserialize_with = "ports::ports_or_none")]
    pub ssh_ports: Option<PortRange>,
    /// The address of this host that those listen on.
    pub ssh_ports_listen: IpAddr,
    /// What people are told to connect to; None: found from `ssh_ports_listen` and `public_urls`.
    pub ssh_ports_host: Option<String>,
    /// The exact addresses people use (`http://192.168.1.5:5555`), as browsers write them; Host and Origin must be one of them.
    pub public_urls: Vec<String>,
    /// Proxies whose X-Forwarded-For and -Proto are believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// Certificate chain, PEM; with `tls_key` the pages and the API are https.
    pub tls_cert: Option<PathBuf>,
    /// Its private key, PEM.
    pub tls_key: Option<PathBuf>,
    /// Database, credentials, host key and logs; one server at a time.
    pub data_dir: PathBuf,
    /// `postgres://…`; None: SQLite in the data folder.
    pub database_url: Option<Secret>,
    /// Ports of the local nodes; empty: remote nodes only.
    pub node_ports: Vec<u16>,
    /// The node program; None: beside this one.
    pub node_bin: Option<PathBuf>,
    /// `docker` or `sim`.
    pub node_driver: String,
    /// Docker's socket, passed on to local nodes; None: where they find it by themselves.
    pub docker_host: Option<String>,
    /// What VMs of local nodes may reach beside the internet.
    #[serde(deserialize_with = "reach::list_or_text")]
    pub vm_reach: VmReach,
    /// Where the bundled pages are.
    pub site_root: PathBuf,
    /// Who may make an account: `open`, `invite` or `closed`.
    pub registration: Registration,
    /// Needed with registration by invite, and asked for there.
    pub invite_code: Option<Secret>,
    /// Password of `admin` at the first start, instead of admin/admin.
    pub admin_password: Option<Secret>,
    /// Needed on `/metrics` once listening beyond loopback.
    pub metrics_token: Option<Secret>,
    /// `round-robin`, `spread` or `bin-pack`.
    pub placement: Strategy,
    /// Every user's quota until an admin sets another.
    pub quota: QuotaConfig,
    /// The sizes, at least one; what is larger than every node is not offered.
    pub flavors: Vec<FlavorConfig>,
    /// The catalogue at the first start; after that it is kept in the database.
    pub images: Vec<ImageConfig>,
    /// IPv4 range that users' /27 networks are cut from.
    pub network_range: String,
    /// Days a stopped VM is kept, counted from when this was set or lowered at the earliest; None or 0: for ever.
    pub stopped_retention_days: Option<u32>,
    /// Seconds a container of ours is watched that no VM stands for, before it is removed.
    pub orphan_grace_s: u32,
    /// A filter such as `info,server=debug`.
    pub log: String,
}

/// How a node is picked among those that fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// The one placed on longest ago.
    #[default]
    RoundRobin,
    /// The one with the least of its memory promised.
    Spread,
    /// The fullest that still has room.
    BinPack,
}

/// The most a user may have, in all their VMs together. All four are named in the file, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaConfig {
    pub vms: u32,
    /// Thousandths of a core.
    pub cpu_millis: u32,
    pub memory_mib: u32,
    pub disk_gib: u32,
}

/// A size that VMs can have.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlavorConfig {
    /// As people choose it; a VM keeps its figures when the size is changed or removed.
    pub name: String,
    /// Thousandths of a core: its limit.
    pub cpu_millis: u32,
    /// Its limit, swap included.
    pub memory_mib: u32,
    /// A hard limit where the engine's storage can, else watched.
    pub disk_gib: u32,
}

/// An entry of the catalogue, as it begins.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageConfig {
    pub name: String,
    /// What the engine pulls: `alpine:3`.
    pub reference: String,
    /// One line, shown where images are chosen.
    pub summary: String,
    /// `dropbear` or `sshd`, where the image carries one; for those of `script/image` it is known.
    #[serde(default)]
    pub ssh_server: Option<SshServer>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 5555)),
            api_listen: Some(SocketAddr::from(([127, 0, 0, 1], 8000))),
            ssh_listen: Some(SocketAddr::from(([127, 0, 0, 1], 2222))),
            ssh_ports: Some(PortRange {
                first: 22_000,
                last: 22_999,
            }),
            ssh_ports_listen: Ipv4Addr::LOCALHOST.into(),
            ssh_ports_host: None,
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
            vm_reach: VmReach::default(),
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
                ssh_server: None,
            }],
            network_range: "10.64.0.0/12".into(),
            stopped_retention_days: None,
            orphan_grace_s: 60,
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
            .unwrap_or_else(|| format!("{}://{}", self.scheme(), self.listen))
    }

    /// The address of the pages for others, to whom it is sent: the configured one under which the caller
    /// came (`host`), or the first of them. A proxy may pass another name on than people type. Where none is
    /// configured, nobody reaches it but by a name of this machine, which is the caller's own; who came by
    /// the API's port has the pages beside it.
    pub fn address_for(&self, host: &str, secure: bool) -> String {
        let own = self.public_urls.iter().find(|url| {
            let authority = url.split_once("://").map(|(_, rest)| rest);
            authority.is_some_and(|name| name.eq_ignore_ascii_case(host))
        });
        if let Some(url) = own.or(self.public_urls.first()) {
            return url.clone();
        }
        let scheme = if secure { "https" } else { "http" };
        let api_port = self.api_listen.map(|address| address.port().to_string());
        match host.rsplit_once(':') {
            Some((name, port)) if Some(port) == api_port.as_deref() => {
                format!("{scheme}://{name}:{}", self.listen.port())
            }
            _ => format!("{scheme}://{host}"),
        }
    }

    /// The addresses that Host and Origin may name, without a trailing slash.
    pub fn origins(&self) -> Vec<String> {
        let mut origins = self.public_urls.clone();
        let scheme = self.scheme();
        for at in [Some(self.listen), self.api_listen].into_iter().flatten() {
            origins.push(format!("{scheme}://127.0.0.1:{}", at.port()));
            origins.push(format!("{scheme}://localhost:{}", at.port()));
            origins.push(format!("{scheme}://[::1]:{}", at.port()));
        }
        origins
    }

    /// What the pages' own listener speaks.
    fn scheme(&self) -> &'static str {
        if self.tls_cert.is_some() {
            "https"
        } else {
            "http"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(public_urls: &[&str]) -> Config {
        Config {
            public_urls: public_urls.iter().map(|url| (*url).to_owned()).collect(),
            ..Config::default()
        }
    }

    #[test]
    fn one_limit_of_a_quota_can_be_set_beside_those_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("Leptos.toml");
        let text = "[minicloud.quota]\nvms = 7\ncpu_millis = 500\nmemory_mib = 600\ndisk_gib = 8\n";
        std::fs::write(&file, text).unwrap();
        let flags = Flags {
            config: file,
            placement: Some(Strategy::BinPack),
            quota_memory_mib: Some(1024),
            ..Flags::default()
        };
        let config = Config::load(&flags).unwrap();
        assert_eq!(config.placement, Strategy::BinPack);
        let quota = QuotaConfig {
            vms: 7,
            cpu_millis: 500,
            memory_mib: 1024,
            disk_gib: 8,
        };
        assert_eq!(config.quota, quota);
    }

    #[test]
    fn what_is_sent_to_others_names_the_public_address() {
        let proxied = config(&["https://cloud.example", "http://10.0.0.5:5555"]);
        for (host, secure, address) in [
            ("cloud.example", true, "https://cloud.example"),
            ("10.0.0.5:5555", false, "http://10.0.0.5:5555"),
            // What a proxy on this machine may have made of it.
            ("127.0.0.1:5555", false, "https://cloud.example"),
            ("localhost:8000", false, "https://cloud.example"),
        ] {
            assert_eq!(proxied.address_for(host, secure), address, "{host}");
        }
    }

    #[test]
    fn on_this_machine_alone_it_names_what_the_caller_came_by_or_the_pages_beside_it() {
        let local = config(&[]);
        for (host, address) in [
            ("localhost:5555", "http://localhost:5555"),
            ("127.0.0.1:8000", "http://127.0.0.1:5555"),
            ("[::1]:8000", "http://[::1]:5555"),
        ] {
            assert_eq!(local.address_for(host, false), address, "{host}");
        }
        assert_eq!(
            local.address_for("localhost:5555", true),
            "https://localhost:5555"
        );
    }
}

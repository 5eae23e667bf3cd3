//! From file, environment and flags to a [`Config`].

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

use clap::Args;
use serde::Deserialize;

use super::{Config, Strategy};
use crate::secret::Secret;

/// Why the server does not start; its words are printed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that is not there is no error: the defaults hold then.
    #[error("{path} could not be read: {source}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    /// It is no TOML, or has a key or a value that is not known.
    #[error("{path} is not understood: {source}")]
    Parse {
        path: PathBuf,
        source: Box<toml::de::Error>,
    },
    /// A value, or two that do not go together; a sentence that says what to do.
    #[error("{0}")]
    Invalid(String),
}

/// What can be said on the command line or by environment; the rest stands in the file.
#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    /// Configuration file; its table [minicloud] is read.
    #[arg(long, env = "MINICLOUD_CONFIG", default_value = "Leptos.toml")]
    pub config: PathBuf,
    /// Where the pages listen, such as 127.0.0.1:5555
    #[arg(long, env = "MINICLOUD_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Where the JSON API listens alone, such as 127.0.0.1:8000; "off" for nowhere
    #[arg(long, env = "MINICLOUD_API_LISTEN")]
    pub api_listen: Option<String>,
    /// Where the SSH gateway listens, such as 127.0.0.1:2222; an empty text for nowhere
    #[arg(long, env = "MINICLOUD_SSH_LISTEN")]
    pub ssh_listen: Option<String>,
    /// Ports of this host for VMs' own SSH servers, such as 22000-22999; an empty text or "off" for none
    #[arg(long, env = "MINICLOUD_SSH_PORTS")]
    pub ssh_ports: Option<String>,
    /// Address of this host that those ports listen on, such as 0.0.0.0
    #[arg(long, env = "MINICLOUD_SSH_PORTS_LISTEN")]
    pub ssh_ports_listen: Option<IpAddr>,
    /// Name or address of this host that people are told to connect to by SSH
    #[arg(long, env = "MINICLOUD_SSH_PORTS_HOST")]
    pub ssh_ports_host: Option<String>,
    /// The exact address people use, such as http://192.168.1.5:5555; may be given several times
    #[arg(
        long = "public-url",
        env = "MINICLOUD_PUBLIC_URL",
        value_delimiter = ','
    )]
    pub public_urls: Vec<String>,
    /// Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed
    #[arg(
        long = "trusted-proxy",
        env = "MINICLOUD_TRUSTED_PROXY",
        value_delimiter = ','
    )]
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// TLS certificate chain, PEM
    #[arg(long, env = "MINICLOUD_TLS_CERT")]
    pub tls_cert: Option<PathBuf>,
    /// TLS key, PEM
    #[arg(long, env = "MINICLOUD_TLS_KEY")]
    pub tls_key: Option<PathBuf>,
    /// Where the database, credentials and logs are kept
    #[arg(long, env = "MINICLOUD_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// postgres://… instead of SQLite in the data folder. By environment: a flag shows in process lists
    #[arg(long, env = "MINICLOUD_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<Secret>,
    /// Ports of the local nodes, such as 5000,5001; "none" for remote nodes only
    #[arg(long, env = "MINICLOUD_NODE_PORTS")]
    pub node_ports: Option<String>,
    /// The node program
    #[arg(long, env = "MINICLOUD_NODE_BIN")]
    pub node_bin: Option<PathBuf>,
    /// What local nodes drive: docker, or sim (in memory, for trying out)
    #[arg(long, env = "MINICLOUD_NODE_DRIVER")]
    pub node_driver: Option<String>,
    /// Docker's socket, such as unix:///var/run/docker.sock
    #[arg(long, env = "MINICLOUD_DOCKER_HOST")]
    pub docker_host: Option<String>,
    /// What VMs may reach beside the internet: IPv4 addresses and networks, such as 192.168.1.10,10.2.0.0/16; "all" for
    /// this host and its private networks too; an empty text for nothing
    #[arg(long, env = "MINICLOUD_VM_REACH")]
    pub vm_reach: Option<String>,
    /// The bundled pages
    #[arg(long, env = "MINICLOUD_SITE_ROOT")]
    pub site_root: Option<PathBuf>,
    /// Who may make an account: open, invite or closed
    #[arg(long, env = "MINICLOUD_REGISTRATION")]
    pub registration: Option<String>,
    /// How a node is picked among those that have room
    #[arg(long, env = "MINICLOUD_PLACEMENT")]
    pub placement: Option<Strategy>,
    /// VMs that a user may have, until an admin sets another number
    #[arg(long, env = "MINICLOUD_QUOTA_VMS")]
    pub quota_vms: Option<u32>,
    /// The same of thousandths of a CPU, of all their VMs together
    #[arg(long, env = "MINICLOUD_QUOTA_CPU_MILLIS")]
    pub quota_cpu_millis: Option<u32>,
    /// The same of MiB of memory
    #[arg(long, env = "MINICLOUD_QUOTA_MEMORY_MIB")]
    pub quota_memory_mib: Option<u32>,
    /// The same of GiB of disk
    #[arg(long, env = "MINICLOUD_QUOTA_DISK_GIB")]
    pub quota_disk_gib: Option<u32>,
    /// IPv4 range that users' networks are cut from, a /27 each, such as 10.64.0.0/12
    #[arg(long, env = "MINICLOUD_NETWORK_RANGE")]
    pub network_range: Option<String>,
    /// Days that a stopped VM is kept before it is deleted with its files; 0 for ever
    #[arg(long, env = "MINICLOUD_STOPPED_RETENTION_DAYS")]
    pub stopped_retention_days: Option<u32>,
    /// Seconds that a container with MiniCloud's label is left alone that no VM stands for
    #[arg(long, env = "MINICLOUD_ORPHAN_GRACE_S")]
    pub orphan_grace_s: Option<u32>,
    /// What to log, such as info, or info,server=debug
    #[arg(long, env = "MINICLOUD_LOG")]
    pub log: Option<String>,
}

/// For the end of `--help`: what no flag says.
pub const BESIDE_FLAGS: &str = "\
By environment, or in the file; never by a flag, which shows in process lists:
  MINICLOUD_INVITE_CODE     what is asked for where registration is by invite
  MINICLOUD_ADMIN_PASSWORD  the password of admin at the first start, instead of admin/admin
  MINICLOUD_METRICS_TOKEN   needed on /metrics; without one it answers this machine alone, and only
                            while nothing listens beyond it

In the file alone: flavors and images (docs/operations.md).";

/// The part of the file that is ours.
#[derive(Default, Deserialize)]
struct File {
    minicloud: Option<Config>,
}

impl Config {
    /// File, then environment and flags.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        let mut config = Self::from_file(flags)?;
        config.apply(flags)?;
        config.check()?;
        Ok(config)
    }

    fn from_file(flags: &Flags) -> Result<Self, ConfigError> {
        let text = match std::fs::read_to_string(&flags.config) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(source) => {
                return Err(ConfigError::Read {
                    path: flags.config.clone(),
                    source,
                });
            }
        };
        toml::from_str::<File>(&text)
            .map(|file| file.minicloud.unwrap_or_default())
            .map_err(|source| ConfigError::Parse {
                path: flags.config.clone(),
                source: Box::new(source),
            })
    }

    fn apply(&mut self, flags: &Flags) -> Result<(), ConfigError> {
        macro_rules! take {
            ($($field:ident),*) => { $(if let Some(value) = flags.$field.clone() { self.$field = value; })* };
        }
        macro_rules! take_some {
            ($($field:ident),*) => { $(if flags.$field.is_some() { self.$field = flags.$field.clone(); })* };
        }
        take!(
            listen,
            data_dir,
            node_driver,
            site_root,
            log,
            ssh_ports_listen,
            network_range,
            orphan_grace_s,
            placement
        );
        for (value, limit) in [
            (flags.quota_vms, &mut self.quota.vms),
            (flags.quota_cpu_millis, &mut self.quota.cpu_millis),
            (flags.quota_memory_mib, &mut self.quota.memory_mib),
            (flags.quota_disk_gib, &mut self.quota.disk_gib),
        ] {
            *limit = value.unwrap_or(*limit);
        }
        take_some!(
            tls_cert,
            tls_key,
            database_url,
            node_bin,
            docker_host,
            ssh_ports_host,
            stopped_retention_days
        );
        if !flags.public_urls.is_empty() {
            self.public_urls = flags.public_urls.clone();
        }
        for url in &mut self.public_urls {
            *url = page_address(url).ok_or_else(|| no_page_address(url))?;
        }
        if !flags.trusted_proxies.is_empty() {
            self.trusted_proxies = flags.trusted_proxies.clone();
        }
        if let Some(text) = &flags.api_listen {
            self.api_listen = if text == "off" {
                None
            } else {
                Some(parse("--api-listen", text)?)
            };
        }
        if let Some(text) = &flags.ssh_listen {
            self.ssh_listen = match text.as_str() {
                "" | "off" => None,
                text => Some(parse("--ssh-listen", text)?),
            };
        }
        if let Some(text) = &flags.ssh_ports {
            self.ssh_ports = match text.as_str() {
                "" | "off" => None,
                text => Some(text.parse().map_err(ConfigError::Invalid)?),
            };
        }
        if let Some(text) = &flags.vm_reach {
            self.vm_reach = text.parse().map_err(ConfigError::Invalid)?;
        }
        if let Some(text) = &flags.node_ports {
            self.node_ports = parse_ports(text)?;
        }
        if let Some(text) = &flags.registration {
            self.registration = parse_registration(text)?;
        }
        self.apply_secrets();
        Ok(())
    }

    /// Secrets come by environment or file only: flags show in process lists.
    fn apply_secrets(&mut self) {
        for (name, field) in [
            ("MINICLOUD_INVITE_CODE", &mut self.invite_code),
            ("MINICLOUD_ADMIN_PASSWORD", &mut self.admin_password),
            ("MINICLOUD_METRICS_TOKEN", &mut self.metrics_token),
        ] {
            if let Some(value) = std::env::var(name).ok().filter(|value| !value.is_empty()) {
                *field = Some(Secret::new(value));
            }
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let invalid = |text: &str| Err(ConfigError::Invalid(text.to_owned()));
        if self.flavors.is_empty() {
            return invalid(
                "No size is configured: name at least one under [[minicloud.flavors]].",
            );
        }
        if self.is_open() && self.public_urls.is_empty() {
            return invalid(
                "Listening beyond this machine needs the address people will use: add --public-url, such as --public-url http://192.168.1.5:5555.",
            );
        }
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            return invalid(
                "TLS needs a certificate and its key, both or none: --tls-cert and --tls-key, or tls_cert and tls_key in the file.",
            );
        }
        if self.ssh_ports.is_some()
            && self.ssh_ports_listen.is_unspecified()
            && self.ssh_ports_host.is_none()
            && self.public_urls.is_empty()
        {
            return invalid(
                "Publishing SSH on every address of this host needs the name that people connect to: add --ssh-ports-host or --public-url.",
            );
        }
        if self
            .ssh_ports
            .is_some_and(|ports| ports.count() < self.node_ports.len())
        {
            return invalid(
                "There are fewer ports for SSH (--ssh-ports) than local nodes (--node-ports).",
            );
        }
        if self.registration == app::model::Registration::Invite && self.invite_code.is_none() {
            return invalid("Registration by invite needs a code: set MINICLOUD_INVITE_CODE.");
        }
        if !matches!(self.node_driver.as_str(), "docker" | "sim") {
            return invalid("The node driver is docker or sim.");
        }
        Ok(())
    }
}

/// An address in the file, or an empty text.
pub(super) fn address_or_nowhere<'de, D: serde::Deserializer<'de>>(
    reader: D,
) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(reader)?;
    match text.as_str() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(serde::de::Error::custom),
    }
}

fn parse<T: std::str::FromStr>(flag: &str, text: &str) -> Result<T, ConfigError> {
    text.parse()
        .map_err(|_| ConfigError::Invalid(format!("{flag} {text} is not understood.")))
}

/// `http` or `https`, a host, perhaps a port, and no more; written as browsers do in Host and Origin: in lower case,
/// without the scheme's own port, without a slash at the end, an IPv6 address at its shortest. None
/// where it is no address of pages.
fn page_address(url: &str) -> Option<String> {
    let url = url.trim().to_ascii_lowercase();
    let uri = url.parse::<http::Uri>().ok()?;
    let scheme = uri.scheme_str()?;
    let own_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let host = uri.authority()?.as_str();
    let host = host.strip_suffix(own_port).unwrap_or(host);
    let host = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => format!("[{}]{port}", shortest(address.parse().ok()?)),
        None => host.to_owned(),
    };
    let is_alone = uri.path() == "/" && !url.contains(['?', '#', '@', ',']);
    is_alone.then(|| format!("{scheme}://{host}"))
}

/// Rust writes what stands for an IPv4 address with dots, browsers do not.
fn shortest(address: Ipv6Addr) -> String {
    match (address.to_ipv4_mapped(), address.segments()) {
        (Some(_), [.., high, low]) => format!("::ffff:{high:x}:{low:x}"),
        _ => address.to_string(),
    }
}

fn no_page_address(url: &str) -> ConfigError {
    ConfigError::Invalid(format!(
        "--public-url {url} is not an address of pages: write it like http://192.168.1.5:5555, without a path."
    ))
}

fn parse_ports(text: &str) -> Result<Vec<u16>, ConfigError> {
    if text == "none" || text == "0" {
        return Ok(Vec::new());
    }
    text.split(',')
        .map(|port| parse("--node-ports", port.trim()))
        .collect()
}

fn parse_registration(text: &str) -> Result<app::model::Registration, ConfigError> {
    use app::model::Registration;
    match text {
        "open" => Ok(Registration::Open),
        "invite" => Ok(Registration::Invite),
        "closed" => Ok(Registration::Closed),
        _ => Err(ConfigError::Invalid(format!(
            "--registration {text} is not open, invite or closed."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file_and_the_file_over_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Leptos.toml");
        let text = "[minicloud]\norphan_grace_s = 9\nnetwork_range = \"10.1.0.0/16\"\n";
        std::fs::write(&path, text).unwrap();
        let flags = Flags {
            config: path,
            orphan_grace_s: Some(7),
            stopped_retention_days: Some(30),
            ..Flags::default()
        };
        let config = Config::load(&flags).unwrap();
        assert_eq!(config.orphan_grace_s, 7);
        assert_eq!(config.stopped_retention_days, Some(30));
        assert_eq!(config.network_range, "10.1.0.0/16");
        let flags = Flags {
            network_range: Some("10.2.0.0/16".into()),
            ..flags
        };
        let config = Config::load(&flags).unwrap();
        assert_eq!(config.network_range, "10.2.0.0/16");
    }

    #[test]
    fn an_address_of_pages_is_kept_as_browsers_write_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Leptos.toml");
        for (written, kept) in [
            ("http://192.168.1.5:5555/", "http://192.168.1.5:5555"),
            ("HTTPS://Cloud.Example:443", "https://cloud.example"),
            ("http://[fd00::1]:80/", "http://[fd00::1]"),
            ("http://[FD00:0:0::01]:5555", "http://[fd00::1]:5555"),
            (
                "http://[::ffff:10.0.0.5]:5555",
                "http://[::ffff:a00:5]:5555",
            ),
            ("http://[::ffff:a00:5]", "http://[::ffff:a00:5]"),
        ] {
            let line = format!("[minicloud]\npublic_urls = [\"{written}\"]\n");
            std::fs::write(&path, line).unwrap();
            for urls in [Vec::new(), vec![written.to_owned()]] {
                let flags = Flags {
                    config: path.clone(),
                    public_urls: urls,
                    ..Flags::default()
                };
                assert_eq!(Config::load(&flags).unwrap().public_urls, [kept]);
            }
        }
    }

    #[test]
    fn a_certificate_without_its_key_is_refused_and_they_may_come_from_flag_and_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Leptos.toml");
        let flags = |tls_cert: Option<&str>| Flags {
            config: path.clone(),
            tls_cert: tls_cert.map(Into::into),
            ..Flags::default()
        };
        for line in ["tls_key = \"key.pem\"", "tls_cert = \"cert.pem\""] {
            std::fs::write(&path, format!("[minicloud]\n{line}\n")).unwrap();
            let said = Config::load(&flags(None)).unwrap_err().to_string();
            assert!(said.contains("both or none"), "{said}");
        }
        std::fs::write(&path, "[minicloud]\ntls_key = \"key.pem\"\n").unwrap();
        let config = Config::load(&flags(Some("cert.pem"))).unwrap();
        assert!(config.tls_cert.is_some() && config.address().starts_with("https://"));
    }

    #[test]
    fn what_vms_may_reach_is_a_list_or_a_text_and_what_is_neither_is_told_with_what_to_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Leptos.toml");
        let load = |line: &str, flag: Option<&str>| {
            std::fs::write(&path, format!("[minicloud]\n{line}\n")).unwrap();
            let flags = Flags {
                config: path.clone(),
                vm_reach: flag.map(str::to_owned),
                ..Flags::default()
            };
            let config = Config::load(&flags).map_err(|error| error.to_string());
            config.map(|config| config.vm_reach.to_string())
        };
        for (line, flag, reach) in [
            ("", None, ""),
            ("vm_reach = []", None, ""),
            (
                r#"vm_reach = ["192.168.1.10", "10.2.0.0/16"]"#,
                None,
                "192.168.1.10,10.2.0.0/16",
            ),
            (
                r#"vm_reach = "192.168.1.10, 10.2.0.0/16""#,
                None,
                "192.168.1.10,10.2.0.0/16",
            ),
            (r#"vm_reach = "all""#, None, "all"),
            (r#"vm_reach = "all""#, Some(""), ""),
            ("vm_reach = []", Some("all"), "all"),
        ] {
            assert_eq!(load(line, flag).as_deref(), Ok(reach), "{line} {flag:?}");
        }
        for (line, flag) in [
            ("vm_reach = 7", None),
            (r#"vm_reach = "private""#, None),
            (r#"vm_reach = ["all", "10.2.0.0/16"]"#, None),
            ("", Some("fd00::/8")),
        ] {
            let said = load(line, flag).unwrap_err();
            assert!(said.contains("hat VMs may reach is a list"), "{said}");
        }
    }
}

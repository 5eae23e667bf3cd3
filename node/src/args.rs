//! The command line of `minicloud-node`.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Parser, ValueEnum};
use node_api::{reach::VmReach, ssh::SshPorts};

use crate::{
    config::check_node_name,
    hold::{HoldArgs, HolderConfig},
    shell::ShellLimits,
};

/// One node of a MiniCloud: runs VMs on this host's container engine for a minicloud-server.
#[derive(Clone, Debug, Parser)]
#[command(name = "minicloud-node", version)]
pub struct Args {
    /// Name of the node; its VMs are found by it, so it must never change
    #[arg(long, env = "MINICLOUD_NODE_NAME", value_parser = check_node_name)]
    pub name: String,
    /// Which MiniCloud it belongs to: keeps apart several on one engine whose nodes have the same
    /// names; like the name it must never change
    #[arg(long, env = "MINICLOUD_NODE_CLOUD", value_parser = check_node_name)]
    pub cloud: Option<String>,
    /// Address to listen on; beyond loopback only with TLS
    #[arg(long, env = "MINICLOUD_NODE_LISTEN", default_value = "127.0.0.1:5000")]
    pub listen: SocketAddr,
    /// File with the secret that every request must carry (mode 0600)
    #[arg(long, env = "MINICLOUD_NODE_CREDENTIAL_FILE")]
    pub credential_file: PathBuf,
    /// What runs the VMs
    #[arg(long, value_enum, default_value_t = DriverKind::Docker)]
    pub driver: DriverKind,
    /// Where the Docker engine listens
    #[arg(
        long,
        env = "DOCKER_HOST",
        default_value = "unix:///var/run/docker.sock"
    )]
    pub docker_host: String,
    /// This node's part of the engine's memory, CPU and disk; nodes on one engine add up to 1
    #[arg(long, default_value_t = 1.0, value_parser = parse_share)]
    pub share: f64,
    /// How many times the real cores are promised to VMs
    #[arg(long, env = "MINICLOUD_NODE_CPU_FACTOR", default_value_t = 4.0, value_parser = parse_cpu_factor)]
    pub cpu_factor: f64,
    /// Folder for locks that all nodes of one engine share
    #[arg(long, env = "MINICLOUD_LOCK_DIR", default_value = "/run/minicloud")]
    pub lock_dir: PathBuf,
    /// Ports of this host that VMs' own SSH servers are published on, such as 22000-22999; without
    /// them none is. Nodes on one host need ports of their own
    #[arg(long, env = "MINICLOUD_NODE_SSH_PORTS", value_parser = parse_ports)]
    pub ssh_ports: Option<(u16, u16)>,
    /// Address of this host that those ports listen on
    #[arg(
        long,
        env = "MINICLOUD_NODE_SSH_PORTS_LISTEN",
        default_value = "127.0.0.1"
    )]
    pub ssh_ports_listen: IpAddr,
    /// Name or address of this host that people are told to connect to
    #[arg(long, env = "MINICLOUD_NODE_SSH_PORTS_HOST")]
    pub ssh_ports_host: Option<String>,
    /// What VMs may reach beside the internet: IPv4 addresses and networks, such as 192.168.1.10,10.2.0.0/16; "all"
    /// for this host and its private networks too
    #[arg(
        long,
        env = "MINICLOUD_VM_REACH",
        default_value = "",
        hide_default_value = true
    )]
    pub vm_reach: VmReach,
    /// Folder of what outlives the node: the process that holds its shells [default: the credential file's]
    #[arg(long, env = "MINICLOUD_NODE_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// A shell that nobody looks at or types in is closed after this long, such as 90m, 24h, 7d
    #[arg(long, env = "MINICLOUD_NODE_SHELL_IDLE", default_value = "24h", value_parser = parse_duration)]
    pub shell_idle: Duration,
    /// Output kept of each shell for viewers that come back, KiB
    #[arg(long, env = "MINICLOUD_NODE_SHELL_RING", default_value_t = 256, value_parser = clap::value_parser!(u32).range(16..=65_536))]
    pub shell_ring: u32,
    /// Output kept of all shells together, MiB
    #[arg(long, env = "MINICLOUD_NODE_SHELL_RINGS", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub shell_rings: u32,
    /// Certificate chain, PEM
    #[arg(long, requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(long, requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
}

impl Args {
    /// Where VMs' SSH servers are published.
    pub fn ssh_ports(&self) -> Option<SshPorts> {
        let (first, last) = self.ssh_ports?;
        Some(SshPorts {
            first,
            last,
            listen: self.ssh_ports_listen,
            host: self.ssh_ports_host.clone(),
        })
    }

    /// What its containers are labelled with.
    pub fn label(&self) -> String {
        match &self.cloud {
            Some(cloud) => format!("{cloud}.{}", self.name),
            None => self.name.clone(),
        }
    }

    /// What its shells may use.
    pub fn shells(&self) -> ShellLimits {
        ShellLimits {
            idle: self.shell_idle,
            ring_bytes: self.shell_ring as usize * 1024,
            rings_total_bytes: self.shell_rings as usize * 1024 * 1024,
            ..ShellLimits::default()
        }
    }

    /// What holds its shells. None where VMs are simulated: those end with the node.
    pub fn holder(&self) -> Option<HolderConfig> {
        if self.driver == DriverKind::Sim {
            return None;
        }
        let beside = self.credential_file.parent().unwrap_or(Path::new("."));
        let folder = match (&self.data_dir, beside.as_os_str().is_empty()) {
            (Some(folder), _) => folder.clone(),
            (None, true) => ".".into(),
            (None, false) => beside.to_owned(),
        };
        let shells = self.shells();
        Some(HolderConfig {
            folder: folder.clone(),
            start: Some(HoldArgs {
                folder,
                label: self.label(),
                docker_host: self.docker_host.clone(),
                lock_dir: self.lock_dir.clone(),
                // Half as much: a node that begins anew has the screen and the lines above it from the drawing.
                ring_bytes: shells.ring_bytes / 2,
                rings_total_bytes: shells.rings_total_bytes / 2,
            }),
        })
    }
}

/// `22000-22999`, none of them below 1024.
fn parse_ports(text: &str) -> Result<(u16, u16), String> {
    let ports = text
        .split_once('-')
        .and_then(|(first, last)| Some((first.trim().parse().ok()?, last.trim().parse().ok()?)));
    match ports {
        Some((first, last)) if (1024..=last).contains(&first) => Ok((first, last)),
        _ => Err("ports are like 22000-22999, all of them 1024 or above".into()),
    }
}

/// A driver's name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DriverKind {
    /// A Docker engine, 20.10 or later
    Docker,
    /// Nothing real: VMs in this process' memory, for trying things out
    Sim,
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let units = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)];
    let seconds = units.iter().find_map(|(unit, seconds)| {
        let number = text.strip_suffix(*unit)?.parse::<u64>().ok()?;
        number.checked_mul(*seconds)
    });
    match seconds {
        Some(seconds) if (1..=366 * 86_400).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        _ => Err("a duration is a number with s, m, h or d, from 1s to 366d".into()),
    }
}

fn parse_share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if share > 0.0 && share <= 1.0 => Ok(share),
        _ => Err("a share is over 0 and at most 1".into()),
    }
}

fn parse_cpu_factor(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if (0.1..=64.0).contains(&factor) => Ok(factor),
        _ => Err("a CPU factor is 0.1 to 64".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_lives_unused_and_keeps_output_as_was_asked_for_or_a_day_and_256_kib() {
        let shells = |more: &str| {
            let words = format!("minicloud-node --name node-1 --credential-file c {more}");
            Args::parse_from(words.split_whitespace()).shells()
        };
        let usual = shells("");
        assert_eq!(usual.idle, Duration::from_secs(24 * 3_600));
        assert_eq!(usual.ring_bytes, 256 * 1024);
        let asked = shells("--shell-idle 90m --shell-ring 64 --shell-rings 1");
        assert_eq!(asked.idle, Duration::from_secs(5_400));
        let bytes = (asked.ring_bytes, asked.rings_total_bytes);
        assert_eq!(bytes, (64 * 1024, 1024 * 1024));
    }

    #[test]
    fn vms_reach_the_internet_alone_unless_something_else_is_asked_for() {
        let reach = |more: &[&str]| {
            let words = "minicloud-node --name node-1 --credential-file c".split(' ');
            let args = Args::try_parse_from(words.chain(more.iter().copied()));
            args.map(|args| args.vm_reach)
        };
        assert_eq!(reach(&[]).expect("read"), VmReach::default());
        // As a server tells its local nodes.
        let nothing = reach(&["--vm-reach", ""]);
        assert_eq!(nothing.expect("read"), VmReach::default());
        let all = reach(&["--vm-reach", "all"]);
        assert_eq!(all.expect("read"), VmReach::All);
        let refused = reach(&["--vm-reach", "10.2.0.1/16"]).expect_err("no network");
        let refused = refused.to_string();
        assert!(refused.contains("write 10.2.0.0/16"), "{refused}");
    }

    #[test]
    fn durations_have_a_unit_and_a_limit() {
        assert_eq!(parse_duration("90m"), Ok(Duration::from_secs(5_400)));
        assert_eq!(parse_duration("1s"), Ok(Duration::from_secs(1)));
        assert_eq!(
            parse_duration("366d"),
            Ok(Duration::from_secs(366 * 86_400))
        );
        for bad in [
            "",
            "24",
            "0s",
            "367d",
            "-1h",
            "1 h",
            "18446744073709551615d",
            "h",
        ] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}

//! The command line of `minicloud-node`.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, ValueEnum};

use crate::config::check_node_name;

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
    #[arg(long, default_value_t = 4.0, value_parser = parse_cpu_factor)]
    pub cpu_factor: f64,
    /// Folder for locks that all nodes of one engine share
    #[arg(long, env = "MINICLOUD_LOCK_DIR", default_value = "/run/minicloud")]
    pub lock_dir: PathBuf,
    /// Certificate chain, PEM
    #[arg(long, requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(long, requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
}

impl Args {
    /// What its containers are labelled with.
    pub fn label(&self) -> String {
        match &self.cloud {
            Some(cloud) => format!("{cloud}.{}", self.name),
            None => self.name.clone(),
        }
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

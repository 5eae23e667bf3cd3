//! The real engine: Docker 20.10 or later, through its socket. The only place that knows bollard.
//!
//! A VM is a container `mc-<uuid>` with the labels of [`label`]; the engine's name is the lock
//! against doubles. Nothing is kept beside the engine: a new node finds its VMs by label. What does
//! not carry our labels is never touched.

mod api;
mod began;
mod cache;
mod capacity;
mod connect;
mod context;
mod create;
mod delete;
mod driver;
mod engine;
mod events;
mod exec;
mod exec_control;
mod files;
mod full;
mod hijack;
mod image;
mod label;
mod list;
mod lock;
mod network;
mod per_vm;
mod power;
mod process;
mod profile;
mod pull;
mod reach;
mod report;
mod room;
mod seen;
mod session;
mod silent;
mod ssh;
mod stats;
mod storage;
mod trial;
mod tty;

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    time::Duration,
};

pub use driver::DockerDriver;
pub use reach::ReachConfig;

/// What the driver needs to know.
#[derive(Clone, Debug)]
pub struct DockerConfig {
    /// What containers are labelled with: the node's name, with its MiniCloud's where it has one.
    pub node: String,
    /// `unix:///var/run/docker.sock`
    pub host: String,
    /// This node's part of the engine's memory, CPU and disk, over 0 and at most 1.
    pub share: f64,
    /// How many times real CPU is promised.
    pub cpu_factor: f64,
    /// Folder of the network locks; the same for all nodes of one engine.
    pub lock_dir: PathBuf,
    /// Time between two trials of an engine that could not start things.
    pub trial_every: Duration,
    /// False where the engine's processes are never to be signalled from here (a node that cannot see
    /// them finds that out by itself): terminals are then ended from inside their VM.
    pub host_processes: bool,
    /// The helper for files, as it is built (`cargo xtask files`); it is read when it is first needed.
    pub files: PathBuf,
    /// The address of the host that VMs' SSH servers are published on.
    pub ssh_listen: IpAddr,
    /// Free part of the engine's disk, percent, under which no VM is made; those there are still start.
    pub disk_reserve_percent: u8,
    /// What VMs may reach, held by the host's firewall; None: that is left as it is.
    pub reach: Option<ReachConfig>,
}

impl DockerConfig {
    /// The usual settings for a node that has the engine at the usual place for itself.
    pub fn new(node: &str) -> Self {
        Self {
            node: node.to_owned(),
            host: "unix:///var/run/docker.sock".into(),
            share: 1.0,
            cpu_factor: 4.0,
            lock_dir: "/run/minicloud".into(),
            trial_every: Duration::from_secs(60),
            host_processes: true,
            files: beside_us("minicloud-files"),
            ssh_listen: Ipv4Addr::LOCALHOST.into(),
            disk_reserve_percent: 10,
            reach: None,
        }
    }
}

/// A file beside our own program.
fn beside_us(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    own.with_file_name(name)
}

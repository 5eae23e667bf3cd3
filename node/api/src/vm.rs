//! VMs as a node knows them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::usage::UsageSample;

/// What a VM is to be; kept with the container so that a node needs no store of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VmSpec {
    /// UUIDv7; the container is named `mc-<id>`.
    pub id: Uuid,
    /// The VM's name: hostname, and what the owner's other VMs on this node reach it by.
    pub name: String,
    /// The user whose it is; VMs of one owner share a network.
    pub owner_id: Uuid,
    /// An image reference of the engine, such as `alpine:3` or `minicloud/base`.
    pub image: String,
    /// CPU limit in thousandths of a core: 500 is half a core.
    pub cpu_millis: u32,
    /// Memory limit in MiB; swap included, so there is none beside it.
    pub memory_mib: u32,
    /// Disk in GiB: a hard limit where the engine's storage can, else watched.
    pub disk_gib: u32,
    /// The owner's network, made where it is missing.
    pub network: NetworkSpec,
    /// The port of the node's host that leads to the VM's port 22; None: nothing is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_port: Option<u16>,
}

/// The one network a user has on an engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSpec {
    /// `mc` and 10 hex digits; the bridge's interface name too (15 characters at most).
    pub name: String,
    /// IPv4 /27 in CIDR form, allocated by the server: `10.64.0.32/27`.
    pub subnet: String,
}

/// Body of `PUT /v1/vms/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VmPut {
    /// What it is to be; of one that is there already nothing is changed.
    pub spec: VmSpec,
    /// Start it once it is created (saves a round trip).
    pub start: bool,
}

/// What the engine says a VM is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PowerState {
    /// The container exists and was never started.
    Created,
    /// PID 1 runs.
    Running,
    /// TERM was sent; waiting for it to end.
    Stopping,
    /// It ran and has ended; its disk is kept.
    Exited,
    /// The engine cannot use it any more (its storage is broken, say).
    Dead,
}

/// How a VM ended, when it is not running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmExit {
    /// PID 1's exit code; 128+n for a signal.
    pub code: i64,
    /// The kernel killed a process of it for memory.
    pub oom_killed: bool,
    /// Microseconds since the Unix epoch, by the clock of the engine.
    pub finished_at: i64,
    /// The engine's error text of a failed start, or empty.
    pub error: String,
}

/// A VM as the node sees it now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VmReport {
    /// What it was made to be.
    pub spec: VmSpec,
    /// What the engine says.
    pub power: PowerState,
    /// The engine's own short id (12 characters).
    pub engine_id: String,
    /// Since when it runs, when it runs.
    pub started_at: Option<i64>,
    /// How it ended last; None while it runs, and before its first start.
    pub exit: Option<VmExit>,
    /// Its address in the owner's network, while it runs.
    pub address: Option<String>,
    /// How often the kernel's memory limit has killed something in it since the node looked first.
    pub oom_kills: u64,
    /// The newest sample, at most 10 s old, while it runs.
    pub usage: Option<UsageSample>,
}

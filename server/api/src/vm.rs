//! VMs.

use serde::{Deserialize, Serialize};

/// What a VM is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum VmState {
    /// Its image and container are being made.
    Creating,
    /// It was there already, and is to run.
    Starting,
    /// It runs, as its node told within the last seconds.
    Running,
    /// It was asked to shut down, and has up to 10 s.
    Stopping,
    /// It is shut down; its disk is kept.
    Stopped,
    /// It goes, and its name is free once it has gone.
    Deleting,
    /// `reason` says why; start or retry tries again.
    Failed,
    /// Its node is unreachable or degraded; `reason` says more.
    Unknown,
}

/// A VM.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Vm {
    /// UUIDv7; stays the same for its life.
    pub id: String,
    /// Unique among its owner's.
    pub name: String,
    /// The owner's user name.
    pub owner: String,
    /// What it is doing now.
    pub state: VmState,
    /// Why it failed or is unknown, or what it waits for; a sentence.
    pub reason: Option<String>,
    /// What is being done for it now.
    pub progress: Option<VmProgress>,
    /// Name of the size it was made with.
    pub flavor: String,
    /// Its CPU limit in thousandths of a core.
    pub cpu_millis: u32,
    /// Its memory limit.
    pub memory_mib: u32,
    /// Its disk; a hard limit only where the engine can.
    pub disk_gib: u32,
    /// Name of the image in the catalogue.
    pub image: String,
    /// Name of its node.
    pub node: Option<String>,
    /// When it was asked for.
    pub created_at: i64,
    /// When it came into its present state.
    pub changed_at: i64,
    /// Since when it runs, while it runs.
    pub started_at: Option<i64>,
    /// In percent of its share (0..=100), while it runs.
    pub cpu_percent: Option<f32>,
    /// While it runs; at most 10 s old.
    pub memory_used_mib: Option<f32>,
    /// Where its own SSH server is published; null: nowhere.
    pub ssh_published: Option<SshPublished>,
}

/// Where a VM's own SSH server is published: `ssh -p PORT root@HOST`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SshPublished {
    /// Name or address of the node, to connect to.
    pub host: String,
    /// Stays the VM's as long as it is there.
    pub port: u16,
    /// The VM runs, its owner's keys are in place, and its server was started.
    pub ready: bool,
    /// Why nobody can sign in there, where that is known; a sentence.
    pub reason: Option<String>,
}

/// What is being done for a VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VmProgress {
    /// 0..=100, where it can be told.
    pub percent: Option<u8>,
    /// Such as `Pulling the image`.
    pub words: String,
}

/// A VM with its details.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VmDetail {
    /// As lists have it.
    #[serde(flatten)]
    pub vm: Vm,
    /// In its owner's network, while it runs.
    pub address: Option<String>,
    /// The engine's short id of its container.
    pub engine_id: Option<String>,
    /// Why its node was chosen; a sentence.
    pub placement_reason: String,
    /// The image's reference for the engine.
    pub image_ref: String,
    /// Written over its image; at most a minute old, while it runs.
    pub disk_used_bytes: Option<u64>,
    /// True where `disk_gib` is a hard limit; else it is watched.
    pub disk_limit_hard: bool,
}

/// Body of `POST /api/v1/vms`. What is left out is chosen: a free name, the first size, the default
/// image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VmCreate {
    /// Unique among its owner's.
    #[cfg_attr(
        feature = "openapi",
        schema(pattern = "^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$")
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Name of a size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flavor: Option<String>,
    /// Name of an image in the catalogue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Publish its own SSH server (port 22) on a port of its node, with the keys of the account. Needs an
    /// image that has one, and a key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ssh_publish: bool,
}

/// The longest that a command may take, in seconds; also what it gets where nothing is said.
pub const EXEC_TIMEOUT_MAX_S: u32 = 25;
/// Words of a command at most.
pub const EXEC_ARGV_MAX: usize = 256;

/// Body of `POST /api/v1/vms/{name}/exec`. No shell is run: the first word is the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VmExec {
    /// The program and its arguments; 32 KiB at most.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 256))]
    pub argv: Vec<String>,
    /// 1..=25; the command is left running then, and the answer is a 503.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 25))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u32>,
}

/// What a command printed. Each stream is cut at 1 MiB; bytes that are not UTF-8 become U+FFFD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VmExecOutput {
    /// 128 + n where a signal ended it.
    pub exit_code: i64,
    /// What it printed.
    pub stdout: String,
    /// What it printed as errors.
    pub stderr: String,
    /// True when something was cut off.
    pub truncated: bool,
}

/// One point of a VM's usage: 5 s apart, 15 minutes of them, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VmUsage {
    /// When its node took the sample.
    pub at: i64,
    /// In percent of its share, 0..=100.
    pub cpu_percent: f32,
    /// Working set.
    pub memory_mib: f32,
    /// Bytes received and sent a second.
    pub rx_rate: f32,
    /// As `rx_rate`: sent.
    pub tx_rate: f32,
}

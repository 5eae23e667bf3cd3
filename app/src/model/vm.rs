//! VMs as pages show them.

use serde::{Deserialize, Serialize};

use super::{QuotaUsage, SshPublished, SshServer};

/// What a VM is doing. `Failed` and `Unknown` come with `VmView::reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// It is left as it is until its owner tries it again, or deletes it.
    Failed,
    /// Its node is unreachable or degraded.
    Unknown,
}

impl VmState {
    /// The word on the page.
    pub fn word(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Starting => "Starting",
            Self::Running => "Running",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
            Self::Deleting => "Deleting",
            Self::Failed => "Failed",
            Self::Unknown => "Unknown",
        }
    }
}

/// A VM in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VmView {
    /// UUIDv7; its container is named `mc-<id>`.
    pub id: String,
    /// Unique among its owner's; at most 32 characters.
    pub name: String,
    /// Its owner's name.
    pub owner: String,
    /// As the page shows it.
    pub state: VmState,
    /// Why it failed or is unknown, or what it is waiting for; a sentence.
    pub reason: Option<String>,
    /// What is being done, 0..=100 where it can be told ("pulling image").
    pub progress: Option<VmProgress>,
    /// Name of the size it was made with.
    pub flavor: String,
    /// Its CPU limit in thousandths of a core.
    pub cpu_millis: u32,
    /// Its memory limit.
    pub memory_mib: u32,
    /// Its disk; a hard limit only where the engine can.
    pub disk_gib: u32,
    /// Catalogue name of the image.
    pub image: String,
    /// Where it is; None: its node was removed.
    pub node: Option<String>,
    /// When it was asked for.
    pub created_at: i64,
    /// When it came into its present state.
    pub changed_at: i64,
    /// Since when it runs, while it runs.
    pub started_at: Option<i64>,
    /// Now, in percent of its CPU share (0..=100), while it runs.
    pub cpu_percent: Option<f32>,
    /// Now, while it runs; at most 10 s old.
    pub memory_used_mib: Option<f32>,
    /// CPU percent of the last minutes, oldest first, at most 24 values.
    pub cpu_history: Vec<u8>,
    /// Where its own SSH server is published; None: nowhere.
    pub ssh_published: Option<SshPublished>,
}

/// How far something has come that takes a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmProgress {
    /// 0..=100, where it can be told.
    pub percent: Option<u8>,
    /// What is being done: "Pulling alpine:3".
    pub words: String,
}

/// A user's VMs and quota at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VmList {
    /// Oldest first.
    pub vms: Vec<VmView>,
    /// What the user may have, and has.
    pub quota: QuotaUsage,
    /// The server's clock, so that relative times agree on server and browser.
    pub as_of: i64,
}

/// Everything the VM's own page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VmDetail {
    /// As lists have it.
    pub vm: VmView,
    /// In its owner's network, while it runs.
    pub address: Option<String>,
    /// The engine's short id of its container.
    pub engine_id: Option<String>,
    /// Why this node was chosen; a sentence.
    pub placement_reason: String,
    /// Reference for the engine: `alpine:3`.
    pub image_ref: String,
    /// Written over its image; at most a minute old, while it runs.
    pub disk_used_bytes: Option<u64>,
    /// True where the size of its disk is a hard limit; else it is watched.
    pub disk_limit_hard: bool,
    /// Oldest first; empty where its node is silent.
    pub usage: Vec<UsagePoint>,
    /// Live ones, oldest first; None where its node does not tell.
    pub shells: Option<Vec<super::ShellView>>,
    /// The command that leads into it by SSH; None: SSH is switched off.
    pub ssh: Option<String>,
    /// The newest of its events: another one than before, and there is something to tell.
    pub event: Option<i64>,
    /// The server's clock.
    pub as_of: i64,
}

/// One point of the usage charts; 5 s apart, 15 minutes of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsagePoint {
    /// When its node took the sample.
    pub at: i64,
    /// Of its share, 0..=100.
    pub cpu_percent: f32,
    /// Working set.
    pub memory_mib: f32,
    /// Bytes a second since the point before.
    pub rx_rate: f32,
    /// As `rx_rate`: sent.
    pub tx_rate: f32,
}

/// What the New VM form offers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VmOffer {
    /// A free name, two words.
    pub suggested_name: String,
    /// Sizes that some node has the cores for.
    pub flavors: Vec<FlavorView>,
    /// The catalogue.
    pub images: Vec<ImageView>,
    /// What the user may have, and has.
    pub quota: QuotaUsage,
    /// Why no VM's SSH can be published now, whatever its image; a sentence.
    pub ssh_unavailable: Option<String>,
}

/// A size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlavorView {
    /// As the form sends it.
    pub name: String,
    /// Thousandths of a core.
    pub cpu_millis: u32,
    /// Memory.
    pub memory_mib: u32,
    /// Disk.
    pub disk_gib: u32,
    /// Why it cannot be chosen now ("needs 2 GiB, you have 1 GiB left").
    pub unavailable: Option<String>,
}

/// An image of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageView {
    /// In the catalogue: `alpine`.
    pub name: String,
    /// Reference for the engine: `alpine:3`.
    pub reference: String,
    /// One line about it.
    pub summary: String,
    /// Chosen already in the form.
    pub default: bool,
    /// On how many ready nodes it is present already.
    pub present_on: u32,
    /// None: it carries none, and a VM's SSH cannot be published.
    pub ssh_server: Option<SshServer>,
}

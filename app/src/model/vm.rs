//! VMs as pages show them.

use serde::{Deserialize, Serialize};

use super::QuotaUsage;

/// What a VM is doing. `Failed` and `Unknown` come with `VmView::reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VmState {
    Creating,
    Starting,
    Running,
    Stopping,
    Stopped,
    Deleting,
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
    pub id: String,
    pub name: String,
    pub owner: String,
    pub state: VmState,
    /// Why it failed or is unknown, or what it is waiting for; a sentence.
    pub reason: Option<String>,
    /// What is being done, 0..=100 where it can be told ("pulling image").
    pub progress: Option<VmProgress>,
    pub flavor: String,
    pub cpu_millis: u32,
    pub memory_mib: u32,
    pub disk_gib: u32,
    /// Catalogue name of the image.
    pub image: String,
    pub node: Option<String>,
    pub created_at: i64,
    /// When it came into its present state.
    pub changed_at: i64,
    /// Since when it runs, while it runs.
    pub started_at: Option<i64>,
    /// Now, in percent of its CPU share (0..=100), while it runs.
    pub cpu_percent: Option<f32>,
    pub memory_used_mib: Option<f32>,
    /// CPU percent of the last minutes, oldest first, at most 24 values.
    pub cpu_history: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmProgress {
    pub percent: Option<u8>,
    pub words: String,
}

/// A user's VMs and quota at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VmList {
    pub vms: Vec<VmView>,
    pub quota: QuotaUsage,
    /// The server's clock, so that relative times agree on server and browser.
    pub as_of: i64,
}

/// Everything the VM's own page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VmDetail {
    pub vm: VmView,
    pub address: Option<String>,
    /// The engine's short id of its container.
    pub engine_id: Option<String>,
    /// Why this node was chosen; a sentence.
    pub placement_reason: String,
    pub image_ref: String,
    pub disk_used_bytes: Option<u64>,
    /// True where the size of its disk is a hard limit; else it is watched.
    pub disk_limit_hard: bool,
    pub usage: Vec<UsagePoint>,
    pub shells: Vec<super::ShellView>,
    /// The command that leads into it by SSH; None: SSH is switched off.
    pub ssh: Option<String>,
    pub as_of: i64,
}

/// One point of the usage charts; 5 s apart, 15 minutes of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsagePoint {
    pub at: i64,
    pub cpu_percent: f32,
    pub memory_mib: f32,
    /// Bytes a second since the point before.
    pub rx_rate: f32,
    pub tx_rate: f32,
}

/// What the New VM form offers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VmOffer {
    /// A free name, two words.
    pub suggested_name: String,
    pub flavors: Vec<FlavorView>,
    pub images: Vec<ImageView>,
    pub quota: QuotaUsage,
}

/// A size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlavorView {
    pub name: String,
    pub cpu_millis: u32,
    pub memory_mib: u32,
    pub disk_gib: u32,
    /// Why it cannot be chosen now ("needs 2 GiB, you have 1 GiB left").
    pub unavailable: Option<String>,
}

/// An image of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageView {
    pub name: String,
    /// Reference for the engine: `alpine:3`.
    pub reference: String,
    /// One line about it.
    pub summary: String,
    pub default: bool,
    /// On how many ready nodes it is present already.
    pub present_on: u32,
}

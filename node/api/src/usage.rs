//! What a VM uses.

use serde::{Deserialize, Serialize};

/// One sample; a node takes one every 5 s and keeps 15 minutes of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsageSample {
    /// When it was taken: microseconds since the Unix epoch.
    pub at: i64,
    /// Thousandths of a core, averaged since the sample before.
    pub cpu_millis: u32,
    /// Working set in MiB (page cache left out where the engine tells).
    pub memory_mib: f32,
    /// Bytes received and sent since the VM started.
    pub rx_bytes: u64,
    /// As `rx_bytes`: sent.
    pub tx_bytes: u64,
    /// Bytes the VM has written over its image; refreshed once a minute, None until then.
    pub disk_bytes: Option<u64>,
    /// Processes and threads in it.
    pub processes: u32,
}

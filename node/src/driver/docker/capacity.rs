//! What the engine's host has, and uses. The engine is on this host: it is reached by a local socket.

use std::path::Path;

use bollard::models::SystemInfo;
use node_api::status::Capacity;

use super::DockerConfig;

/// Memory that stays with the host, MiB.
const HOST_MEMORY_MIB: i64 = 1024;
const MIB: i64 = 1024 * 1024;
const GIB: u64 = 1024 * 1024 * 1024;

/// A disk's size and what is free of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disk {
    /// Rounded down.
    pub total_gib: u32,
    /// What others than root may take; rounded down.
    pub free_gib: u32,
    /// The same as part of the whole, 0..=100.
    pub free_percent: u8,
}

/// What this node may promise, of a disk for VMs.
pub(super) fn capacity(info: &SystemInfo, disk: Option<Disk>, config: &DockerConfig) -> Capacity {
    let cores = u32::try_from(info.ncpu.unwrap_or(1)).unwrap_or(1);
    let memory_mib = (info.mem_total.unwrap_or(0) / MIB - HOST_MEMORY_MIB).max(0);
    let part = |whole: f64| (whole * config.share).floor() as u32;
    Capacity {
        cpu_millis: part(f64::from(cores) * 1000.0 * config.cpu_factor),
        cores,
        memory_mib: part(memory_mib as f64),
        disk_gib: part(f64::from(disk.map_or(0, |disk| disk.total_gib))),
    }
}

/// The disk under a folder, or under the nearest one above that can be seen.
pub(super) fn disk(folder: &Path) -> Option<Disk> {
    let stat = folder
        .ancestors()
        .find_map(|path| rustix::fs::statvfs(path).ok())?;
    let total = stat.f_blocks.saturating_mul(stat.f_frsize);
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let percent = free.saturating_mul(100).checked_div(total).unwrap_or(0);
    Some(Disk {
        total_gib: u32::try_from(total / GIB).unwrap_or(u32::MAX),
        free_gib: u32::try_from(free / GIB).unwrap_or(u32::MAX),
        free_percent: u8::try_from(percent).unwrap_or(100),
    })
}

/// Load average over one minute.
pub(super) fn load_1m() -> f32 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ')
        .next()
        .and_then(|word| word.parse().ok())
        .unwrap_or_default()
}

/// Memory that is in use on the host, MiB.
pub(super) fn memory_used_mib() -> u32 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = |name: &str| -> u32 {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
            .unwrap_or_default()
    };
    kib("MemTotal:").saturating_sub(kib("MemAvailable:")) / 1024
}

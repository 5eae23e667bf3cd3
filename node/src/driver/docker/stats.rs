//! What a VM uses, as the engine counts it (the same on cgroup v1 and v2).

use bollard::{
    models::{ContainerMemoryStats, ContainerStatsResponse},
    query_parameters::{InspectContainerOptions, StatsOptions},
};
use futures_util::TryStreamExt;
use node_api::error::NodeErrorCode;
use uuid::Uuid;

use super::{
    api::{LIST, START},
    context::{Context, container_name, named},
};
use crate::{
    clock::now_us,
    driver::{DriverError, UsageReading},
};

/// `Conflict` where it does not run, `Timeout` while the engine tells nothing of it.
pub(super) async fn vm_usage(context: &Context, id: Uuid) -> Result<UsageReading, DriverError> {
    context.check_mine(id).await?;
    context.silent.check(id)?;
    let name = container_name(id);
    // One shot: otherwise the engine waits a second for a figure to compare with.
    let options = StatsOptions {
        stream: false,
        one_shot: true,
    };
    let stats = context
        .api
        .call(LIST, |docker| async move {
            std::pin::pin!(docker.stats(&name, Some(options)))
                .try_next()
                .await
        })
        .await
        .map_err(|error| named(error, id))?;
    stats
        .as_ref()
        .and_then(reading)
        .ok_or_else(|| DriverError::new(NodeErrorCode::Conflict, format!("VM {id} does not run")))
}

/// None where it does not run: the engine answers all the same, with nothing in it.
fn reading(stats: &ContainerStatsResponse) -> Option<UsageReading> {
    let cpu = stats.cpu_stats.as_ref()?.cpu_usage.as_ref()?;
    let networks = stats.networks.iter().flat_map(|networks| networks.values());
    let (rx_bytes, tx_bytes) = networks.fold((0, 0), |(rx, tx), network| {
        (
            rx + network.rx_bytes.unwrap_or_default(),
            tx + network.tx_bytes.unwrap_or_default(),
        )
    });
    let processes = stats
        .pids_stats
        .as_ref()
        .and_then(|pids| pids.current)
        .unwrap_or_default();
    Some(UsageReading {
        at: now_us(),
        cpu_ns: cpu.total_usage.filter(|ns| *ns > 0)?,
        memory_bytes: stats.memory_stats.as_ref().map_or(0, working_set),
        rx_bytes,
        tx_bytes,
        processes: u32::try_from(processes).unwrap_or(u32::MAX),
    })
}

/// What is used, less the page cache that nobody has touched lately, as `docker stats` counts.
fn working_set(memory: &ContainerMemoryStats) -> u64 {
    let usage = memory.usage.unwrap_or_default();
    let cache = memory.stats.as_ref().and_then(|stats| {
        // cgroup v1, then v2
        stats
            .get("total_inactive_file")
            .or_else(|| stats.get("inactive_file"))
    });
    usage.saturating_sub(cache.copied().unwrap_or_default())
}

/// Bytes written over the image.
pub(super) async fn vm_disk_bytes(context: &Context, id: Uuid) -> Result<Option<u64>, DriverError> {
    context.check_mine(id).await?;
    context.silent.check(id)?;
    let name = container_name(id);
    let options = InspectContainerOptions { size: true };
    let found = context
        .api
        .call(START, |docker| {
            docker.inspect_container(&name, Some(options))
        })
        .await
        .map_err(|error| named(error, id))?;
    Ok(found.size_rw.and_then(|bytes| u64::try_from(bytes).ok()))
}

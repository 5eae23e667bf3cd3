//! All VMs of the node.

use std::time::Instant;

use bollard::{
    models::{ContainerSummary, ContainerSummaryStateEnum as State},
    query_parameters::ListContainersOptions,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use node_api::{error::NodeErrorCode, vm::VmReport};
use uuid::Uuid;

use super::{api, context::Context, label};
use crate::driver::DriverError;

/// Containers that are looked at at once.
const AT_ONCE: usize = 8;

/// One call for the list, and one for each VM that has changed or was not looked at for 5 s.
pub(super) async fn vm_list(context: &Context) -> Result<Vec<VmReport>, DriverError> {
    match tokio::time::timeout(api::LIST, read(context)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(api::late(api::LIST)),
    }
}

async fn read(context: &Context) -> Result<Vec<VmReport>, DriverError> {
    let since = Instant::now();
    let options = ListContainersOptions {
        all: true,
        filters: Some(label::filter(label::NODE, &context.config.node)),
        ..Default::default()
    };
    let found = context
        .api
        .call(api::LIST, |docker| docker.list_containers(Some(options)))
        .await?;
    let vms: Vec<VmReport> = stream::iter(found.into_iter().filter_map(|summary| key(&summary)))
        .map(|(id, running)| look(context, id, running))
        .buffered(AT_ONCE)
        .try_filter_map(async |report| Ok(report))
        .try_collect()
        .await?;
    context.room.reconcile(&vms, since);
    Ok(vms)
}

/// The VM's id, and whether it runs.
fn key(summary: &ContainerSummary) -> Option<(Uuid, bool)> {
    let id = summary.labels.as_ref()?.get(label::VM)?.parse().ok()?;
    let running = matches!(
        summary.state,
        Some(State::RUNNING | State::PAUSED | State::RESTARTING)
    );
    Some((id, running))
}

/// None where it has vanished since.
async fn look(context: &Context, id: Uuid, running: bool) -> Result<Option<VmReport>, DriverError> {
    if let Some(report) = context.cache.get(id, running) {
        return Ok(Some(report));
    }
    match context.look(id).await {
        Ok(report) => Ok(Some(report)),
        Err(error) if error.code == NodeErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

//! All VMs of the node.

use std::time::Duration;

use bollard::{models::ContainerSummary, query_parameters::ListContainersOptions};
use futures_util::{StreamExt, TryStreamExt, stream};
use node_api::{error::NodeErrorCode, vm::VmReport};
use tokio::time::Instant;
use uuid::Uuid;

use super::{api, context::Context, label, report};
use crate::driver::DriverError;

/// Containers that are looked at at once.
const AT_ONCE: usize = 8;
/// For one of them to be looked at. Some calls keep the engine's lock of a container for as long as what is
/// in it lets them: its neighbours are listed all the same.
const LOOK: Duration = Duration::from_secs(2);
/// For all looks together, and for what comes after them.
const LOOKS: Duration = Duration::from_secs(5);
const REST: Duration = Duration::from_millis(500);

/// One call for the list, and one for each VM that has changed or was not looked at for 5 s. A VM of
/// which the engine tells nothing in time is as it was last, where the list agrees, or as the list has it.
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
    let until = (Instant::now() + LOOKS).min(since + api::LIST - REST);
    let vms: Vec<VmReport> = stream::iter(found.into_iter().filter_map(Listed::of))
        .map(|vm| async move { vm.look(context, until).await })
        .buffered(AT_ONCE)
        .try_filter_map(async |report| Ok(report))
        .try_collect()
        .await?;
    context.room.reconcile(&vms, since.into_std());
    Ok(vms)
}

/// A VM as the list has it.
struct Listed {
    id: Uuid,
    is_running: bool,
    summary: ContainerSummary,
}

impl Listed {
    fn of(summary: ContainerSummary) -> Option<Self> {
        let id = summary.labels.as_ref()?.get(label::VM)?.parse().ok()?;
        Some(Self {
            id,
            is_running: summary.state.is_some_and(report::is_running),
            summary,
        })
    }

    /// None where it has vanished since.
    async fn look(
        &self,
        context: &Context,
        until: Instant,
    ) -> Result<Option<VmReport>, DriverError> {
        if let Some(report) = context.cache.get(self.id, self.is_running) {
            return Ok(Some(report));
        }
        if context.silent.is(self.id) {
            return Ok(self.last(context));
        }
        let own = Instant::now() + LOOK;
        match tokio::time::timeout_at(own.min(until), context.look(self.id)).await {
            Ok(Ok(report)) => Ok(Some(report)),
            Ok(Err(error)) if error.code == NodeErrorCode::NotFound => Ok(None),
            Ok(Err(error)) if error.code == NodeErrorCode::EngineAway => Err(error),
            Ok(Err(error)) => {
                tracing::warn!(id = %self.id, "a VM was not looked at: {error}");
                Ok(self.last(context))
            }
            Err(_) => {
                // Others may have used up its time.
                if own <= until {
                    context.silent.note(self.id);
                    tracing::warn!(id = %self.id, "the engine tells nothing of a VM within {} s", LOOK.as_secs());
                }
                Ok(self.last(context))
            }
        }
    }

    fn last(&self, context: &Context) -> Option<VmReport> {
        let last = context.cache.last(self.id, self.is_running);
        last.or_else(|| report::of_listed(&self.summary, |id| context.known(id)))
    }
}

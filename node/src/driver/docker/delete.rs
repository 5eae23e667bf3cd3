//! Removing a VM for good.

use std::time::Duration;

use bollard::query_parameters::RemoveContainerOptions;
use node_api::error::NodeErrorCode;
use uuid::Uuid;

use super::{
    api::START,
    context::{Context, container_name},
    network,
};
use crate::{driver::DriverError, fail_point::fail_point};

/// Fine where it is not there, or is another node's (then it is not touched).
pub(super) async fn vm_delete(context: &Context, id: Uuid) -> Result<(), DriverError> {
    let _alone = context.change(id).await;
    let spec = match context.look(id).await {
        Ok(report) => report.spec,
        Err(error) if error.code == NodeErrorCode::NotFound => {
            context.room.release(id);
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    fail_point("vm_delete:before_engine");
    remove(context, id).await?;
    fail_point("vm_delete:engine_acted");
    context.cache.remove(id);
    context.room.release(id);
    context.state().ooms.remove(&id);
    tracing::info!(%id, name = %spec.name, "a VM was deleted");
    let network = &spec.network.name;
    if let Err(error) = network::release(context, network, &spec.owner_id.to_string()).await {
        // The VM is gone; who has it deleted waits for no more.
        tracing::warn!(%id, network, "its network could not be removed, which is tried again: {error}");
    }
    Ok(())
}

/// Ends it, and removes it with the volumes that its image made.
pub(super) async fn remove(context: &Context, id: Uuid) -> Result<(), DriverError> {
    let name = container_name(id);
    let options = RemoveContainerOptions {
        force: true,
        v: true,
        ..Default::default()
    };
    let removed = context
        .api
        .call(START, |docker| {
            docker.remove_container(&name, Some(options))
        })
        .await;
    match removed {
        Err(error) if error.code == NodeErrorCode::NotFound => Ok(()),
        Err(error) if error.code == NodeErrorCode::Conflict => {
            await_removal(context, &name, error).await
        }
        outcome => outcome,
    }
}

/// Another removal is under way.
async fn await_removal(
    context: &Context,
    name: &str,
    conflict: DriverError,
) -> Result<(), DriverError> {
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        match context.inspect(name).await {
            Err(error) if error.code == NodeErrorCode::NotFound => return Ok(()),
            Err(error) => return Err(error),
            Ok(_) => {}
        }
    }
    Err(conflict)
}

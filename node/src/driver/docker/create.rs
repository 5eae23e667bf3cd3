//! Making a VM: room, network, container, and its start.

use bollard::query_parameters::CreateContainerOptions;
use node_api::{
    error::NodeErrorCode,
    vm::{PowerState, VmReport, VmSpec},
};
use uuid::Uuid;

use super::{
    api::CREATE,
    context::{Context, container_name},
    delete, list, network,
    power::{self, Container},
    profile,
    storage::Storage,
};
use crate::{driver::DriverError, fail_point::fail_point};

/// Idempotent; one look at the container at the end.
pub(super) async fn vm_create(
    context: &Context,
    spec: &VmSpec,
    start: bool,
) -> Result<VmReport, DriverError> {
    let _alone = context.change(spec.id).await;
    clear(context, spec).await?;
    let promised = promise(context, spec).await?;
    let made = make(context, spec).await;
    if made.is_err() && promised {
        context.room.release(spec.id);
    }
    let anew = made?;
    fail_point("vm_create:engine_acted");
    if start {
        let which = if anew { Container::New } else { Container::Old };
        power::start_anywhere(context, spec, which).await?;
    }
    let report = context.look(spec.id).await?;
    if anew {
        tracing::info!(id = %spec.id, name = %spec.name, image = %spec.image, "a VM was created");
    }
    Ok(report)
}

/// Removes a container that never ran and has another published port than it is to have: the engine
/// cannot change that, and there is nothing in it yet.
async fn clear(context: &Context, spec: &VmSpec) -> Result<(), DriverError> {
    if spec.ssh_port.is_none() {
        return Ok(());
    }
    match context.look(spec.id).await {
        Ok(there) if there.power == PowerState::Created && there.spec.ssh_port != spec.ssh_port => {
            delete::remove(context, spec.id).await?;
            context.cache.remove(spec.id);
            Ok(())
        }
        Err(error) if error.code != NodeErrorCode::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Sets the VM's memory aside. True where it had none before.
async fn promise(context: &Context, spec: &VmSpec) -> Result<bool, DriverError> {
    if !context.room.is_loaded() {
        list::vm_list(context).await?;
    }
    let facts = context.facts.get(context).await?;
    let memory = facts.capacity.memory_mib;
    context.room.promise(spec.id, spec.memory_mib, memory)
}

/// True where the container was not there.
async fn make(context: &Context, spec: &VmSpec) -> Result<bool, DriverError> {
    let facts = context.facts.get(context).await?;
    if let Err(full) = check_disk(&facts.storage, context.config.disk_reserve_percent) {
        return made_before(context, spec.id, full).await;
    }
    let body = profile::container(spec, &context.config, facts.storage.limit_hard)?;
    let options = CreateContainerOptions {
        name: Some(container_name(spec.id)),
        ..Default::default()
    };
    let lock = network::ensure(context, spec).await?;
    fail_point("vm_create:before_engine");
    let made = context
        .api
        .call(CREATE, |docker| {
            docker.create_container(Some(options), body)
        })
        .await;
    drop(lock);
    match made {
        Ok(made) => {
            context.cache.spoil(spec.id);
            // Such as limits that the kernel does not know.
            made.warnings
                .iter()
                .for_each(|words| tracing::warn!(id = %spec.id, "the engine warns: {words}"));
            Ok(true)
        }
        Err(error) if error.code == NodeErrorCode::Conflict => {
            // Its name is taken: it is there, or (then this fails) another node's.
            context.check_mine(spec.id).await.map_err(|_| taken(spec))?;
            Ok(false)
        }
        // Not there, or its name alone is: each store of images has its own words for that.
        Err(error)
            if error.code == NodeErrorCode::NotFound && !error.message.contains("network") =>
        {
            Err(DriverError::new(NodeErrorCode::ImageMissing, error.message))
        }
        Err(error) => Err(error),
    }
}

/// Where the disk is too full for one more: false where it is there already, and so takes no more of it.
async fn made_before(context: &Context, id: Uuid, full: DriverError) -> Result<bool, DriverError> {
    match context.look(id).await {
        Ok(_) => Ok(false),
        Err(error) if error.code == NodeErrorCode::NotFound => Err(full),
        Err(error) => Err(error),
    }
}

fn taken(spec: &VmSpec) -> DriverError {
    DriverError::new(
        NodeErrorCode::Conflict,
        format!(
            "the engine has a container mc-{0} of another node; once that is of no use any more, an admin removes it on \
             this host: docker rm --force mc-{0}",
            spec.id
        ),
    )
}

fn check_disk(storage: &Storage, reserve_percent: u8) -> Result<(), DriverError> {
    match storage.fuller_disk() {
        Some(disk) if disk.free_percent < reserve_percent => Err(DriverError::new(
            NodeErrorCode::NoRoom,
            format!(
                "only {} % of the engine's disk is free; under {reserve_percent} % no VM is created",
                disk.free_percent
            ),
        )),
        _ => Ok(()),
    }
}

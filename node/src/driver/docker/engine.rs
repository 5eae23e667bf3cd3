//! What the engine is, and whether it can be used.

use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bollard::query_parameters::ListImagesOptions;
use node_api::status::{Capacity, EngineStatus, NodeUsage};

use super::{capacity, context::Context};
use crate::driver::{DriverError, EngineReport};

/// An engine that has not answered a small question after this long is away.
const ANSWER: Duration = Duration::from_secs(3);
/// What hardly changes is asked for anew after this long, and when the engine was away.
const FACTS_FRESH: Duration = Duration::from_secs(60);
const IMAGES_FRESH: Duration = Duration::from_secs(5);

/// What hardly changes.
#[derive(Clone, Debug, Default)]
pub(super) struct EngineFacts {
    pub version: Option<String>,
    pub id: Option<String>,
    pub capacity: Capacity,
    pub disk_limit_hard: bool,
    /// Where the engine keeps its containers.
    pub root: PathBuf,
}

#[derive(Default)]
pub(super) struct Facts(Mutex<Known>);

#[derive(Default)]
struct Known {
    facts: Option<(Instant, EngineFacts)>,
    images: Option<(Instant, Vec<String>)>,
}

impl Facts {
    pub(super) async fn get(&self, context: &Context) -> Result<EngineFacts, DriverError> {
        let known = self.lock().facts.clone();
        if let Some((_, facts)) = known.filter(|(at, _)| at.elapsed() < FACTS_FRESH) {
            return Ok(facts);
        }
        let info = context.api.call(ANSWER, |docker| docker.info()).await?;
        let facts = EngineFacts {
            version: info.server_version.clone(),
            id: info.id.clone(),
            capacity: capacity::capacity(&info, &context.config),
            disk_limit_hard: capacity::disk_limit_hard(&info),
            root: capacity::root(&info),
        };
        self.lock().facts = Some((Instant::now(), facts.clone()));
        Ok(facts)
    }

    /// The last known, however old.
    fn last(&self) -> Option<EngineFacts> {
        self.lock().facts.as_ref().map(|(_, facts)| facts.clone())
    }

    async fn images(&self, context: &Context) -> Result<Vec<String>, DriverError> {
        let known = self.lock().images.clone();
        if let Some((_, images)) = known.filter(|(at, _)| at.elapsed() < IMAGES_FRESH) {
            return Ok(images);
        }
        let found = context
            .api
            .call(ANSWER, |docker| {
                docker.list_images(None::<ListImagesOptions>)
            })
            .await?;
        let images = names(found.into_iter().flat_map(|image| image.repo_tags));
        self.lock().images = Some((Instant::now(), images.clone()));
        Ok(images)
    }

    /// Images have changed, or everything may have.
    pub(super) fn forget_images(&self) {
        self.lock().images = None;
    }

    fn forget(&self) {
        if let Some((at, _)) = &mut self.lock().facts {
            // The last known stays for capacity; the next call asks anew.
            *at = at.checked_sub(FACTS_FRESH).unwrap_or(*at);
        }
        self.forget_images();
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tags as the engine has them; `:latest` ones without it, too.
fn names(tags: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = tags
        .filter(|tag| tag != "<none>:<none>")
        .flat_map(|tag| {
            let short = tag.strip_suffix(":latest").map(str::to_owned);
            short.into_iter().chain([tag])
        })
        .collect();
    names.sort_unstable();
    names
}

/// Never fails: an engine that is away is degraded, with its words.
pub(super) async fn engine(context: &Context) -> EngineReport {
    let looked = look(context).await;
    context.touch(looked.is_ok());
    if looked.is_err() {
        context.facts.forget();
    }
    let degraded = match &looked {
        Ok(_) => context.health.degraded(),
        Err(error) => Some(error.message.clone()),
    };
    let (facts, images) =
        looked.unwrap_or_else(|_| (context.facts.last().unwrap_or_default(), Vec::new()));
    let disk = capacity::disk(&facts.root);
    EngineReport {
        engine: EngineStatus {
            kind: "docker".into(),
            version: facts.version,
            degraded,
            id: facts.id,
        },
        capacity: facts.capacity,
        usage: NodeUsage {
            load_1m: capacity::load_1m(),
            memory_used_mib: capacity::memory_used_mib(),
            disk_free_gib: disk.map_or(0, |disk| disk.free_gib),
            disk_free_percent: disk.map_or(0, |disk| disk.free_percent),
            vms: u32::try_from(context.room.vms()).unwrap_or(u32::MAX),
            shells: 0,
        },
        images,
        disk_limit_hard: facts.disk_limit_hard,
    }
}

async fn look(context: &Context) -> Result<(EngineFacts, Vec<String>), DriverError> {
    context.api.call(ANSWER, |docker| docker.ping()).await?;
    let facts = context.facts.get(context).await?;
    let images = context.facts.images(context).await?;
    if !context.room.is_loaded() {
        super::list::vm_list(context).await?;
    }
    Ok((facts, images))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_listed_with_and_without_latest() {
        let tags = ["minicloud/base:latest", "alpine:3", "<none>:<none>"];
        let names = names(tags.map(str::to_owned).into_iter());
        assert_eq!(
            names,
            ["alpine:3", "minicloud/base", "minicloud/base:latest"]
        );
    }
}

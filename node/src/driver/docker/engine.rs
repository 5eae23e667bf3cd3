//! What the engine is, and whether it can be used.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bollard::query_parameters::ListImagesOptions;
use node_api::{
    error::NodeErrorCode,
    status::{Capacity, EngineStatus, NodeUsage},
};

use super::{began, capacity, context::Context, storage::Storage};
use crate::driver::{DriverError, EngineReport};

/// The answer to a small question is late after this long.
const ANSWER: Duration = Duration::from_secs(3);
/// Answers that must be late one after the other before the engine is called away. One may be bad luck.
const LATE: u32 = 2;
/// What hardly changes is asked for anew after this long, and when the engine was away.
const FACTS_FRESH: Duration = Duration::from_secs(60);
/// The same for the list of images, which the engine tells changes of. With fifty images it takes an engine of version
/// 29 a third of a second.
const IMAGES_FRESH: Duration = Duration::from_secs(60);

/// What hardly changes.
#[derive(Clone, Debug, Default)]
pub(super) struct EngineFacts {
    /// As the engine tells it.
    pub version: Option<String>,
    /// The engine's own name; nodes that share it have the same.
    pub id: Option<String>,
    /// This node's share.
    pub capacity: Capacity,
    /// Where the engine keeps what it has.
    pub storage: Storage,
    /// When its process began, where that is seen.
    pub began_at: Option<i64>,
}

/// What is known of the engine, and since when.
#[derive(Default)]
pub(super) struct Facts(Mutex<Known>);

/// What a look at the engine finds: with its images.
type Found = (EngineFacts, Vec<String>);

#[derive(Default)]
struct Known {
    facts: Option<(Instant, EngineFacts)>,
    images: Option<(Instant, Vec<String>)>,
    /// How often images have changed.
    images_changes: u64,
    /// Answers that were late since the last one in time.
    late: u32,
}

impl Facts {
    /// At most a minute old; asked for anew otherwise, and fails where the engine does not answer within 3 s.
    pub(super) async fn get(&self, context: &Context) -> Result<EngineFacts, DriverError> {
        let known = self.lock().facts.clone();
        if let Some((_, facts)) = known.filter(|(at, _)| at.elapsed() < FACTS_FRESH) {
            return Ok(facts);
        }
        let info = context.api.call(ANSWER, |docker| docker.info()).await?;
        let storage = Storage::of(&info);
        let facts = EngineFacts {
            version: info.server_version.clone(),
            id: info.id.clone(),
            capacity: capacity::capacity(&info, storage.vms_disk(), &context.config),
            storage,
            began_at: began::began_at(context.api.socket()).await,
        };
        self.lock().facts = Some((Instant::now(), facts.clone()));
        Ok(facts)
    }

    /// The last known, however old.
    fn last(&self) -> Option<EngineFacts> {
        self.lock().facts.as_ref().map(|(_, facts)| facts.clone())
    }

    /// A list that is late, as one of hundreds of images may be, is no sign of an engine that is away.
    async fn images(&self, context: &Context) -> Result<Vec<String>, DriverError> {
        let (known, changes) = {
            let known = self.lock();
            (known.images.clone(), known.images_changes)
        };
        if let Some((at, images)) = &known
            && at.elapsed() < IMAGES_FRESH
        {
            return Ok(images.clone());
        }
        let listed = context
            .api
            .call(ANSWER, |docker| {
                docker.list_images(None::<ListImagesOptions>)
            })
            .await;
        let images = match (listed, known) {
            (Ok(found), _) => names(found.into_iter().flat_map(|image| image.repo_tags)),
            (Err(error), Some((_, images))) if error.code == NodeErrorCode::Timeout => images,
            (Err(error), _) => return Err(error),
        };
        let mut known = self.lock();
        known.images = Some((Instant::now(), images.clone()));
        if known.images_changes != changes {
            known.spoil_images();
        }
        Ok(images)
    }

    /// Images have changed.
    pub(super) fn forget_images(&self) {
        let mut known = self.lock();
        known.images_changes += 1;
        known.spoil_images();
    }

    /// How a look went. In place of one answer that is late stands what was known before.
    fn judge(&self, looked: Result<Found, DriverError>) -> Result<Found, DriverError> {
        let mut known = self.lock();
        let error = match looked {
            Ok(found) => {
                known.late = 0;
                return Ok(found);
            }
            Err(error) => error,
        };
        known.spoil();
        known.late = match error.code {
            NodeErrorCode::Timeout => known.late.saturating_add(1),
            _ => LATE,
        };
        match (&known.facts, &known.images) {
            (Some((_, facts)), Some((_, images))) if known.late < LATE => {
                Ok((facts.clone(), images.clone()))
            }
            _ => Err(error),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Everything may have changed. The last known stays; the next call asks anew.
    fn spoil(&mut self) {
        if let Some((at, _)) = &mut self.facts {
            *at = at.checked_sub(FACTS_FRESH).unwrap_or(*at);
        }
        self.spoil_images();
    }

    fn spoil_images(&mut self) {
        if let Some((at, _)) = &mut self.images {
            *at = at.checked_sub(IMAGES_FRESH).unwrap_or(*at);
        }
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
    let found = context.facts.judge(looked);
    let degraded = match &found {
        Ok(_) => context.health.degraded(),
        Err(error) => Some(error.message.clone()),
    };
    let (facts, images) =
        found.unwrap_or_else(|_| (context.facts.last().unwrap_or_default(), Vec::new()));
    let disk = facts.storage.fuller_disk();
    EngineReport {
        engine: EngineStatus {
            kind: "docker".into(),
            version: facts.version,
            degraded,
            id: facts.id,
            started_at: facts.began_at,
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
        disk_limit_hard: facts.storage.limit_hard,
    }
}

async fn look(context: &Context) -> Result<Found, DriverError> {
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

    #[test]
    fn one_late_answer_is_bad_luck_and_two_are_an_engine_that_is_away() {
        let facts = Facts::default();
        let good = || Ok((EngineFacts::default(), Vec::new()));
        let late = || Err(crate::driver::docker::api::late(ANSWER));
        assert!(facts.judge(late()).is_err(), "nothing is known of it yet");
        {
            let mut known = facts.lock();
            known.facts = Some((Instant::now(), EngineFacts::default()));
            known.images = Some((Instant::now(), vec!["alpine".to_owned()]));
        }
        for _ in 0..2 {
            facts.judge(good()).expect("in time");
            let (_, images) = facts.judge(late()).expect("what is known");
            assert_eq!(images, ["alpine"]);
            assert!(facts.judge(late()).is_err());
            assert!(facts.judge(late()).is_err());
        }
        facts.judge(good()).expect("in time");
        let away = DriverError::new(NodeErrorCode::EngineAway, "no socket");
        assert!(facts.judge(Err(away)).is_err());
        assert!(facts.judge(late()).is_err(), "it was away before");
    }
}

//! Making images present.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use bollard::{Docker, errors::Error};
use node_api::{
    error::NodeErrorCode,
    image::{ImageReport, ImageState},
};

use super::{api::LIST, context::Context, pull};
use crate::driver::DriverError;

/// So long a pull that failed is told as such, and not begun anew: all VMs that wait for it ask about twice a
/// second, and each is to hear why.
const TOLD: Duration = Duration::from_secs(5);

/// Images on their way, and those that did not come, with when that was found.
#[derive(Default)]
pub(super) struct Pulls(HashMap<String, (Instant, ImageState)>);

impl Pulls {
    /// None where a pull is to be begun, or to be begun anew.
    fn get(&self, name: &str, now: Instant) -> Option<ImageState> {
        let (since, state) = self.0.get(name)?;
        let is_old = now.duration_since(*since) >= TOLD;
        let is_on_its_way = matches!(state, ImageState::Pulling { .. });
        (is_on_its_way || !is_old).then(|| state.clone())
    }

    fn set(&mut self, name: &str, state: ImageState, now: Instant) {
        self.0.insert(name.to_owned(), (now, state));
    }

    fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }
}

/// Where the image stands; begins to pull it where it is neither here nor on its way.
pub(super) async fn image_ensure(
    context: &Arc<Context>,
    name: &str,
) -> Result<ImageReport, DriverError> {
    let state = state(context, name).await?;
    Ok(ImageReport {
        name: name.to_owned(),
        state,
    })
}

async fn state(context: &Arc<Context>, name: &str) -> Result<ImageState, DriverError> {
    let found = context
        .api
        .call(LIST, |docker| is_whole(docker, name))
        .await;
    match found {
        Ok(true) => {
            context.state().pulls.remove(name);
            return Ok(ImageState::Present);
        }
        Err(error) if !is_missing(&error) => return Err(error),
        _ => {}
    }
    let mut state = context.state();
    if let Some(known) = state.pulls.get(name, Instant::now()) {
        return Ok(known);
    }
    let begun = ImageState::Pulling {
        percent: 0,
        detail: "asking the registry".into(),
    };
    state.pulls.set(name, begun.clone(), Instant::now());
    drop(state);
    tokio::spawn(fetch(context.clone(), name.to_owned()));
    Ok(begun)
}

/// Engines from 29 on may keep an image's name when its content has gone, and tell nothing of it then, not even what
/// bollard takes for granted. A pull brings it anew.
async fn is_whole(docker: &Docker, name: &str) -> Result<bool, Error> {
    match docker.inspect_image(name).await {
        Ok(image) => Ok(image.architecture.as_deref() != Some("")),
        Err(Error::JsonDataError { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_missing(error: &DriverError) -> bool {
    matches!(
        error.code,
        NodeErrorCode::ImageMissing | NodeErrorCode::NotFound
    )
}

/// Why a pull that went well was of no use; without this it would be begun again and again.
async fn still_not_whole(context: &Context, name: &str) -> Option<String> {
    let found = context
        .api
        .call(LIST, |docker| is_whole(docker, name))
        .await;
    let words = "it was pulled, but what the engine tells of it cannot be read: remove it there (docker image rm)";
    matches!(found, Ok(false)).then(|| words.to_owned())
}

async fn fetch(context: Arc<Context>, name: String) {
    tracing::info!(image = %name, "pulling an image");
    let failure = pull::pull(&context, &name, |state| {
        context.state().pulls.set(&name, state, Instant::now());
    })
    .await;
    context.facts.forget_images();
    let failure = match failure {
        None => still_not_whole(&context, &name).await,
        failed => failed,
    };
    match failure {
        None => {
            tracing::info!(image = %name, "an image was pulled");
            context.state().pulls.remove(&name);
        }
        Some(reason) => {
            tracing::warn!(image = %name, "an image was not pulled: {reason}");
            let failed = ImageState::Failed { reason };
            context.state().pulls.set(&name, failed, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_that_failed_is_told_to_all_who_wait_and_then_begun_anew() {
        let mut pulls = Pulls::default();
        let now = Instant::now();
        let failed = ImageState::Failed {
            reason: "no such image".into(),
        };
        let pulling = ImageState::Pulling {
            percent: 7,
            detail: "1 layer".into(),
        };
        assert_eq!(pulls.get("a", now), None);
        pulls.set("a", failed.clone(), now);
        for after in [Duration::ZERO, TOLD / 2] {
            assert_eq!(pulls.get("a", now + after), Some(failed.clone()));
        }
        assert_eq!(pulls.get("a", now + TOLD), None);
        pulls.set("a", pulling.clone(), now);
        assert_eq!(pulls.get("a", now + 100 * TOLD), Some(pulling));
        pulls.remove("a");
        assert_eq!(pulls.get("a", now), None);
    }
}

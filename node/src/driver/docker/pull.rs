//! A pull's progress in percent, out of what the engine tells of each layer.

use std::{collections::HashMap, time::Duration};

use bollard::{models::CreateImageInfo, query_parameters::CreateImageOptions};
use futures_util::{Stream, StreamExt};
use node_api::image::ImageState;

use super::{
    api::{root_cause, translate},
    context::Context,
};

/// A pull in which nothing has moved for this long has failed.
const IDLE: Duration = Duration::from_secs(120);
/// A layer may be unpacked for this long by an engine that does not tell how far it is.
const UNPACKING: Duration = Duration::from_secs(900);

/// Pulls an image, and tells how far it is; None once it is here, else why it failed.
pub(super) async fn pull(
    context: &Context,
    name: &str,
    tell: impl FnMut(ImageState),
) -> Option<String> {
    let docker = match context.api.docker() {
        Ok(docker) => docker,
        Err(error) => return Some(error.message),
    };
    let steps = docker.create_image(Some(options(name)), None, None);
    follow(steps, IDLE, tell).await
}

async fn follow(
    steps: impl Stream<Item = Result<CreateImageInfo, bollard::errors::Error>>,
    idle: Duration,
    mut tell: impl FnMut(ImageState),
) -> Option<String> {
    let mut steps = std::pin::pin!(steps);
    let mut progress = Progress::default();
    let mut moved = tokio::time::Instant::now();
    let mut unpacking = None;
    loop {
        let step = match tokio::time::timeout_at(moved + idle, steps.next()).await {
            Ok(Some(Ok(step))) => step,
            Ok(Some(Err(error))) => return Some(reason(&error)),
            Ok(None) => return None,
            Err(_) => return Some(format!("no progress for {} s", idle.as_secs())),
        };
        if let Some(error) = step
            .error_detail
            .as_ref()
            .and_then(|detail| detail.message.clone())
        {
            return Some(error);
        }
        let now = tokio::time::Instant::now();
        match progress.take(&step) {
            Movement::None => {}
            Movement::Layer => {
                (moved, unpacking) = (now, None);
                tell(progress.state());
            }
            Movement::Unpacking => {
                if now - *unpacking.get_or_insert(now) < UNPACKING {
                    moved = now;
                }
            }
        }
    }
}

fn reason(error: &bollard::errors::Error) -> String {
    let ours = translate(error).message;
    if ours.is_empty() {
        root_cause(error)
    } else {
        ours
    }
}

/// Without a tag the engine would pull every one of them.
fn options(name: &str) -> CreateImageOptions {
    let (image, tag) = split(name);
    CreateImageOptions {
        from_image: Some(image.to_owned()),
        tag: Some(tag.to_owned()),
        ..Default::default()
    }
}

fn split(name: &str) -> (&str, &str) {
    if let Some((image, digest)) = name.split_once('@') {
        return (image, digest);
    }
    match name.rsplit_once(':') {
        // A colon before a slash is a registry's port.
        Some((image, tag)) if !tag.contains('/') => (image, tag),
        _ => (name, "latest"),
    }
}

/// Layers by id: how much of each is here.
#[derive(Default)]
struct Progress {
    layers: HashMap<String, Layer>,
    percent: u8,
}

#[derive(Clone, Copy, Default, PartialEq)]
struct Layer {
    current: i64,
    total: i64,
    /// Of `total`, where the engine tells.
    unpacked: i64,
    done: bool,
}

/// What a step of the engine's says.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Movement {
    /// A message alone, such as "Retrying in 5 seconds".
    None,
    /// More of a layer is here.
    Layer,
    /// Something is under way, and nobody tells how far.
    Unpacking,
}

impl Progress {
    fn take(&mut self, step: &CreateImageInfo) -> Movement {
        let (Some(id), Some(status)) = (&step.id, step.status.as_deref()) else {
            return Movement::None;
        };
        if status.starts_with("Pulling from") {
            return Movement::None;
        }
        let detail = step.progress_detail.as_ref();
        let before = self.layers.get(id).copied();
        let mut layer = before.unwrap_or_default();
        match status {
            "Download complete" | "Pull complete" | "Already exists" => layer.done = true,
            "Downloading" => {
                layer.current = detail
                    .and_then(|detail| detail.current)
                    .unwrap_or(layer.current);
                layer.total = detail
                    .and_then(|detail| detail.total)
                    .unwrap_or(layer.total);
            }
            "Pulling fs layer" | "Waiting" | "Verifying Checksum" => {}
            "Extracting" => match detail.and_then(|detail| detail.total) {
                Some(total) if total > 0 => {
                    layer.unpacked = detail.and_then(|detail| detail.current).unwrap_or(0);
                }
                // Engines from 29 on count the seconds.
                _ => return Movement::Unpacking,
            },
            _ => return Movement::None,
        }
        self.layers.insert(id.clone(), layer);
        self.percent = self.percent.max(self.now());
        match before == Some(layer) {
            true => Movement::None,
            false => Movement::Layer,
        }
    }

    /// Over the bytes of all layers; one whose size is not known yet counts as the others' mean.
    fn now(&self) -> u8 {
        let known: Vec<i64> = self
            .layers
            .values()
            .map(|l| l.total)
            .filter(|t| *t > 0)
            .collect();
        let mean = known.iter().sum::<i64>() / i64::try_from(known.len().max(1)).unwrap_or(1);
        let (mut have, mut all) = (0, 0);
        for layer in self.layers.values() {
            let total = if layer.total > 0 {
                layer.total
            } else {
                mean.max(1)
            };
            have += if layer.done {
                total
            } else {
                layer.current.clamp(0, total)
            };
            all += total;
        }
        // 100 is when the image is here.
        u8::try_from((have * 100).checked_div(all).unwrap_or(0))
            .unwrap_or(0)
            .min(99)
    }

    fn state(&self) -> ImageState {
        let done = self.layers.values().filter(|layer| layer.done).count();
        ImageState::Pulling {
            percent: self.percent,
            detail: format!("{done} of {} layers", self.layers.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::ProgressDetail;

    use super::*;

    fn step(id: &str, status: &str, progress: Option<(i64, i64)>) -> CreateImageInfo {
        CreateImageInfo {
            id: Some(id.into()),
            status: Some(status.into()),
            progress_detail: progress.map(|(current, total)| ProgressDetail {
                current: Some(current),
                total: Some(total),
            }),
            ..Default::default()
        }
    }

    #[test]
    fn a_tag_is_always_named() {
        assert_eq!(split("alpine"), ("alpine", "latest"));
        assert_eq!(split("alpine:3"), ("alpine", "3"));
        assert_eq!(
            split("localhost:5000/a/b"),
            ("localhost:5000/a/b", "latest")
        );
        assert_eq!(split("localhost:5000/a/b:1"), ("localhost:5000/a/b", "1"));
        assert_eq!(split("a@sha256:00"), ("a", "sha256:00"));
    }

    #[test]
    fn percent_is_over_all_layers_and_never_falls() {
        let mut progress = Progress::default();
        progress.take(&step("a", "Pulling fs layer", None));
        progress.take(&step("a", "Downloading", Some((50, 100))));
        assert_eq!(progress.percent, 50);
        progress.take(&step("b", "Downloading", Some((0, 300))));
        assert_eq!(progress.percent, 50);
        progress.take(&step("a", "Pull complete", None));
        progress.take(&step("b", "Downloading", Some((200, 300))));
        assert_eq!(progress.percent, 75);
        progress.take(&step("b", "Pull complete", None));
        assert_eq!(progress.percent, 99);
    }

    #[test]
    fn waiting_for_a_retry_is_no_progress() {
        let mut progress = Progress::default();
        let downloading = step("a", "Downloading", Some((1, 100)));
        assert_eq!(progress.take(&downloading), Movement::Layer);
        assert_eq!(progress.take(&downloading), Movement::None);
        let retrying = step("a", "Retrying in 5 seconds", None);
        assert_eq!(progress.take(&retrying), Movement::None);
    }

    #[tokio::test]
    async fn a_pull_in_which_nothing_moves_ends_with_that_reason_whatever_the_engine_says_meanwhile()
     {
        let begun = futures_util::stream::iter([Ok(step("a", "Downloading", Some((1, 100))))]);
        let says = futures_util::stream::unfold((), async |()| {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Some((Ok(step("a", "Retrying in 5 seconds", None)), ()))
        });
        let mut told = 0;
        let ended = follow(begun.chain(says), Duration::from_secs(1), |_| told += 1);
        let reason = tokio::time::timeout(Duration::from_secs(30), ended).await;
        assert_eq!(reason.unwrap().as_deref(), Some("no progress for 1 s"));
        assert_eq!(told, 1);
    }

    #[test]
    fn unpacking_is_progress_only_where_the_engine_tells_how_far_it_is() {
        let mut progress = Progress::default();
        let unpacking = |at| step("a", "Extracting", Some((at, 100)));
        assert_eq!(progress.take(&unpacking(1)), Movement::Layer);
        assert_eq!(progress.take(&unpacking(1)), Movement::None);
        assert_eq!(progress.take(&unpacking(2)), Movement::Layer);
        for seconds in 1..3 {
            let counted = step("a", "Extracting", Some((seconds, 0)));
            assert_eq!(progress.take(&counted), Movement::Unpacking);
        }
    }
}

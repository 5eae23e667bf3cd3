//! Making images present.

use std::sync::Arc;

use node_api::{
    error::NodeErrorCode,
    image::{ImageReport, ImageState},
};

use super::{api::LIST, context::Context, pull};
use crate::driver::DriverError;

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
        .call(LIST, |docker| docker.inspect_image(name))
        .await;
    match found {
        Ok(_) => {
            context.state().pulls.remove(name);
            return Ok(ImageState::Present);
        }
        Err(error) if is_missing(&error) => {}
        Err(error) => return Err(error),
    }
    let mut state = context.state();
    match state.pulls.get(name) {
        Some(pulling @ ImageState::Pulling { .. }) => return Ok(pulling.clone()),
        // Told once; the next ensure tries again.
        Some(_) => return Ok(state.pulls.remove(name).unwrap_or(ImageState::Present)),
        None => {}
    }
    let begun = ImageState::Pulling {
        percent: 0,
        detail: "asking the registry".into(),
    };
    state.pulls.insert(name.to_owned(), begun.clone());
    drop(state);
    tokio::spawn(fetch(context.clone(), name.to_owned()));
    Ok(begun)
}

fn is_missing(error: &DriverError) -> bool {
    matches!(
        error.code,
        NodeErrorCode::ImageMissing | NodeErrorCode::NotFound
    )
}

async fn fetch(context: Arc<Context>, name: String) {
    tracing::info!(image = %name, "pulling an image");
    let failure = pull::pull(&context, &name, |state| {
        context.state().pulls.insert(name.clone(), state);
    })
    .await;
    context.facts.forget_images();
    match failure {
        None => {
            tracing::info!(image = %name, "an image was pulled");
            context.state().pulls.remove(&name);
        }
        Some(reason) => {
            tracing::warn!(image = %name, "an image was not pulled: {reason}");
            let failed = ImageState::Failed { reason };
            context.state().pulls.insert(name, failed);
        }
    }
}

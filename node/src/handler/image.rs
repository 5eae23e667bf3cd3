//! Images.

use axum::{Json, extract::State};
use node_api::image::ImageReport;

use super::check;
use crate::{error::ApiResult, extract::ApiName, state::AppState};

/// Answers at once with where the image stands; a pull goes on in the background.
pub async fn image_ensure(
    State(state): State<AppState>,
    ApiName(name): ApiName,
) -> ApiResult<Json<ImageReport>> {
    check::image_name(&name)?;
    Ok(Json(state.driver.image_ensure(&name).await?))
}

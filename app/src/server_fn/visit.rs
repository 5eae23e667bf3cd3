//! Who is asking.

use leptos::{prelude::*, server_fn::codec::GetUrl};

use crate::{model::AppError, visit::Visit};

/// What every page knows before it shows anything.
#[server(prefix = "/api", endpoint = "visit_get", input = GetUrl)]
pub async fn visit_get() -> Result<Visit, AppError> {
    let plane = crate::response::plane()?;
    let viewer = plane.viewer().await?;
    let site = plane.site().await?;
    Ok(Visit {
        viewer,
        site,
        theme: plane.theme(),
    })
}

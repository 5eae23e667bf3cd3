//! What a VM can be made of: images and flavors.

use app::control_plane::VmPlane as _;
use axum::Json;
use server_api::{flavor::Flavor, image::Image};

use super::{input::Own, problem::Answer};

/// The images of the catalogue.
#[utoipa::path(get, path = "/api/v1/images", tag = "vms",
    responses((status = 200, body = Vec<Image>)))]
pub async fn image_list(own: Own) -> Answer<Vec<Image>> {
    let offer = own.plane.vm_offer().await?;
    let images = offer.images.into_iter().map(|image| Image {
        name: image.name,
        reference: image.reference,
        summary: image.summary,
        default: image.default,
        present_on: image.present_on,
    });
    Ok(Json(images.collect()))
}

/// The sizes a VM can have, each with why the caller cannot have it now.
#[utoipa::path(get, path = "/api/v1/flavors", tag = "vms",
    responses((status = 200, body = Vec<Flavor>)))]
pub async fn flavor_list(own: Own) -> Answer<Vec<Flavor>> {
    let offer = own.plane.vm_offer().await?;
    let flavors = offer.flavors.into_iter().map(|flavor| Flavor {
        name: flavor.name,
        cpu_millis: flavor.cpu_millis,
        memory_mib: flavor.memory_mib,
        disk_gib: flavor.disk_gib,
        unavailable: flavor.unavailable,
    });
    Ok(Json(flavors.collect()))
}

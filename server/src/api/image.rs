//! What a VM can be made of: images and flavors.

use app::{
    control_plane::{AdminPlane as _, VmPlane as _},
    model::{self, AppError, ImageView},
};
use axum::{
    Json,
    extract::Path,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use server_api::{
    flavor::Flavor,
    image::{Image, ImageAdd, SshServer},
    page::Page,
};

use super::{
    idempotency::{Attempt, Made, once},
    input::{Admin, Body, Own, Query},
    page::PageQuery,
    problem::{Answer, ApiError},
};
use crate::pages::RequestPlane;

/// Of an image whose name another has.
const TAKEN: &str = "image_name_taken";

/// The images of the catalogue, by name.
#[utoipa::path(get, path = "/api/v1/images", tag = "vms", params(PageQuery),
    responses((status = 200, body = Page<Image>)))]
pub async fn image_list(own: Own, Query(query): Query<PageQuery>) -> Answer<Page<Image>> {
    let mut images = own.plane.vm_offer().await?.images;
    images.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Json(query.cut(images, |image| &image.name, image)?))
}

/// Adds an image to the catalogue; a node pulls it when it first needs it.
#[utoipa::path(post, path = "/api/v1/admin/images", tag = "admin",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = ImageAdd, responses((status = 201, body = Image)))]
pub async fn image_add(
    Admin(plane): Admin,
    own: Own,
    headers: HeaderMap,
    Body(add): Body<ImageAdd>,
) -> Result<Response, ApiError> {
    let wish = add.clone();
    let make = |attempt: Attempt| async move {
        let added = plane
            .image_add(
                &add.name,
                &add.reference,
                &add.summary,
                add.ssh_server.map(server_read),
            )
            .await;
        let added = match added {
            Err(error) if attempt.again && error.code == TAKEN => {
                added_before(&plane, &add).await?.ok_or(error)?
            }
            added => added?,
        };
        Ok(Made {
            answer: image(added),
            kept: true,
        })
    };
    once(&own, &headers, ("image_add", &wish), make).await
}

/// What an attempt before this one added: an image has no id to know it by, but its words.
async fn added_before(plane: &RequestPlane, add: &ImageAdd) -> Result<Option<ImageView>, AppError> {
    let mut images = plane.image_list().await?.into_iter();
    Ok(images.find(|image| {
        let there = [&image.name, &image.reference, &image.summary];
        there == [&add.name, &add.reference, &add.summary].map(|word| word.trim())
    }))
}

/// Makes an image the one that is taken where none is named.
#[utoipa::path(put, path = "/api/v1/admin/images/{name}/default", tag = "admin",
    params(("name" = String, Path)), responses((status = 200, body = Image)))]
pub async fn image_default(Admin(plane): Admin, Path(name): Path<String>) -> Answer<Image> {
    Ok(Json(image(plane.image_default(&name).await?)))
}

/// Takes an image out of the catalogue; VMs made from it stay.
#[utoipa::path(delete, path = "/api/v1/admin/images/{name}", tag = "admin",
    params(("name" = String, Path)), responses((status = 204)))]
pub async fn image_remove(
    Admin(plane): Admin,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    plane.image_remove(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn image(view: ImageView) -> Image {
    Image {
        name: view.name,
        reference: view.reference,
        summary: view.summary,
        default: view.default,
        present_on: view.present_on,
        ssh_server: view.ssh_server.map(|server| match server {
            model::SshServer::Dropbear => SshServer::Dropbear,
            model::SshServer::Sshd => SshServer::Sshd,
        }),
    }
}

fn server_read(server: SshServer) -> model::SshServer {
    match server {
        SshServer::Dropbear => model::SshServer::Dropbear,
        SshServer::Sshd => model::SshServer::Sshd,
    }
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

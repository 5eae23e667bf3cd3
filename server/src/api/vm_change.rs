//! Changes of a VM: made, started, shut down, deleted. They answer once the wish is written down;
//! with `wait` once it has come true, or with the state reached.

use app::{control_plane::VmPlane as _, model::VmOffer};
use axum::{
    Json,
    extract::Path,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use server_api::vm::{Vm, VmCreate};

use super::{
    idempotency::{Made, once},
    input::{Body, Own, Query},
    problem::{Answer, ApiError},
    vm::vm,
    wait::{WaitQuery, settled},
};

/// Makes a VM. What is left out is chosen: a free name, the first size, the default image.
#[utoipa::path(post, path = "/api/v1/vms", tag = "vms",
    params(WaitQuery, ("Idempotency-Key" = Option<String>, Header)),
    request_body = VmCreate, responses((status = 201, body = Vm)))]
pub async fn vm_create(
    own: Own,
    Query(query): Query<WaitQuery>,
    headers: HeaderMap,
    Body(create): Body<VmCreate>,
) -> Result<Response, ApiError> {
    let wait = query.read()?;
    let plane = own.plane.clone();
    let actor = own.actor.clone();
    once(&own, &headers, ("vm_create", &create), |attempt| {
        let create = create.clone();
        async move {
            let ssh_publish = create.ssh_publish;
            let (name, flavor, image) = chosen(&plane, create).await?;
            let control = &plane.state.control;
            let made = control
                .vm_create_as(&actor, &attempt.id, &name, &flavor, &image, ssh_publish)
                .await;
            let made = plane.control_answer(made)?;
            // It is made: that nobody can say how far it has come makes that no failure.
            let now = settled(&plane, made.clone(), wait).await.ok().flatten();
            Ok(Made {
                answer: vm(now.unwrap_or(made)),
                kept: true,
            })
        }
    })
    .await
}

/// Name, flavor and image: what was asked for, and what the New VM form would offer for the rest.
pub async fn chosen(
    plane: &crate::pages::RequestPlane,
    create: VmCreate,
) -> Result<(String, String, String), ApiError> {
    if let (Some(name), Some(flavor), Some(image)) = (&create.name, &create.flavor, &create.image) {
        return Ok((name.clone(), flavor.clone(), image.clone()));
    }
    let offer: VmOffer = plane.vm_offer().await?;
    let flavor = offer.flavors.first().map(|flavor| flavor.name.clone());
    let default = offer.images.iter().find(|image| image.default);
    let image = default.or(offer.images.first());
    let image = image.map(|image| image.name.clone());
    Ok((
        create.name.unwrap_or(offer.suggested_name),
        create.flavor.or(flavor).unwrap_or_default(),
        create.image.or(image).unwrap_or_default(),
    ))
}

/// Starts a VM; one that runs stays as it is.
#[utoipa::path(post, path = "/api/v1/vms/{name}/start", tag = "vms",
    params(("name" = String, Path), WaitQuery), responses((status = 200, body = Vm)))]
pub async fn vm_start(own: Own, Path(name): Path<String>, query: Query<WaitQuery>) -> Answer<Vm> {
    let wait = query.0.read()?;
    let view = own.plane.vm_start(&name).await?;
    answered(&own, view, wait).await
}

/// Shuts a VM down; its files are kept.
#[utoipa::path(post, path = "/api/v1/vms/{name}/stop", tag = "vms",
    params(("name" = String, Path), WaitQuery), responses((status = 200, body = Vm)))]
pub async fn vm_stop(own: Own, Path(name): Path<String>, query: Query<WaitQuery>) -> Answer<Vm> {
    let wait = query.0.read()?;
    let view = own.plane.vm_stop(&name).await?;
    answered(&own, view, wait).await
}

/// Shuts a VM down and starts it again.
#[utoipa::path(post, path = "/api/v1/vms/{name}/restart", tag = "vms",
    params(("name" = String, Path), WaitQuery), responses((status = 200, body = Vm)))]
pub async fn vm_restart(own: Own, Path(name): Path<String>, query: Query<WaitQuery>) -> Answer<Vm> {
    let wait = query.0.read()?;
    let view = own.plane.vm_restart(&name).await?;
    answered(&own, view, wait).await
}

/// Tries a failed VM again.
#[utoipa::path(post, path = "/api/v1/vms/{name}/retry", tag = "vms",
    params(("name" = String, Path), WaitQuery), responses((status = 200, body = Vm)))]
pub async fn vm_retry(own: Own, Path(name): Path<String>, query: Query<WaitQuery>) -> Answer<Vm> {
    let wait = query.0.read()?;
    let view = own.plane.vm_retry(&name).await?;
    answered(&own, view, wait).await
}

/// Deletes a VM and its files for good: 204 once it is gone, 202 while that is under way.
#[utoipa::path(delete, path = "/api/v1/vms/{name}", tag = "vms",
    params(("name" = String, Path), WaitQuery),
    responses((status = 202, body = Vm), (status = 204)))]
pub async fn vm_delete(
    own: Own,
    Path(name): Path<String>,
    query: Query<WaitQuery>,
) -> Result<Response, ApiError> {
    let wait = query.0.read()?;
    let found = own.plane.state.control.vm_find(&own.actor, &name).await;
    let found = own.plane.control_answer(found)?;
    own.plane.vm_delete(&name).await?;
    let wait = wait.or(Some(std::time::Duration::ZERO));
    Ok(match settled(&own.plane, found, wait).await? {
        Some(view) => (StatusCode::ACCEPTED, Json(vm(view))).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

async fn answered(
    own: &Own,
    view: app::model::VmView,
    wait: Option<std::time::Duration>,
) -> Answer<Vm> {
    let view = settled(&own.plane, view.clone(), wait)
        .await?
        .unwrap_or(view);
    Ok(Json(vm(view)))
}

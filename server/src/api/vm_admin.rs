//! Everybody's VMs, by id; for admins.

use app::{control_plane::AdminPlane as _, model::VmView};
use axum::{
    Json,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use server_api::{
    page::Page,
    vm::{Vm, VmDetail},
};

use super::{
    input::{Admin, Query},
    page::PageQuery,
    problem::{Answer, ApiError},
    vm::{detail, vm},
    wait::{WaitQuery, settled},
};
use crate::pages::RequestPlane;

/// Everybody's VMs, oldest first.
#[utoipa::path(get, path = "/api/v1/admin/vms", tag = "admin", params(PageQuery),
    responses((status = 200, body = Page<Vm>)))]
pub async fn admin_vm_list(
    Admin(plane): Admin,
    Query(query): Query<PageQuery>,
) -> Answer<Page<Vm>> {
    let list = plane.admin_vm_list().await?;
    Ok(Json(query.cut(list.vms, |vm| &vm.id, vm)?))
}

/// One VM with its details.
#[utoipa::path(get, path = "/api/v1/admin/vms/{id}", tag = "admin", params(("id" = String, Path)),
    responses((status = 200, body = VmDetail)))]
pub async fn admin_vm_get(Admin(plane): Admin, Path(id): Path<String>) -> Answer<VmDetail> {
    Ok(Json(detail(plane.admin_vm_get(&id).await?)))
}

/// Starts anybody's VM.
#[utoipa::path(post, path = "/api/v1/admin/vms/{id}/start", tag = "admin",
    params(("id" = String, Path), WaitQuery), responses((status = 200, body = Vm)))]
pub async fn admin_vm_start(
    Admin(plane): Admin,
    Path(id): Path<String>,
    query: Query<WaitQuery>,
) -> Answer<Vm> {
    let wait = query.0.read()?;
    let view = plane.admin_vm_start(&id).await?;
    answered(&plane, view, wait).await
}

/// Shuts anybody's VM down; its files are kept.
#[utoipa::path(post, path = "/api/v1/admin/vms/{id}/stop", tag = "admin",
    params(("id" = String, Path), WaitQuery), responses((status = 200, body = Vm)))]
pub async fn admin_vm_stop(
    Admin(plane): Admin,
    Path(id): Path<String>,
    query: Query<WaitQuery>,
) -> Answer<Vm> {
    let wait = query.0.read()?;
    let view = plane.admin_vm_stop(&id).await?;
    answered(&plane, view, wait).await
}

/// Deletes anybody's VM: 204 once it is gone, 202 while that is under way.
#[utoipa::path(delete, path = "/api/v1/admin/vms/{id}", tag = "admin",
    params(("id" = String, Path), WaitQuery),
    responses((status = 202, body = Vm), (status = 204)))]
pub async fn admin_vm_delete(
    Admin(plane): Admin,
    Path(id): Path<String>,
    query: Query<WaitQuery>,
) -> Result<Response, ApiError> {
    let wait = query.0.read()?.unwrap_or_default();
    plane.admin_vm_delete(&id).await?;
    let left = plane.state.control.vm_settle(&id, wait).await;
    Ok(match plane.control_answer(left)? {
        Some(view) => (StatusCode::ACCEPTED, Json(vm(view))).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

async fn answered(
    plane: &RequestPlane,
    view: VmView,
    wait: Option<std::time::Duration>,
) -> Answer<Vm> {
    let view = settled(plane, view.clone(), wait).await?.unwrap_or(view);
    Ok(Json(vm(view)))
}

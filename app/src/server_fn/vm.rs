//! One's VMs.

use leptos::{prelude::*, server_fn::codec::GetUrl};

#[cfg(feature = "ssr")]
use super::land;
use crate::model::{AppError, EventPage, VmDetail, VmList, VmOffer, VmView};
#[cfg(feature = "ssr")]
use crate::response::plane;

/// With the quota. What follows comes by the live socket.
#[server(name = VmListAsk, prefix = "/api", endpoint = "vm_list", input = GetUrl)]
pub async fn vm_list() -> Result<VmList, AppError> {
    plane()?.vm_list().await
}

/// All that the VM's page shows; without what its node does not tell within 2 s.
#[server(prefix = "/api", endpoint = "vm_get", input = GetUrl)]
pub async fn vm_get(name: String) -> Result<VmDetail, AppError> {
    plane()?.vm_get(&name).await
}

/// Names, sizes and images for the New VM form.
#[server(name = VmOfferAsk, prefix = "/api", endpoint = "vm_offer", input = GetUrl)]
pub async fn vm_offer() -> Result<VmOffer, AppError> {
    plane()?.vm_offer().await
}

/// What is wrong with a name for a new VM, if anything. That is an answer, and no failure.
#[server(prefix = "/api", endpoint = "vm_name_check", input = GetUrl)]
pub async fn vm_name_check(name: String) -> Result<Option<String>, AppError> {
    match plane()?.vm_name_check(&name).await {
        Err(error) if error.field.is_some() => Ok(Some(error.message)),
        answer => answer.map(|()| None),
    }
}

/// Answers once it is written down; the VM comes alive after that. A plain form lands on the list.
#[server(prefix = "/api", endpoint = "vm_create")]
pub async fn vm_create(
    name: String,
    flavor: String,
    image: String,
    #[server(default)] ssh_publish: bool,
) -> Result<VmView, AppError> {
    let vm = plane()?
        .vm_create(name.trim(), &flavor, &image, ssh_publish)
        .await?;
    land("/");
    Ok(vm)
}

/// Answers once it is written down; fine where it runs already.
#[server(prefix = "/api", endpoint = "vm_start")]
pub async fn vm_start(name: String) -> Result<VmView, AppError> {
    plane()?.vm_start(&name).await
}

/// "Shut down" on the page: graceful, the disk is kept.
#[server(prefix = "/api", endpoint = "vm_stop")]
pub async fn vm_stop(name: String) -> Result<VmView, AppError> {
    plane()?.vm_stop(&name).await
}

/// Down and up again; answers once it is written down.
#[server(prefix = "/api", endpoint = "vm_restart")]
pub async fn vm_restart(name: String) -> Result<VmView, AppError> {
    plane()?.vm_restart(&name).await
}

/// Tries a failed VM again, on its node if it was there already, else placed anew.
#[server(prefix = "/api", endpoint = "vm_retry")]
pub async fn vm_retry(name: String) -> Result<VmView, AppError> {
    plane()?.vm_retry(&name).await
}

/// Deletes the VM and its disk; answers the path to land on.
#[server(prefix = "/api", endpoint = "vm_delete")]
pub async fn vm_delete(name: String) -> Result<String, AppError> {
    plane()?.vm_delete(&name).await?;
    Ok(land("/"))
}

/// The VM's events, newest first; `before` is the `next` of the page before.
#[server(prefix = "/api", endpoint = "vm_event_list", input = GetUrl)]
pub async fn vm_event_list(name: String, before: Option<i64>) -> Result<EventPage, AppError> {
    plane()?.vm_event_list(&name, before).await
}

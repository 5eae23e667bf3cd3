//! VMs: list, create, start, stop, delete.

use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use node_api::{
    error::NodeErrorCode,
    ssh::SshServe,
    usage::UsageSample,
    vm::{VmPut, VmReport},
};

use super::{check, to_its_end};
use crate::{
    driver::DriverError,
    error::ApiResult,
    extract::{ApiId, ApiJson},
    fail_point::fail_point,
    state::AppState,
};

/// Shorter than who asks waits.
const SETTLED: Duration = Duration::from_secs(5);

/// All of this node, running ones with their newest usage sample.
pub async fn vm_list(State(state): State<AppState>) -> ApiResult<Json<Vec<VmReport>>> {
    let mut vms = state.driver.vm_list().await?;
    state.usage.attach(&mut vms);
    Ok(Json(vms))
}

/// Fresh from the engine, with its newest usage sample while it runs; `timeout` while it is being made or deleted, which
/// may go on although nobody waits for it any more.
pub async fn vm_get(State(state): State<AppState>, ApiId(id): ApiId) -> ApiResult<Json<VmReport>> {
    let settled = tokio::time::timeout(SETTLED, state.driver.vm_settled(id)).await;
    settled.map_err(|_| {
        let words = format!("mc-{id} is still being made or deleted");
        DriverError::new(NodeErrorCode::Timeout, words)
    })?;
    let vm = state.driver.vm_get(id).await?;
    Ok(Json(with_usage(&state, vm)))
}

/// Creates it where it is missing, and starts it when asked.
pub async fn vm_put(
    State(state): State<AppState>,
    ApiId(id): ApiId,
    ApiJson(put): ApiJson<VmPut>,
) -> ApiResult<Json<VmReport>> {
    check::vm_spec(id, &put.spec)?;
    check::ssh_port(put.spec.ssh_port, state.config.ssh_ports.as_ref())?;
    let driver = state.driver.clone();
    let vm = to_its_end(async move { driver.vm_create(&put.spec, put.start).await }).await?;
    fail_point("vm_create:before_report");
    Ok(Json(with_usage(&state, vm)))
}

/// Fine where it runs. It is done to its end even when the caller goes away, as every change here.
pub async fn vm_start(
    State(state): State<AppState>,
    ApiId(id): ApiId,
) -> ApiResult<Json<VmReport>> {
    let driver = state.driver.clone();
    let vm = to_its_end(async move { driver.vm_start(id).await }).await?;
    fail_point("vm_start:before_report");
    Ok(Json(with_usage(&state, vm)))
}

/// Answers when it has ended, which ends its shells; fine where it is stopped.
pub async fn vm_stop(State(state): State<AppState>, ApiId(id): ApiId) -> ApiResult<Json<VmReport>> {
    let driver = state.driver.clone();
    let vm = to_its_end(async move { driver.vm_stop(id).await }).await?;
    state.shells.vm_stopped(id);
    fail_point("vm_stop:before_report");
    Ok(Json(vm))
}

/// Sets the keys that may sign in to it, and starts its SSH server.
pub async fn vm_ssh_serve(
    State(state): State<AppState>,
    ApiId(id): ApiId,
    ApiJson(serve): ApiJson<SshServe>,
) -> ApiResult<StatusCode> {
    check::ssh_serve(&serve)?;
    let driver = state.driver.clone();
    to_its_end(async move { driver.vm_ssh_serve(id, &serve).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// 204, also where it was not there; its shells end with it.
pub async fn vm_delete(State(state): State<AppState>, ApiId(id): ApiId) -> ApiResult<StatusCode> {
    let driver = state.driver.clone();
    to_its_end(async move { driver.vm_delete(id).await }).await?;
    state.shells.vm_stopped(id);
    fail_point("vm_delete:before_report");
    Ok(StatusCode::NO_CONTENT)
}

/// The last 15 minutes, oldest first.
pub async fn vm_usage(
    State(state): State<AppState>,
    ApiId(id): ApiId,
) -> ApiResult<Json<Vec<UsageSample>>> {
    let samples = state.usage.history(id);
    if samples.is_empty() {
        // No samples yet, or no such VM: the driver knows.
        state.driver.vm_get(id).await?;
    }
    Ok(Json(samples))
}

fn with_usage(state: &AppState, vm: VmReport) -> VmReport {
    let mut vms = [vm];
    state.usage.attach(&mut vms);
    let [vm] = vms;
    vm
}

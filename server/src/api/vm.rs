//! VMs: what they are and do, and commands in them.

use app::{
    control_plane::VmPlane as _,
    model::{VmDetail as Detail, VmState as State, VmView},
};
use axum::{Json, extract::Path};
use server_api::{
    event::Event,
    page::Page,
    vm::{SshPublished, Vm, VmDetail, VmExec, VmExecOutput, VmProgress, VmState, VmUsage},
};

use super::{
    event,
    input::{Body, Own, Query},
    page::PageQuery,
    problem::Answer,
};

/// The caller's VMs, oldest first.
#[utoipa::path(get, path = "/api/v1/vms", tag = "vms", params(PageQuery),
    responses((status = 200, body = Page<Vm>)))]
pub async fn vm_list(own: Own, Query(query): Query<PageQuery>) -> Answer<Page<Vm>> {
    let vms = own.plane.state.control.vm_views(&own.actor).await;
    let vms = own.plane.control_answer(vms)?;
    Ok(Json(query.cut(vms, |vm| &vm.id, vm)?))
}

/// One VM with its details.
#[utoipa::path(get, path = "/api/v1/vms/{name}", tag = "vms", params(("name" = String, Path)),
    responses((status = 200, body = VmDetail)))]
pub async fn vm_get(own: Own, Path(name): Path<String>) -> Answer<VmDetail> {
    Ok(Json(detail(own.plane.vm_get(&name).await?)))
}

/// Runs one command, without a shell, and answers what it printed.
#[utoipa::path(post, path = "/api/v1/vms/{name}/exec", tag = "vms", params(("name" = String, Path)),
    request_body = VmExec, responses((status = 200, body = VmExecOutput)))]
pub async fn vm_exec(
    own: Own,
    Path(name): Path<String>,
    Body(exec): Body<VmExec>,
) -> Answer<VmExecOutput> {
    let control = &own.plane.state.control;
    let done = control
        .vm_exec(&own.actor, &name, exec.argv, exec.timeout_s)
        .await;
    let output = own.plane.control_answer(done)?;
    Ok(Json(VmExecOutput {
        exit_code: output.exit_code,
        stdout: output.stdout,
        stderr: output.stderr,
        truncated: output.truncated,
    }))
}

/// What happened to a VM, newest first; pages have at most 50.
#[utoipa::path(get, path = "/api/v1/vms/{name}/events", tag = "vms",
    params(("name" = String, Path), PageQuery), responses((status = 200, body = Page<Event>)))]
pub async fn vm_event_list(
    own: Own,
    Path(name): Path<String>,
    Query(query): Query<PageQuery>,
) -> Answer<Page<Event>> {
    let (limit, before) = (query.limit()?, query.before()?);
    let page = own.plane.vm_event_list(&name, before).await?;
    Ok(Json(event::page(page, limit)))
}

/// What a VM used in the last 15 minutes; empty while it does not run.
#[utoipa::path(get, path = "/api/v1/vms/{name}/usage", tag = "vms", params(("name" = String, Path)),
    responses((status = 200, body = Vec<VmUsage>)))]
pub async fn vm_usage(own: Own, Path(name): Path<String>) -> Answer<Vec<VmUsage>> {
    let detail = own.plane.vm_get(&name).await?;
    let points = detail.usage.into_iter().map(|point| VmUsage {
        at: point.at,
        cpu_percent: point.cpu_percent,
        memory_mib: point.memory_mib,
        rx_rate: point.rx_rate,
        tx_rate: point.tx_rate,
    });
    Ok(Json(points.collect()))
}

/// A VM as the API tells of it.
pub fn vm(view: VmView) -> Vm {
    Vm {
        id: view.id,
        name: view.name,
        owner: view.owner,
        state: state(view.state),
        reason: view.reason,
        progress: view.progress.map(|progress| VmProgress {
            percent: progress.percent,
            words: progress.words,
        }),
        flavor: view.flavor,
        cpu_millis: view.cpu_millis,
        memory_mib: view.memory_mib,
        disk_gib: view.disk_gib,
        image: view.image,
        node: view.node,
        created_at: view.created_at,
        changed_at: view.changed_at,
        started_at: view.started_at,
        cpu_percent: view.cpu_percent,
        memory_used_mib: view.memory_used_mib,
        ssh_published: view.ssh_published.map(|published| SshPublished {
            host: published.host,
            port: published.port,
            ready: published.ready,
            reason: published.reason,
        }),
    }
}

/// The same with its details.
pub fn detail(detail: Detail) -> VmDetail {
    VmDetail {
        vm: vm(detail.vm),
        address: detail.address,
        engine_id: detail.engine_id,
        placement_reason: detail.placement_reason,
        image_ref: detail.image_ref,
        disk_used_bytes: detail.disk_used_bytes,
        disk_limit_hard: detail.disk_limit_hard,
    }
}

fn state(state: State) -> VmState {
    match state {
        State::Creating => VmState::Creating,
        State::Starting => VmState::Starting,
        State::Running => VmState::Running,
        State::Stopping => VmState::Stopping,
        State::Stopped => VmState::Stopped,
        State::Deleting => VmState::Deleting,
        State::Failed => VmState::Failed,
        State::Unknown => VmState::Unknown,
    }
}

//! Nodes; for admins.

use app::{
    control_plane::AdminPlane as _,
    model::{NodeHealth as Health, NodePolicy as Policy, NodeView},
};
use axum::{
    Json,
    extract::Path,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Deserialize;
use server_api::{
    node::{Node, NodeAdd, NodeCordon, NodeHealth, NodePolicy},
    page::Page,
};
use utoipa::IntoParams;

use super::{
    idempotency::{Attempt, Made, once},
    input::{Admin, Body, Own, Query},
    page::PageQuery,
    problem::{Answer, ApiError},
};

/// Whether VMs may be lost.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RemoveQuery {
    /// The node's name, once more: needed while it has VMs, which are lost.
    confirm: Option<String>,
}

/// All nodes, by name.
#[utoipa::path(get, path = "/api/v1/admin/nodes", tag = "admin", params(PageQuery),
    responses((status = 200, body = Page<Node>)))]
pub async fn node_list(Admin(plane): Admin, Query(query): Query<PageQuery>) -> Answer<Page<Node>> {
    let mut nodes = plane.node_list().await?;
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Json(query.cut(nodes, |node| &node.name, node)?))
}

/// One node.
#[utoipa::path(get, path = "/api/v1/admin/nodes/{name}", tag = "admin",
    params(("name" = String, Path)), responses((status = 200, body = Node)))]
pub async fn node_get(Admin(plane): Admin, Path(name): Path<String>) -> Answer<Node> {
    Ok(Json(node(plane.node_get(&name).await?)))
}

/// Adds a node that runs already.
#[utoipa::path(post, path = "/api/v1/admin/nodes", tag = "admin",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = NodeAdd, responses((status = 201, body = Node)))]
pub async fn node_add(
    Admin(plane): Admin,
    own: Own,
    headers: HeaderMap,
    Body(add): Body<NodeAdd>,
) -> Result<Response, ApiError> {
    let wish = add.clone();
    let actor = own.actor.clone();
    let make = |attempt: Attempt| async move {
        let (id, fingerprint) = (attempt.id.as_str(), add.fingerprint.as_deref());
        let control = &plane.state.control;
        let added = control
            .node_add_as(
                &actor,
                id,
                &add.name,
                &add.address,
                &add.credential,
                fingerprint,
            )
            .await;
        Ok(Made {
            answer: node(plane.control_answer(added)?),
            kept: true,
        })
    };
    once(&own, &headers, ("node_add", &wish), make).await
}

/// Gives a node no new VMs, or some again.
#[utoipa::path(put, path = "/api/v1/admin/nodes/{name}/cordon", tag = "admin",
    params(("name" = String, Path)), request_body = NodeCordon,
    responses((status = 200, body = Node)))]
pub async fn node_cordon(
    Admin(plane): Admin,
    Path(name): Path<String>,
    Body(cordon): Body<NodeCordon>,
) -> Answer<Node> {
    Ok(Json(node(plane.node_cordon(&name, cordon.cordoned).await?)))
}

/// Takes a node out. Refused while it has VMs, unless its name is given as `confirm`.
#[utoipa::path(delete, path = "/api/v1/admin/nodes/{name}", tag = "admin",
    params(("name" = String, Path), RemoveQuery), responses((status = 204)))]
pub async fn node_remove(
    Admin(plane): Admin,
    Path(name): Path<String>,
    Query(query): Query<RemoveQuery>,
) -> Result<StatusCode, ApiError> {
    plane.node_remove(&name, query.confirm.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn node(view: NodeView) -> Node {
    let (health, health_reason) = health(view.health);
    Node {
        name: view.name,
        address: view.address,
        health,
        health_reason,
        reach_open: view.reach_open,
        policy: match view.policy {
            Policy::Schedulable => NodePolicy::Schedulable,
            Policy::Cordoned => NodePolicy::Cordoned,
        },
        local: view.local,
        version: view.version,
        engine: view.engine,
        vms: view.vms,
        vms_running: view.vms_running,
        cpu_millis: view.cpu_millis,
        cpu_millis_allocated: view.cpu_millis_allocated,
        memory_mib: view.memory_mib,
        memory_mib_allocated: view.memory_mib_allocated,
        memory_mib_used: view.memory_mib_used,
        disk_free_percent: view.disk_free_percent,
        load_1m: view.load_1m,
        seen_at: view.seen_at,
        images: view.images,
    }
}

fn health(health: Health) -> (NodeHealth, Option<String>) {
    match health {
        Health::Ready => (NodeHealth::Ready, None),
        Health::Suspect => (NodeHealth::Suspect, None),
        Health::Unreachable { reason } => (NodeHealth::Unreachable, Some(reason)),
        Health::Degraded { reason } => (NodeHealth::Degraded, Some(reason)),
    }
}

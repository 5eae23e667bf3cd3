//! `/metrics`: what the cloud is doing, as Prometheus text.

use std::net::SocketAddr;

use app::model::{NodeHealth, VmState};
use axum::{
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::{
    auth::{is_forwarded, is_loopback_host},
    state::AppState,
};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct NodeLabel {
    node: String,
}

/// Open on loopback while nothing listens beyond; else only with the configured token.
pub async fn metrics(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    if !is_allowed(&state, peer, &headers) {
        return StatusCode::NOT_FOUND.into_response();
    }
    match text(&state).await {
        Ok(text) => (
            [(
                header::CONTENT_TYPE,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            )],
            text,
        )
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics could not be made");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

fn is_allowed(state: &AppState, peer: SocketAddr, headers: &HeaderMap) -> bool {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    match (&state.config.metrics_token, given) {
        (Some(token), Some(given)) => token.is(given),
        (Some(_), None) => false,
        // Without a token only for this machine, and not for what a proxy here passes on.
        (None, _) => {
            let host = headers
                .get(header::HOST)
                .and_then(|host| host.to_str().ok());
            !state.config.is_open()
                && peer.ip().is_loopback()
                && !is_forwarded(headers)
                && host.is_some_and(is_loopback_host)
        }
    }
}

async fn text(state: &AppState) -> anyhow::Result<String> {
    let mut registry = Registry::with_prefix("minicloud");
    let overview = state.control.overview().await?;
    let vms = Family::<StateLabel, Gauge>::default();
    for state in [VmState::Running, VmState::Failed] {
        let count = if state == VmState::Running {
            overview.vms_running
        } else {
            overview.vms_failed
        };
        vms.get_or_create(&StateLabel {
            state: state.word(),
        })
        .set(i64::from(count));
    }
    registry.register("vms", "VMs by state", vms);
    let gauge = |registry: &mut Registry, name: &str, help: &str, value: u32| {
        let gauge: Gauge = Gauge::default();
        gauge.set(i64::from(value));
        registry.register(name, help, gauge);
    };
    gauge(&mut registry, "vms_all", "VMs there are", overview.vms);
    gauge(&mut registry, "users", "User accounts", overview.users);
    gauge(&mut registry, "shells", "Open shells", overview.shells);
    gauge(
        &mut registry,
        "login_sessions",
        "Login sessions",
        overview.login_sessions,
    );
    let ready = Family::<NodeLabel, Gauge>::default();
    let allocated = Family::<NodeLabel, Gauge>::default();
    for node in &overview.nodes {
        let label = NodeLabel {
            node: node.name.clone(),
        };
        ready
            .get_or_create(&label)
            .set(i64::from(node.health == NodeHealth::Ready));
        allocated
            .get_or_create(&label)
            .set(i64::from(node.memory_mib_allocated));
    }
    registry.register("node_ready", "1 while the node is ready", ready);
    registry.register(
        "node_memory_allocated_mib",
        "Memory promised to VMs, MiB",
        allocated,
    );
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

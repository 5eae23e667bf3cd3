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
    config::Config,
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
    if !is_allowed(&state.config, peer, &headers) {
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

fn is_allowed(config: &Config, peer: SocketAddr, headers: &HeaderMap) -> bool {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    match (&config.metrics_token, given) {
        (Some(token), Some(given)) => token.is(given),
        (Some(_), None) => false,
        // Without a token only for this machine, and not for what a proxy here passes on.
        (None, _) => {
            let host = headers
                .get(header::HOST)
                .and_then(|host| host.to_str().ok());
            !config.is_open()
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
    for (state, count) in [
        (VmState::Running, overview.vms_running),
        (VmState::Unknown, overview.vms_unknown),
        (VmState::Failed, overview.vms_failed),
    ] {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    const TOKEN: Option<&str> = Some("token-of-the-configuration");
    const RIGHT: Header = ("authorization", "Bearer token-of-the-configuration");
    const WRONG: Header = ("authorization", "Bearer token-of-somebody-else");
    const BASIC: Header = ("authorization", "Basic token-of-the-configuration");
    const HOST: Header = ("host", "127.0.0.1:5555");
    const LOCAL: &str = "127.0.0.1:40000";
    const FAR: &str = "192.0.2.7:40000";

    type Header = (&'static str, &'static str);

    fn allowed(token: Option<&str>, listen: &str, peer: &str, lines: &[Header]) -> bool {
        let config = Config {
            listen: listen.parse().unwrap(),
            metrics_token: token.map(Secret::new),
            ..Config::default()
        };
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.insert(*name, value.parse().unwrap());
        }
        is_allowed(&config, peer.parse().unwrap(), &headers)
    }

    #[test]
    fn with_a_token_configured_only_that_opens_them_wherever_one_asks_from() {
        for listen in ["127.0.0.1:5555", "0.0.0.0:5555"] {
            for peer in [LOCAL, FAR] {
                for (lines, is_right) in [
                    (&[HOST, RIGHT][..], true),
                    (&[RIGHT, ("host", "cloud.example")][..], true),
                    (&[HOST, WRONG][..], false),
                    (&[HOST, BASIC][..], false),
                    (&[HOST, ("authorization", "Bearer ")][..], false),
                    (&[HOST][..], false),
                ] {
                    let is = allowed(TOKEN, listen, peer, lines);
                    assert_eq!(is, is_right, "{listen} {peer} {lines:?}");
                }
            }
        }
    }

    #[test]
    fn without_one_they_are_this_machines_alone() {
        let local = |lines: &[Header]| allowed(None, "127.0.0.1:5555", LOCAL, lines);
        assert!(local(&[HOST]));
        assert!(local(&[("host", "localhost:5555")]));
        assert!(local(&[("host", "[::1]:5555")]));
        // A token that nobody configured opens nothing more.
        assert!(local(&[HOST, WRONG]));
        // A page of somebody's, whose name was made to lead here.
        assert!(!local(&[("host", "cloud.example")]));
        assert!(!local(&[("host", "127.0.0.1.cloud.example")]));
        assert!(!local(&[]));
        // A proxy on this machine, for somebody elsewhere.
        for name in [
            "x-forwarded-for",
            "x-forwarded-host",
            "forwarded",
            "x-real-ip",
        ] {
            assert!(!local(&[HOST, (name, "192.0.2.7")]), "{name}");
        }
        assert!(!allowed(None, "127.0.0.1:5555", FAR, &[HOST]));
    }

    #[test]
    fn without_one_nobody_gets_them_once_anything_listens_beyond_this_machine() {
        for lines in [&[HOST][..], &[HOST, RIGHT], &[HOST, WRONG]] {
            assert!(!allowed(None, "0.0.0.0:5555", LOCAL, lines), "{lines:?}");
        }
    }
}

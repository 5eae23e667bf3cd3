//! What the engine says of a container, as a `VmReport`.

use bollard::models::{
    ContainerInspectResponse, ContainerState, ContainerStateStatusEnum as Status,
};
use node_api::vm::{PowerState, VmExit, VmReport, VmSpec};
use uuid::Uuid;

use super::label;

/// What this node knows beside what the engine says.
pub(super) struct Known {
    pub stopping: bool,
    /// Times memory ran out, and whether it did since the last start.
    pub ooms: (u64, bool),
}

/// None where the container is not a VM of ours, or its labels cannot be read.
pub(super) fn of(
    found: &ContainerInspectResponse,
    known: impl FnOnce(Uuid) -> Known,
) -> Option<VmReport> {
    let labels = found.config.as_ref()?.labels.as_ref()?;
    let spec = spec(labels.get(label::SPEC)?)?;
    let state = found.state.as_ref()?;
    let known = known(spec.id);
    let running = state.running == Some(true);
    Some(VmReport {
        power: power(state, known.stopping),
        engine_id: found.id.as_ref()?.chars().take(12).collect(),
        started_at: running.then(|| time(state.started_at.as_deref())).flatten(),
        exit: exit(state, running, known.ooms.1),
        address: running
            .then(|| address(found, &spec.network.name))
            .flatten(),
        oom_kills: known.ooms.0,
        usage: None,
        spec,
    })
}

/// The spec a container was made from.
pub(super) fn spec(json: &str) -> Option<VmSpec> {
    serde_json::from_str(json)
        .inspect_err(|error| tracing::warn!("a container's spec label cannot be read: {error}"))
        .ok()
}

fn power(state: &ContainerState, stopping: bool) -> PowerState {
    match state.status {
        Some(Status::CREATED) => PowerState::Created,
        Some(Status::RUNNING | Status::PAUSED | Status::RESTARTING) if stopping => {
            PowerState::Stopping
        }
        Some(Status::RUNNING | Status::PAUSED | Status::RESTARTING) => PowerState::Running,
        Some(Status::STOPPING | Status::REMOVING) => PowerState::Stopping,
        Some(Status::DEAD) => PowerState::Dead,
        _ => PowerState::Exited,
    }
}

/// How it ended; also the engine's error where a start failed and it never ran.
fn exit(state: &ContainerState, running: bool, oom: bool) -> Option<VmExit> {
    let error = state.error.clone().unwrap_or_default();
    let created = state.status == Some(Status::CREATED);
    if running || (created && error.is_empty()) {
        return None;
    }
    Some(VmExit {
        code: state.exit_code.unwrap_or_default(),
        oom_killed: oom || state.oom_killed == Some(true),
        finished_at: time(state.finished_at.as_deref()).unwrap_or_default(),
        error,
    })
}

fn address(found: &ContainerInspectResponse, network: &str) -> Option<String> {
    let networks = found.network_settings.as_ref()?.networks.as_ref()?;
    let address = networks.get(network)?.ip_address.clone()?;
    (!address.is_empty()).then_some(address)
}

/// Microseconds of RFC 3339; None for the engine's "never" (year 1).
fn time(text: Option<&str>) -> Option<i64> {
    let at: jiff::Timestamp = text?.parse().ok()?;
    Some(at.as_microsecond()).filter(|at| *at > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_times_become_microseconds_and_never_is_none() {
        assert_eq!(
            time(Some("1970-01-01T00:00:01.000002999Z")),
            Some(1_000_002)
        );
        assert_eq!(time(Some("0001-01-01T00:00:00Z")), None);
        assert_eq!(time(None), None);
    }
}

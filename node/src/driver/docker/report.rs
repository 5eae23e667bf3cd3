//! What the engine says of a container, as a `VmReport`.

use std::collections::HashMap;

use bollard::models::{
    ContainerInspectResponse, ContainerState, ContainerStateStatusEnum as Status, ContainerSummary,
    ContainerSummaryStateEnum as Listed, EndpointSettings,
};
use node_api::vm::{PowerState, VmExit, VmReport, VmSpec};
use uuid::Uuid;

use super::label;

/// What this node knows beside what the engine says.
pub(super) struct Known {
    /// A stop of ours is under way; to the engine it still runs.
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
            .then(|| {
                let networks = found.network_settings.as_ref()?.networks.as_ref()?;
                address(networks, &spec.network.name)
            })
            .flatten(),
        oom_kills: known.ooms.0,
        usage: None,
        spec,
    })
}

/// What the engine's list alone says of a VM that cannot be looked at. Since when it runs is not in it.
/// Nor is how it ended, and what is done about an end depends on that: until it is known, it is ending.
pub(super) fn of_listed(
    found: &ContainerSummary,
    known: impl FnOnce(Uuid) -> Known,
) -> Option<VmReport> {
    let spec = spec(found.labels.as_ref()?.get(label::SPEC)?)?;
    let known = known(spec.id);
    let power = match found.state? {
        Listed::CREATED => PowerState::Created,
        state if is_running(state) && !known.stopping => PowerState::Running,
        Listed::DEAD => PowerState::Dead,
        _ => PowerState::Stopping,
    };
    let networks = found
        .network_settings
        .as_ref()
        .and_then(|settings| settings.networks.as_ref())
        .filter(|_| power == PowerState::Running);
    Some(VmReport {
        power,
        engine_id: found.id.as_ref()?.chars().take(12).collect(),
        started_at: None,
        exit: None,
        address: networks.and_then(|networks| address(networks, &spec.network.name)),
        oom_kills: known.ooms.0,
        usage: None,
        spec,
    })
}

/// Whether the list says that it runs.
pub(super) fn is_running(state: Listed) -> bool {
    matches!(state, Listed::RUNNING | Listed::PAUSED | Listed::RESTARTING)
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

fn address(networks: &HashMap<String, EndpointSettings>, network: &str) -> Option<String> {
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
    use bollard::models::ContainerSummaryNetworkSettings;

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

    #[test]
    fn of_a_vm_that_is_only_listed_no_more_is_said_than_is_known() {
        let spec = r#"{"id":"00000000-0000-0000-0000-000000000001","name":"web1",
            "owner_id":"00000000-0000-0000-0000-000000000002","image":"minicloud/base","cpu_millis":500,
            "memory_mib":64,"disk_gib":1,"network":{"name":"mc0000000000","subnet":"10.64.0.0/27"}}"#;
        let address = EndpointSettings {
            ip_address: Some("10.64.0.2".into()),
            ..Default::default()
        };
        let networks = HashMap::from([("mc0000000000".to_owned(), address)]);
        let listed = |state, stopping| {
            let found = ContainerSummary {
                id: Some("0123456789abcdef".into()),
                labels: Some(HashMap::from([(label::SPEC.to_owned(), spec.to_owned())])),
                state: Some(state),
                network_settings: Some(ContainerSummaryNetworkSettings {
                    networks: Some(networks.clone()),
                }),
                ..Default::default()
            };
            let ooms = (3, false);
            let report = of_listed(&found, |_| Known { stopping, ooms }).expect("a VM");
            assert_eq!(report.exit, None);
            (report.power, report.address)
        };
        let there = Some("10.64.0.2".to_owned());
        assert_eq!(listed(Listed::RUNNING, false), (PowerState::Running, there));
        for (state, stopping, power) in [
            (Listed::RUNNING, true, PowerState::Stopping),
            (Listed::EXITED, false, PowerState::Stopping),
            (Listed::CREATED, false, PowerState::Created),
            (Listed::DEAD, false, PowerState::Dead),
        ] {
            assert_eq!(listed(state, stopping), (power, None));
        }
    }
}

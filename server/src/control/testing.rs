//! Rows and reports for tests of pure functions.

use app::model::VmState;
use node_api::vm::{NetworkSpec, PowerState, VmExit, VmReport, VmSpec};
use uuid::Uuid;

use crate::db::vm::{DesiredState, VmRow};

/// A VM that runs and is wanted to.
pub fn row() -> VmRow {
    VmRow {
        id: Uuid::from_u128(7).to_string(),
        owner_id: Uuid::from_u128(1).to_string(),
        owner: "ann".into(),
        network_index: Some(3),
        name: "web1".into(),
        flavor: "small".into(),
        cpu_millis: 500,
        memory_mib: 256,
        disk_gib: 2,
        image: "alpine".into(),
        image_ref: "alpine:3".into(),
        node_id: Some("n1".into()),
        node: Some("node-1".into()),
        placement_reason: "Round robin: node-1 was next.".into(),
        desired: DesiredState::Running,
        state: VmState::Running,
        reason: None,
        generation: 1,
        restarts: 0,
        retry_at: None,
        created_once: true,
        restart_wanted: false,
        engine_id: Some("0123456789ab".into()),
        address: Some("10.64.0.98".into()),
        created_at: 0,
        changed_at: 0,
        started_at: Some(0),
        ssh_port: None,
        ssh_server: None,
        ssh_ready_at: None,
        ssh_reason: None,
    }
}

/// What a node says of that VM when it runs.
pub fn report(power: PowerState) -> VmReport {
    let row = row();
    VmReport {
        spec: VmSpec {
            id: Uuid::from_u128(7),
            name: row.name,
            owner_id: Uuid::from_u128(1),
            image: row.image_ref,
            cpu_millis: row.cpu_millis,
            memory_mib: row.memory_mib,
            disk_gib: row.disk_gib,
            network: NetworkSpec {
                name: "mc0000000001".into(),
                subnet: "10.64.0.96/27".into(),
            },
            ssh_port: None,
        },
        power,
        engine_id: "0123456789ab".into(),
        started_at: (power == PowerState::Running).then_some(0),
        exit: None,
        address: (power == PowerState::Running).then(|| "10.64.0.98".into()),
        oom_kills: 0,
        usage: None,
    }
}

/// The same after it ended.
pub fn exited(code: i64, oom_killed: bool, finished_at: i64) -> VmReport {
    VmReport {
        exit: Some(VmExit {
            code,
            oom_killed,
            finished_at,
            error: String::new(),
        }),
        ..report(PowerState::Exited)
    }
}

//! What every VM's container is: its limits, its rights, what runs in it. Nothing of this can be
//! chosen by a tenant.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HostConfig, HostConfigLogConfig, NetworkingConfig,
    PortBinding, PortMap, ResourcesUlimits, RestartPolicy, RestartPolicyNameEnum,
};
use node_api::vm::VmSpec;

use super::{DockerConfig, label};
use crate::driver::DriverError;

/// What the engine's init (PID 1) runs; needs nothing but `/bin/sh` and `sleep` in the image.
///
/// At TERM everything gets TERM (and CONT, so that what is stopped can act on it) and 10 s; then
/// the script ends with 0, and whatever is left with it. Interactive shells ignore TERM: once
/// nothing is left but leaders of terminals' sessions, these get HUP.
const SCRIPT: &str = r#"shells() {
for d in /proc/[0-9]*; do p=${d#/proc/}
[ "$p" = 1 ] || [ "$p" = $$ ] && continue
read -r l <"$d/stat" || continue
set -- ${l##*) }
[ "$1" = Z ] && continue
[ "$4" = "$p" ] && [ "$5" != 0 ] || return
s="$s $p"
done; kill -HUP $s; }
down() { trap '' TERM HUP INT; kill -TERM -1; kill -CONT -1; n=0
while [ $n -lt 50 ] && kill -0 -1; do sleep 0.2 || sleep 1; n=$((n+1)) s=; shells; done; exit 0; }
trap 'down 2>/dev/null' TERM
[ -x /etc/rc.local ] && /etc/rc.local &
while :; do sleep 2147483647 & wait $!; done"#;

const CAPABILITIES: [&str; 12] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "SETFCAP",
    "NET_BIND_SERVICE",
    "SYS_CHROOT",
    "AUDIT_WRITE",
];

/// Processes a VM may have.
pub(super) const PIDS: u32 = 256;
/// Weight of a VM's CPU where more is wanted than there is, of a whole one. A program of the host has 1024: more is
/// promised than there is, and what all VMs are reached by must not wait for them. Among VMs, it is by size.
const CPU_SHARES: i64 = 256;
/// Files a process may have open; fewer where the host allows fewer, because an engine that may not
/// raise its own limit could start nothing.
const OPEN_FILES: u64 = 16_384;
/// The engine kills what has not ended by then; the script above needs 10 s at most.
pub(super) const STOP_GRACE_S: i32 = 11;

/// The port of a VM that can be published.
const SSH: &str = "22/tcp";

const MIB: i64 = 1024 * 1024;

/// What to ask the engine for. `hard_disk`: its storage can limit a container's disk.
pub(super) fn container(
    spec: &VmSpec,
    config: &DockerConfig,
    hard_disk: bool,
) -> Result<ContainerCreateBody, DriverError> {
    let json = serde_json::to_string(spec).map_err(|error| {
        let message = format!("the spec cannot be written as a label: {error}");
        DriverError::new(node_api::error::NodeErrorCode::Internal, message)
    })?;
    let labels = [
        (label::VM, spec.id.to_string()),
        (label::OWNER, spec.owner_id.to_string()),
        (label::NODE, config.node.clone()),
        (label::SPEC, json),
    ];
    Ok(ContainerCreateBody {
        hostname: Some(spec.name.clone()),
        image: Some(spec.image.clone()),
        // Whatever the image says, PID 1 is the engine's init and our script, run by root.
        entrypoint: Some(words(&["/bin/sh", "-c", SCRIPT])),
        cmd: Some(Vec::new()),
        user: Some("0:0".into()),
        working_dir: Some("/".into()),
        stop_signal: Some("SIGTERM".into()),
        labels: Some(labels.map(|(key, value)| (key.to_owned(), value)).into()),
        networking_config: Some(networking(spec)),
        exposed_ports: spec.ssh_port.map(|_| vec![SSH.to_owned()]),
        host_config: Some(host_config(spec, config, hard_disk)),
        ..Default::default()
    })
}

/// In the owner's network, where the owner's other VMs reach it by its name.
fn networking(spec: &VmSpec) -> NetworkingConfig {
    NetworkingConfig {
        endpoints_config: Some([(spec.network.name.clone(), endpoint(spec))].into()),
    }
}

/// The VM's place in the owner's network.
pub(super) fn endpoint(spec: &VmSpec) -> EndpointSettings {
    EndpointSettings {
        aliases: Some(vec![spec.name.clone()]),
        ..Default::default()
    }
}

/// The VM's SSH server on a port of the host. The engine keeps it with the container, stopped or not.
fn port_bindings(spec: &VmSpec, config: &DockerConfig) -> Option<PortMap> {
    let binding = PortBinding {
        host_ip: Some(config.ssh_listen.to_string()),
        host_port: Some(spec.ssh_port?.to_string()),
    };
    Some(HashMap::from([(SSH.to_owned(), Some(vec![binding]))]))
}

/// The kernel takes none below 2.
fn cpu_shares(cpu_millis: u32) -> i64 {
    (i64::from(cpu_millis) * CPU_SHARES / 1000).max(2)
}

/// No mounts, no devices, no engine socket, no port but that; `restart` is the server's business.
fn host_config(spec: &VmSpec, config: &DockerConfig, hard_disk: bool) -> HostConfig {
    let memory = i64::from(spec.memory_mib) * MIB;
    let disk = hard_disk.then(|| HashMap::from([("size".into(), format!("{}G", spec.disk_gib))]));
    HostConfig {
        init: Some(true),
        cap_drop: Some(words(&["ALL"])),
        cap_add: Some(words(&CAPABILITIES)),
        security_opt: Some(words(&["no-new-privileges"])),
        pids_limit: Some(PIDS.into()),
        memory: Some(memory),
        // Equal to memory: no swap beside it.
        memory_swap: Some(memory),
        nano_cpus: Some(i64::from(spec.cpu_millis) * 1_000_000),
        cpu_shares: Some(cpu_shares(spec.cpu_millis)),
        ulimits: Some(vec![ResourcesUlimits {
            name: Some("nofile".into()),
            soft: Some(open_files()),
            hard: Some(open_files()),
        }]),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".into()),
            config: Some(HashMap::from([
                ("max-size".into(), "1m".into()),
                ("max-file".into(), "2".into()),
            ])),
        }),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::NO),
            maximum_retry_count: None,
        }),
        network_mode: Some(spec.network.name.clone()),
        port_bindings: port_bindings(spec, config),
        storage_opt: disk,
        ..Default::default()
    }
}

fn open_files() -> i64 {
    let own = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    i64::try_from(own.map_or(OPEN_FILES, |own| own.min(OPEN_FILES))).unwrap_or(1024)
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

//! What the fake world holds.

use std::time::{SystemTime, UNIX_EPOCH};

use app::model::*;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

pub fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_micros() as i64
}

pub fn vm(owner: &str, name: &str, state: VmState) -> VmView {
    let running = state == VmState::Running;
    VmView {
        id: format!("0197c1d4-6a3e-7c31-9f52-{:0>12}", format!("{owner}{name}")),
        name: name.into(),
        owner: owner.into(),
        state,
        reason: None,
        progress: None,
        flavor: "small".into(),
        cpu_millis: 500,
        memory_mib: 256,
        disk_gib: 2,
        image: "alpine".into(),
        node: Some("node-1".into()),
        created_at: now() - 30 * HOUR,
        changed_at: now() - 2 * HOUR - 5 * MINUTE,
        started_at: running.then(|| now() - 2 * HOUR - 5 * MINUTE),
        cpu_percent: running.then_some(3.0),
        memory_used_mib: running.then_some(41.0),
        cpu_history: if running { wave() } else { Vec::new() },
        ssh_published: None,
    }
}

fn wave() -> Vec<u8> {
    (0..24u32)
        .map(|step| (8 + (step * 37) % 61) as u8)
        .collect()
}

/// Ann's VMs, one in every state.
pub fn vms() -> Vec<VmView> {
    let ann = |name, state| vm("ann", name, state);
    let mut vms = vec![
        VmView {
            ssh_published: Some(SshPublished {
                host: "cloud.example".into(),
                port: 22_017,
                ready: true,
                reason: None,
            }),
            ..ann("web1", VmState::Running)
        },
        VmView {
            flavor: "medium".into(),
            image: "debian".into(),
            node: Some("node-2".into()),
            progress: Some(VmProgress { percent: Some(42), words: "Pulling image".into() }),
            ..ann("lab-7", VmState::Creating)
        },
        VmView { changed_at: now() - 26 * HOUR, ..ann("db", VmState::Stopped) },
        VmView {
            node: None,
            flavor: "large".into(),
            reason: Some("No node has 2 GiB of memory free; tried node-1 and node-2. Delete a VM, or choose a smaller size.".into()),
            ..ann("big", VmState::Failed)
        },
        VmView {
            node: Some("node-2".into()),
            reason: Some("node-2 has not answered for 40 s.".into()),
            ..ann("mirror", VmState::Unknown)
        },
        VmView { changed_at: now() - 3 * SECOND, ..ann("sandbox", VmState::Stopping) },
    ];
    vms.push(vm("carl", "web1", VmState::Running));
    vms
}

pub fn quota(vms: &[VmView]) -> QuotaUsage {
    QuotaUsage {
        vms: vms.len() as u32,
        vms_max: 8,
        cpu_millis: vms.iter().map(|vm| vm.cpu_millis).sum(),
        cpu_millis_max: 4000,
        memory_mib: vms.iter().map(|vm| vm.memory_mib).sum(),
        memory_mib_max: 4096,
        disk_gib: vms.iter().map(|vm| vm.disk_gib).sum(),
        disk_gib_max: 20,
    }
}

pub fn detail(vm: VmView) -> VmDetail {
    let running = vm.state == VmState::Running;
    let shells = if running {
        vec![shell(&vm.name, 0), shell(&vm.name, 1)]
    } else {
        Vec::new()
    };
    VmDetail {
        address: running.then(|| "10.64.0.3".into()),
        engine_id: vm.node.as_ref().map(|_| "4f1c9a2be07d".into()),
        placement_reason: "node-1 was next in turn; node-2 has as much room.".into(),
        image_ref: "alpine:3".into(),
        disk_used_bytes: Some(183 << 20),
        disk_limit_hard: false,
        usage: if running { usage() } else { Vec::new() },
        shells: Some(shells),
        ssh: Some(format!("ssh -p 2222 {}@127.0.0.1", vm.name)),
        event: Some(1),
        as_of: now(),
        vm,
    }
}

pub fn ssh_key() -> SshKeyView {
    SshKeyView {
        id: "01900000-0000-7000-8000-000000000009".into(),
        comment: "ann@laptop".into(),
        fingerprint: "SHA256:LaI8P2QkB0kbbZ8VCDzRnuwHNDbZm0bXO4uYmVdFjvA".into(),
        created_at: now(),
        used_at: None,
    }
}

pub fn ssh_host() -> SshHostView {
    SshHostView {
        fingerprint: "SHA256:3mvO6nYeH3n3wW4hkZCcmX9vLbeNVYt2b1mXy8rTQyE".into(),
        lobby: "ssh -p 2222 ann@127.0.0.1".into(),
        config: "Host ann\n    User ann\n".into(),
    }
}

fn usage() -> Vec<UsagePoint> {
    let point = |step: i64| {
        let turn = step as f32 / 9.0;
        UsagePoint {
            at: now() - (179 - step) * 5 * SECOND,
            cpu_percent: 22.0 + 18.0 * turn.sin() + 9.0 * (turn * 3.7).cos(),
            memory_mib: 38.0 + step as f32 * 0.35,
            rx_rate: 20_000.0 * (1.0 + (turn * 1.3).sin()),
            tx_rate: 6_000.0 * (1.0 + (turn * 2.1).cos()),
        }
    };
    (0..180).map(point).collect()
}

pub fn shell(vm: &str, place: i64) -> ShellView {
    ShellView {
        id: format!("0197c1d4-6a3e-7c31-9f52-00000000{:04x}", 0xbeef + place),
        vm: vm.into(),
        created_at: now() - (place + 1) * HOUR,
        active_at: now() - (place + 1) * MINUTE,
        viewers: place as u16,
        exit_code: None,
    }
}

pub fn shell_page(vm: &str, asked: Option<&str>) -> ShellPage {
    let mut shell = shell(vm, 0);
    if let Some(asked) = asked {
        shell.id = asked.into();
    }
    ShellPage {
        attach: format!("/shells/{}/attach", shell.id),
        watches: false,
        shell,
        others: vec![self::shell(vm, 1)],
    }
}

pub fn offer(quota: QuotaUsage) -> VmOffer {
    let flavor = |name: &str, cpu_millis, memory_mib, disk_gib| FlavorView {
        name: name.into(),
        cpu_millis,
        memory_mib,
        disk_gib,
        unavailable: (memory_mib + quota.memory_mib > quota.memory_mib_max.min(3000))
            .then(|| "Needs 2 GiB of memory; you have 1.5 GiB left.".into()),
    };
    let image = |name: &str, reference: &str, summary: &str, default, present_on| ImageView {
        name: name.into(),
        reference: reference.into(),
        summary: summary.into(),
        default,
        present_on,
        ssh_server: (name == "debian").then_some(SshServer::Sshd),
    };
    VmOffer {
        suggested_name: "brave-otter".into(),
        flavors: vec![
            flavor("small", 500, 256, 2),
            flavor("medium", 1000, 1024, 8),
            flavor("large", 2000, 2048, 16),
        ],
        images: vec![
            image("alpine", "alpine:3", "Small and quick, with apk", true, 2),
            image(
                "debian",
                "minicloud/debian",
                "Debian 12 with apt, vim and an SSH server",
                false,
                0,
            ),
        ],
        quota,
        ssh_unavailable: None,
    }
}

pub fn tokens() -> Vec<TokenView> {
    vec![TokenView {
        id: "t1".into(),
        name: "backup script".into(),
        scopes: "read".into(),
        created_at: now() - 86_400_000_000,
        expires_at: None,
        used_at: Some(now() - 60_000_000),
    }]
}

pub fn login_sessions() -> Vec<LoginSessionView> {
    let session = |id: &str, device: &str, address: &str, ago, current| LoginSessionView {
        id: id.into(),
        created_at: now() - 20 * ago,
        active_at: now() - ago,
        address: address.into(),
        device: device.into(),
        current,
    };
    vec![
        session("1", "Firefox on Linux", "127.0.0.1", 10 * SECOND, true),
        session("2", "Safari on iPhone", "192.168.1.23", 3 * HOUR, false),
        session("3", "Chrome on Windows", "192.168.1.40", 30 * HOUR, false),
    ]
}

pub fn events(name: &str, before: Option<i64>) -> EventPage {
    let event = |id: i64, ago: i64, actor: &str, kind: &str, sentence: String, ok| EventView {
        id,
        at: now() - ago,
        actor: actor.into(),
        kind: kind.into(),
        subject: name.into(),
        link: None,
        sentence,
        ok,
    };
    let mut events = vec![
        event(
            41,
            2 * MINUTE,
            "ann",
            "shell_open",
            format!("ann opened a shell of {name}"),
            true,
        ),
        event(
            40,
            2 * HOUR,
            "ann",
            "vm_start",
            format!("ann started {name}"),
            true,
        ),
        event(
            39,
            3 * HOUR,
            "minicloud",
            "vm_exited",
            format!("{name} was ended by its memory limit (256 MiB)"),
            false,
        ),
        event(
            12,
            30 * HOUR,
            "ann",
            "vm_create",
            format!("ann created {name}"),
            true,
        ),
    ];
    if before.is_some() {
        events.drain(..3);
    }
    EventPage {
        events,
        next: before.is_none().then_some(12),
        as_of: now(),
    }
}

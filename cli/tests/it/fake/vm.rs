//! VMs, what they are made of, and their events.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use server_api::{
    event::Event,
    flavor::Flavor,
    image::Image,
    page::Page,
    vm::{SshPublished, Vm, VmCreate, VmDetail, VmExec, VmExecOutput, VmState},
};

use super::{AT, Fake, no};

/// Two VMs a page, so that pages are seen to be followed.
pub async fn vm_list(
    State(fake): State<Fake>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Json<Page<Vm>> {
    let world = fake.world.lock().unwrap();
    let after = query.get("cursor").cloned().unwrap_or_default();
    let mut items: Vec<Vm> = world
        .vms
        .values()
        .filter(|vm| vm.name > after)
        .cloned()
        .collect();
    let more = items.len() > 2;
    items.truncate(2);
    let next = items.last().filter(|_| more).map(|vm| vm.name.clone());
    Json(Page { items, next })
}

pub async fn vm_create(
    State(fake): State<Fake>,
    headers: HeaderMap,
    Json(wish): Json<VmCreate>,
) -> Response {
    let mut world = fake.world.lock().unwrap();
    let key = headers
        .get("idempotency-key")
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    world.keys.push(key);
    if world.busy > 0 {
        world.busy -= 1;
        let mut busy = no(429, "too_many", "Slow down.");
        busy.headers_mut().insert(header::RETRY_AFTER, 1.into());
        return busy;
    }
    let name = wish.name.unwrap_or("brave-otter".into());
    if world.vms.contains_key(&name) {
        return no(
            409,
            "vm_name_taken",
            &format!("You have a VM {name} already."),
        );
    }
    if world.vms.len() >= 5 {
        return no(
            422,
            "quota_exceeded",
            "You have 5 VMs of 5. Delete one first.",
        );
    }
    let mut made = vm(&name, VmState::Creating);
    made.ssh_published = wish.ssh_publish.then(|| SshPublished {
        host: "cloud.example".into(),
        port: 22_017,
        ready: false,
        reason: None,
    });
    world.vms.insert(name, made.clone());
    (StatusCode::CREATED, Json(made)).into_response()
}

/// Each look brings a VM one step on.
pub async fn vm_get(State(fake): State<Fake>, Path(name): Path<String>) -> Response {
    let mut world = fake.world.lock().unwrap();
    let stuck = world.stuck;
    let Some(found) = world.vms.get_mut(&name) else {
        return not_found(&name);
    };
    let seen = found.clone();
    let next = match seen.state {
        VmState::Creating | VmState::Starting => VmState::Running,
        VmState::Stopping => VmState::Stopped,
        state => state,
    };
    if !stuck && next != seen.state {
        *found = Vm {
            changed_at: seen.changed_at + 1,
            started_at: Some(seen.changed_at + 1),
            ssh_published: seen
                .ssh_published
                .clone()
                .map(|at| SshPublished { ready: true, ..at }),
            ..vm(&name, next)
        };
    }
    if seen.state == VmState::Deleting && !stuck {
        world.vms.remove(&name);
    }
    Json(VmDetail {
        vm: seen,
        address: Some("10.64.0.2".into()),
        engine_id: Some("0123456789ab".into()),
        placement_reason: "node-1 was next in turn.".into(),
        image_ref: "alpine:3".into(),
        disk_used_bytes: Some(5 * 1024 * 1024),
        disk_limit_hard: false,
    })
    .into_response()
}

pub async fn vm_change(
    State(fake): State<Fake>,
    Path((name, verb)): Path<(String, String)>,
) -> Response {
    let mut world = fake.world.lock().unwrap();
    let Some(found) = world.vms.get_mut(&name) else {
        return not_found(&name);
    };
    match (verb.as_str(), found.state) {
        ("start", VmState::Running) | ("stop", VmState::Stopped) => {}
        ("stop", _) => found.state = VmState::Stopping,
        _ => *found = vm(&name, VmState::Starting),
    }
    Json(found.clone()).into_response()
}

pub async fn vm_delete(State(fake): State<Fake>, Path(name): Path<String>) -> Response {
    match fake.world.lock().unwrap().vms.get_mut(&name) {
        Some(found) => {
            found.state = VmState::Deleting;
            StatusCode::ACCEPTED.into_response()
        }
        None => not_found(&name),
    }
}

pub async fn vm_exec(
    State(fake): State<Fake>,
    Path(name): Path<String>,
    Json(exec): Json<VmExec>,
) -> Response {
    if !fake.world.lock().unwrap().vms.contains_key(&name) {
        return not_found(&name);
    }
    if exec.argv[0] == "sleep" {
        return no(503, "exec_timeout", "sleep did not end in 1 s; it goes on.");
    }
    Json(VmExecOutput {
        exit_code: 42,
        stdout: format!("{}\n", exec.argv.join("|")),
        stderr: "oops\n".into(),
        truncated: false,
    })
    .into_response()
}

pub async fn vm_events(Path(name): Path<String>) -> Response {
    match name.as_str() {
        "web1" => events().await.into_response(),
        _ => not_found(&name),
    }
}

pub async fn events() -> Json<Page<Event>> {
    let event = |id: &str, sentence: &str, ok| Event {
        id: id.into(),
        at: AT,
        actor: "ann".into(),
        kind: "vm_create".into(),
        subject: "web1".into(),
        sentence: sentence.into(),
        ok,
    };
    let items = vec![
        event("2", "ann shut web1 down", true),
        event("1", "ann made web1", false),
    ];
    Json(Page { items, next: None })
}

pub async fn images() -> Json<Page<Image>> {
    let image = Image {
        name: "alpine".into(),
        reference: "alpine:3".into(),
        summary: "Small\u{1b}[31m".into(),
        default: true,
        present_on: 2,
        ssh_server: None,
    };
    Json(Page {
        items: vec![image],
        next: None,
    })
}

pub async fn flavors() -> Json<Vec<Flavor>> {
    let flavor = |name: &str, cpu_millis, memory_mib, unavailable: Option<&str>| Flavor {
        name: name.into(),
        cpu_millis,
        memory_mib,
        disk_gib: 2,
        unavailable: unavailable.map(Into::into),
    };
    Json(vec![
        flavor("small", 500, 256, None),
        flavor("large", 2000, 2048, Some("Your quota has 1 vCPU left.")),
    ])
}

pub fn not_found(name: &str) -> Response {
    no(404, "not_found", &format!("There is no VM {name}."))
}

pub fn vm(name: &str, state: VmState) -> Vm {
    let runs = state == VmState::Running;
    Vm {
        id: format!("id-{name}"),
        name: name.into(),
        owner: "ann".into(),
        state,
        reason: (state == VmState::Failed).then(|| "Its container is gone.".into()),
        progress: None,
        flavor: "small".into(),
        cpu_millis: 500,
        memory_mib: 256,
        disk_gib: 2,
        image: "alpine".into(),
        node: Some("node-1".into()),
        created_at: AT,
        changed_at: AT,
        started_at: runs.then_some(AT),
        cpu_percent: runs.then_some(3.4),
        memory_used_mib: runs.then_some(17.2),
        ssh_published: None,
    }
}

//! A server that speaks the API's types and knows a little of what the real one does.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};
use server_api::{
    account::{Me, Quota, Role},
    event::Event,
    flavor::Flavor,
    image::Image,
    log::{LogLevel, LogRecord},
    node::{Node, NodeAdd, NodeCordon, NodeHealth, NodePolicy},
    page::Page,
    problem::{PROBLEM_JSON, Problem},
    shell::Shell,
    token::{Scope, Token, TokenCreate, TokenCreated},
    user::{User, UserDisable, UserPassword, UserQuota, UserRole},
    vm::{Vm, VmCreate, VmDetail, VmExec, VmExecOutput, VmState},
};

use super::shell_fake::{Shells, attach};

/// 2026-01-02 03:04:05 UTC.
pub const AT: i64 = 1_767_323_045_000_000;

/// What the server holds.
#[derive(Default)]
pub struct World {
    pub vms: BTreeMap<String, Vm>,
    pub tokens: Vec<Token>,
    /// Requests as they came: method, path and query.
    pub asked: Vec<String>,
    /// Idempotency keys that came.
    pub keys: Vec<String>,
    /// How many creations are answered with 429 first.
    pub busy: u32,
    /// VMs never come out of their present state.
    pub stuck: bool,
}

/// A running fake.
#[derive(Clone)]
pub struct Fake {
    pub url: String,
    pub world: Arc<Mutex<World>>,
    pub shells: Arc<Mutex<Shells>>,
}

impl Fake {
    /// Serves from a thread of its own until the test ends.
    pub fn start(vms: &[(&str, VmState)]) -> Self {
        let mut world = World::default();
        for (name, state) in vms {
            world.vms.insert((*name).into(), vm(name, *state));
        }
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let fake = Self {
            url: format!("http://{address}"),
            world: Arc::new(Mutex::new(world)),
            shells: Arc::default(),
        };
        let router = fake.router();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, router).await.unwrap();
            });
        });
        fake
    }

    pub fn asked(&self) -> Vec<String> {
        self.world.lock().unwrap().asked.clone()
    }

    fn router(&self) -> Router {
        Router::new()
            .route("/api/v1/me", get(me))
            .route("/api/v1/me/tokens", get(token_list).post(token_create))
            .route("/api/v1/me/tokens/{id}", delete(token_delete))
            .route("/api/v1/vms", get(vm_list).post(vm_create))
            .route("/api/v1/vms/{name}", get(vm_get).delete(vm_delete))
            .route("/api/v1/vms/{name}/exec", post(vm_exec))
            .route("/api/v1/vms/{name}/events", get(vm_events))
            .route(
                "/api/v1/vms/{name}/shells",
                get(shell_list).post(shell_create),
            )
            .route("/api/v1/vms/{name}/{verb}", post(vm_change))
            .route("/api/v1/shells/{id}", delete(shell_delete))
            .route("/api/v1/shells/{id}/attach", get(attach))
            .route("/api/v1/images", get(images))
            .route("/api/v1/flavors", get(flavors))
            .route("/api/v1/admin/nodes", get(nodes).post(node_add))
            .route("/api/v1/admin/nodes/{name}", delete(node_remove))
            .route("/api/v1/admin/nodes/{name}/cordon", put(node_cordon))
            .route("/api/v1/admin/users", get(users))
            .route("/api/v1/admin/users/{name}/disabled", put(user_disable))
            .route("/api/v1/admin/users/{name}/role", put(user_role))
            .route("/api/v1/admin/users/{name}/quota", put(user_quota))
            .route(
                "/api/v1/admin/users/{name}/password-reset",
                post(user_password),
            )
            .route("/api/v1/admin/vms", get(vm_list))
            .route("/api/v1/admin/events", get(events))
            .route("/api/v1/admin/logs", get(logs))
            .layer(middleware::from_fn_with_state(self.clone(), check))
            .with_state(self.clone())
    }
}

/// Notes the request, and wants the one good token, or ann's password for a token.
async fn check(State(fake): State<Fake>, request: Request, next: Next) -> Response {
    let asked = format!("{} {}", request.method(), request.uri());
    let given = request.headers().get(header::AUTHORIZATION);
    let given = given
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    // ann:correct horse
    let by_password =
        asked == "POST /api/v1/me/tokens" && given == "Basic YW5uOmNvcnJlY3QgaG9yc2U=";
    fake.world.lock().unwrap().asked.push(asked);
    match given.as_str() {
        "Bearer mct_good" => next.run(request).await,
        _ if by_password => next.run(request).await,
        "Bearer mct_read" => no(
            403,
            "scope_missing",
            "This token may not do that: it needs the scopes write.",
        ),
        _ => no(
            401,
            "token_invalid",
            "This token is not known, has expired or was revoked.",
        ),
    }
}

/// A refusal.
pub fn no(status: u16, code: &str, detail: &str) -> Response {
    let problem = Problem {
        code: code.into(),
        title: "No".into(),
        status,
        detail: detail.into(),
        field: (status == 422).then(|| "name".into()),
        request_id: Some("r-1".into()),
    };
    let status = StatusCode::from_u16(status).unwrap();
    (
        status,
        [(header::CONTENT_TYPE, PROBLEM_JSON)],
        Json(problem),
    )
        .into_response()
}

fn not_found(name: &str) -> Response {
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
    }
}

async fn me() -> Json<Me> {
    Json(Me {
        name: "ann".into(),
        role: Role::Member,
        quota: quota(),
    })
}

fn quota() -> Quota {
    Quota {
        vms: 2,
        vms_max: 5,
        cpu_millis: 1500,
        cpu_millis_max: 4000,
        memory_mib: 512,
        memory_mib_max: 4096,
        disk_gib: 4,
        disk_gib_max: 20,
    }
}

async fn token_list(State(fake): State<Fake>) -> Json<Vec<Token>> {
    Json(fake.world.lock().unwrap().tokens.clone())
}

async fn token_create(State(fake): State<Fake>, Json(wish): Json<TokenCreate>) -> Response {
    let mut world = fake.world.lock().unwrap();
    let token = Token {
        id: format!("t{}", world.tokens.len() + 1),
        name: wish.name,
        scopes: wish.scopes.unwrap_or(vec![Scope::Read, Scope::Write]),
        created_at: AT,
        expires_at: None,
        used_at: None,
        current: false,
    };
    world.tokens.push(token.clone());
    let made = TokenCreated {
        token,
        secret: "mct_good".into(),
    };
    (StatusCode::CREATED, Json(made)).into_response()
}

async fn token_delete(State(fake): State<Fake>, Path(id): Path<String>) -> StatusCode {
    fake.world
        .lock()
        .unwrap()
        .tokens
        .retain(|token| token.id != id);
    StatusCode::NO_CONTENT
}

/// Two VMs a page, so that pages are seen to be followed.
async fn vm_list(
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

async fn vm_create(
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
    let made = vm(&name, VmState::Creating);
    world.vms.insert(name, made.clone());
    (StatusCode::CREATED, Json(made)).into_response()
}

/// Each look brings a VM one step on.
async fn vm_get(State(fake): State<Fake>, Path(name): Path<String>) -> Response {
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

async fn vm_change(
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

async fn vm_delete(State(fake): State<Fake>, Path(name): Path<String>) -> Response {
    match fake.world.lock().unwrap().vms.get_mut(&name) {
        Some(found) => {
            found.state = VmState::Deleting;
            StatusCode::ACCEPTED.into_response()
        }
        None => not_found(&name),
    }
}

async fn vm_exec(
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

async fn vm_events(Path(name): Path<String>) -> Response {
    match name.as_str() {
        "web1" => events().await.into_response(),
        _ => not_found(&name),
    }
}

async fn events() -> Json<Page<Event>> {
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

async fn shell_list(State(fake): State<Fake>, Path(vm): Path<String>) -> Response {
    if !fake.world.lock().unwrap().vms.contains_key(&vm) {
        return not_found(&vm);
    }
    Json(vec![shell(&vm)]).into_response()
}

async fn shell_create(State(fake): State<Fake>, Path(vm): Path<String>) -> Response {
    if !fake.world.lock().unwrap().vms.contains_key(&vm) {
        return not_found(&vm);
    }
    (StatusCode::CREATED, Json(shell(&vm))).into_response()
}

fn shell(vm: &str) -> Shell {
    Shell {
        id: "s1".into(),
        vm: vm.into(),
        created_at: AT,
        active_at: AT,
        viewers: 1,
        attach: "/api/v1/shells/s1/attach".into(),
    }
}

async fn shell_delete(Path(id): Path<String>) -> Response {
    match id.as_str() {
        "s1" => StatusCode::NO_CONTENT.into_response(),
        _ => no(404, "not_found", "This shell is not there."),
    }
}

async fn images() -> Json<Vec<Image>> {
    Json(vec![Image {
        name: "alpine".into(),
        reference: "alpine:3".into(),
        summary: "Small\u{1b}[31m".into(),
        default: true,
        present_on: 2,
    }])
}

async fn flavors() -> Json<Vec<Flavor>> {
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

fn node(cordoned: bool) -> Node {
    Node {
        name: "node-1".into(),
        address: "http://127.0.0.1:5000".into(),
        health: NodeHealth::Ready,
        health_reason: None,
        policy: if cordoned {
            NodePolicy::Cordoned
        } else {
            NodePolicy::Schedulable
        },
        local: true,
        version: None,
        engine: None,
        vms: 3,
        vms_running: 2,
        cpu_millis: 8000,
        cpu_millis_allocated: 1500,
        memory_mib: 4096,
        memory_mib_allocated: 768,
        memory_mib_used: 100,
        disk_free_percent: 61,
        load_1m: 0.5,
        seen_at: Some(AT),
        images: vec![],
    }
}

async fn nodes() -> Json<Vec<Node>> {
    Json(vec![node(false)])
}

async fn node_add(Json(add): Json<NodeAdd>) -> Response {
    if add.credential != "node secret" {
        return no(
            422,
            "node_refused",
            "The node does not take this credential.",
        );
    }
    (
        StatusCode::CREATED,
        Json(Node {
            name: add.name,
            ..node(false)
        }),
    )
        .into_response()
}

async fn node_cordon(Path(name): Path<String>, Json(cordon): Json<NodeCordon>) -> Response {
    match name.as_str() {
        "node-1" => Json(node(cordon.cordoned)).into_response(),
        _ => no(404, "not_found", "There is no such node."),
    }
}

async fn node_remove(Query(query): Query<BTreeMap<String, String>>) -> Response {
    match query.get("confirm").map(String::as_str) {
        Some("node-1") => StatusCode::NO_CONTENT.into_response(),
        _ => no(409, "node_has_vms", "node-1 has 3 VMs."),
    }
}

fn user() -> User {
    User {
        name: "bob".into(),
        role: Role::Member,
        disabled: false,
        must_change_password: false,
        quota: quota(),
        created_at: AT,
        active_at: None,
    }
}

async fn users() -> Json<Page<User>> {
    Json(Page {
        items: vec![user()],
        next: None,
    })
}

async fn user_disable(Path(name): Path<String>, Json(disable): Json<UserDisable>) -> Response {
    match name.as_str() {
        "bob" => Json(User {
            disabled: disable.disabled,
            ..user()
        })
        .into_response(),
        _ => no(404, "not_found", "There is no such user."),
    }
}

async fn user_role(Json(role): Json<UserRole>) -> Json<User> {
    Json(User {
        role: role.role,
        ..user()
    })
}

async fn user_quota(Json(wish): Json<UserQuota>) -> Json<User> {
    let quota = Quota {
        vms_max: wish.vms,
        cpu_millis_max: wish.cpu_millis,
        memory_mib_max: wish.memory_mib,
        disk_gib_max: wish.disk_gib,
        ..quota()
    };
    Json(User { quota, ..user() })
}

async fn user_password() -> Json<UserPassword> {
    Json(UserPassword {
        password: "once-only".into(),
    })
}

async fn logs() -> Response {
    let record = |seq, message: &str| LogRecord {
        seq,
        at: AT,
        source: "server".into(),
        level: LogLevel::Warn,
        message: message.into(),
        request_id: None,
    };
    let lines: Vec<String> = [record(1, "a \u{1b}[2Jb"), record(2, "c")]
        .iter()
        .map(|record| {
            format!(
                "id: {}\ndata: {}\n\n",
                record.seq,
                serde_json::to_string(record).unwrap()
            )
        })
        .collect();
    (
        [(header::CONTENT_TYPE, "text/event-stream")],
        lines.concat(),
    )
        .into_response()
}

//! A server that speaks the API's types and knows a little of what the real one does.

mod account;
mod admin;
mod exec;
mod shell;
mod shell_share;
mod ssh_key;
mod vm;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{delete, get, post, put},
};
use server_api::{
    problem::{PROBLEM_JSON, Problem},
    shell_share::{ShellGrant, ShellInvitation},
    ssh_key::SshKey,
    token::Token,
    vm::{Vm, VmState},
};

use super::shell_fake::{Shells, attach};

/// 2026-01-02 03:04:05 UTC.
pub const AT: i64 = 1_767_323_045_000_000;

/// What the server holds.
#[derive(Default)]
pub struct World {
    pub vms: BTreeMap<String, Vm>,
    pub tokens: Vec<Token>,
    pub ssh_keys: Vec<SshKey>,
    pub invitations: Vec<ShellInvitation>,
    pub grants: Vec<ShellGrant>,
    /// Requests as they came: method, path and query.
    pub asked: Vec<String>,
    /// Idempotency keys that came.
    pub keys: Vec<String>,
    /// How many creations are answered with 429 first.
    pub busy: u32,
    /// Somebody else changes a user at the same time.
    pub user_changed: bool,
    /// VMs never come out of their present state.
    pub stuck: bool,
    /// The VM whose node does not answer.
    pub mute: Option<String>,
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
            world.vms.insert((*name).into(), vm::vm(name, *state));
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
            .route("/api/v1/me", get(account::me))
            .route(
                "/api/v1/me/tokens",
                get(account::token_list).post(account::token_create),
            )
            .route("/api/v1/me/tokens/{id}", delete(account::token_delete))
            .route(
                "/api/v1/me/keys",
                get(ssh_key::ssh_key_list).post(ssh_key::ssh_key_add),
            )
            .route("/api/v1/me/keys/{id}", delete(ssh_key::ssh_key_delete))
            .route("/api/v1/vms", get(vm::vm_list).post(vm::vm_create))
            .route("/api/v1/vms/{name}", get(vm::vm_get).delete(vm::vm_delete))
            .route("/api/v1/vms/{name}/exec", post(vm::vm_exec))
            .route("/api/v1/vms/{name}/exec/attach", get(exec::attach))
            .route("/api/v1/vms/{name}/events", get(vm::vm_events))
            .route(
                "/api/v1/vms/{name}/shells",
                get(shell::shell_list).post(shell::shell_create),
            )
            .route("/api/v1/vms/{name}/{verb}", post(vm::vm_change))
            .route("/api/v1/shells/{id}", delete(shell::shell_delete))
            .route("/api/v1/shells/{id}/attach", get(attach))
            .merge(Self::shared())
            .route("/api/v1/images", get(vm::images))
            .route("/api/v1/flavors", get(vm::flavors))
            .route(
                "/api/v1/admin/nodes",
                get(admin::nodes).post(admin::node_add),
            )
            .route("/api/v1/admin/nodes/{name}", delete(admin::node_remove))
            .route("/api/v1/admin/nodes/{name}/cordon", put(admin::node_cordon))
            .route(
                "/api/v1/admin/users",
                get(admin::users).post(admin::user_create),
            )
            .route("/api/v1/admin/users/{name}", get(admin::user_get))
            .route(
                "/api/v1/admin/users/{name}/disabled",
                put(admin::user_disable),
            )
            .route("/api/v1/admin/users/{name}/role", put(admin::user_role))
            .route("/api/v1/admin/users/{name}/quota", put(admin::user_quota))
            .route(
                "/api/v1/admin/users/{name}/password-reset",
                post(admin::user_password),
            )
            .route("/api/v1/admin/images", post(admin::image_add))
            .route("/api/v1/admin/images/{name}", delete(admin::image_change))
            .route(
                "/api/v1/admin/images/{name}/default",
                put(admin::image_change),
            )
            .route("/api/v1/admin/vms", get(vm::vm_list))
            .route("/api/v1/admin/events", get(vm::events))
            .route("/api/v1/admin/logs", get(admin::logs))
            .layer(middleware::from_fn_with_state(self.clone(), check))
            .with_state(self.clone())
    }

    fn shared() -> Router<Self> {
        Router::new()
            .route(
                "/api/v1/shells/{id}/invitations",
                post(shell_share::invitation_create),
            )
            .route("/api/v1/shells/{id}/share", get(shell_share::share_get))
            .route(
                "/api/v1/shell-invitations/{id}",
                delete(shell_share::invitation_delete),
            )
            .route(
                "/api/v1/me/shell-grants",
                get(shell_share::grant_list).post(shell_share::grant_create),
            )
            .route(
                "/api/v1/shell-grants/{id}",
                delete(shell_share::grant_delete),
            )
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

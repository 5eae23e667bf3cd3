//! What admins see.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use server_api::{
    account::{Quota, Role},
    image::{Image, ImageAdd, SshServer},
    log::{LogLevel, LogRecord},
    node::{Node, NodeAdd, NodeCordon, NodeHealth, NodePolicy},
    page::Page,
    user::{User, UserCreate, UserCreated, UserDisable, UserPassword, UserQuota, UserRole},
};

use super::{AT, Fake, account::quota, no};

pub fn node(cordoned: bool) -> Node {
    Node {
        name: "node-1".into(),
        address: "http://127.0.0.1:5000".into(),
        health: NodeHealth::Ready,
        health_reason: None,
        reach_open: None,
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

pub async fn nodes() -> Json<Page<Node>> {
    Json(Page {
        items: vec![node(false)],
        next: None,
    })
}

pub async fn node_add(Json(add): Json<NodeAdd>) -> Response {
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

fn image(
    name: String,
    reference: String,
    summary: String,
    ssh_server: Option<SshServer>,
) -> Json<Image> {
    Json(Image {
        name,
        reference,
        summary,
        default: true,
        present_on: 0,
        ssh_server,
    })
}

pub async fn image_add(Json(add): Json<ImageAdd>) -> Response {
    let image = image(add.name, add.reference, add.summary, add.ssh_server);
    (StatusCode::CREATED, image).into_response()
}

/// The default set, or one taken out.
pub async fn image_change(method: Method, Path(name): Path<String>) -> Response {
    match (name.as_str(), method) {
        ("team/tools", Method::DELETE) => StatusCode::NO_CONTENT.into_response(),
        ("team/tools", _) => image(name, "tools:1".into(), String::new(), None).into_response(),
        _ => no(404, "not_found", "There is no such image."),
    }
}

pub async fn node_cordon(Path(name): Path<String>, Json(cordon): Json<NodeCordon>) -> Response {
    match name.as_str() {
        "node-1" => Json(node(cordon.cordoned)).into_response(),
        _ => no(404, "not_found", "There is no such node."),
    }
}

pub async fn node_remove(Query(query): Query<BTreeMap<String, String>>) -> Response {
    match query.get("confirm").map(String::as_str) {
        Some("node-1") => StatusCode::NO_CONTENT.into_response(),
        _ => no(409, "node_has_vms", "node-1 has 3 VMs."),
    }
}

pub fn user() -> User {
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

pub async fn users() -> Json<Page<User>> {
    Json(Page {
        items: vec![user()],
        next: None,
    })
}

pub async fn user_create(Json(create): Json<UserCreate>) -> Response {
    if create.name == user().name {
        return no(409, "name_taken", "The name bob is taken. Choose another.");
    }
    let user = User {
        name: create.name,
        must_change_password: true,
        ..user()
    };
    let password = "once-only".into();
    (StatusCode::CREATED, Json(UserCreated { user, password })).into_response()
}

pub async fn user_disable(Path(name): Path<String>, Json(disable): Json<UserDisable>) -> Response {
    match name.as_str() {
        "bob" => Json(User {
            disabled: disable.disabled,
            ..user()
        })
        .into_response(),
        _ => no(404, "not_found", "There is no such user."),
    }
}

pub async fn user_role(Json(role): Json<UserRole>) -> Json<User> {
    Json(User {
        role: role.role,
        ..user()
    })
}

/// The version that bob is of.
const VERSION: &str = "\"0123456789abcdef\"";

pub async fn user_get(Path(name): Path<String>) -> Response {
    match name.as_str() {
        "bob" => ([(header::ETAG, VERSION)], Json(user())).into_response(),
        _ => no(404, "not_found", "There is no such user."),
    }
}

/// Of that version only; `changed`: somebody was quicker.
pub async fn user_quota(
    State(fake): State<Fake>,
    headers: HeaderMap,
    Json(wish): Json<UserQuota>,
) -> Response {
    let seen = headers.get(header::IF_MATCH);
    let seen = seen.is_some_and(|seen| seen == VERSION);
    if !seen || fake.world.lock().unwrap().user_changed {
        let words = "bob has been changed since you looked.";
        return no(412, "changed_meanwhile", words);
    }
    let quota = Quota {
        vms_max: wish.vms,
        cpu_millis_max: wish.cpu_millis,
        memory_mib_max: wish.memory_mib,
        disk_gib_max: wish.disk_gib,
        ..quota()
    };
    Json(User { quota, ..user() }).into_response()
}

pub async fn user_password() -> Json<UserPassword> {
    Json(UserPassword {
        password: "once-only".into(),
    })
}

/// Two records. Who follows loses the connection after them, and gets them once more, with a third, whose
/// time is that of a node's late clock.
pub async fn logs(State(fake): State<Fake>, uri: Uri) -> Response {
    let follows = uri
        .query()
        .is_some_and(|query| query.contains("follow=true"));
    let asked = fake.asked();
    let times = asked.iter().filter(|asked| asked.contains("follow=true"));
    let third = follows && times.count() > 1;
    let record = |seq, message: &str| LogRecord {
        seq,
        at: if seq == 3 { AT - 1 } else { AT },
        source: "server".into(),
        level: LogLevel::Warn,
        message: message.into(),
        request_id: None,
    };
    let all = [record(1, "a \u{1b}[2Jb"), record(2, "c"), record(3, "d")];
    let lines: Vec<String> = all[..if third { 3 } else { 2 }]
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

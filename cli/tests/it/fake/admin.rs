//! What admins see.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, Query},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use server_api::{
    account::{Quota, Role},
    log::{LogLevel, LogRecord},
    node::{Node, NodeAdd, NodeCordon, NodeHealth, NodePolicy},
    page::Page,
    user::{User, UserDisable, UserPassword, UserQuota, UserRole},
};

use super::{AT, account::quota, no};

pub fn node(cordoned: bool) -> Node {
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

pub async fn nodes() -> Json<Vec<Node>> {
    Json(vec![node(false)])
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

pub async fn user_quota(Json(wish): Json<UserQuota>) -> Json<User> {
    let quota = Quota {
        vms_max: wish.vms,
        cpu_millis_max: wish.cpu_millis,
        memory_mib_max: wish.memory_mib,
        disk_gib_max: wish.disk_gib,
        ..quota()
    };
    Json(User { quota, ..user() })
}

pub async fn user_password() -> Json<UserPassword> {
    Json(UserPassword {
        password: "once-only".into(),
    })
}

pub async fn logs() -> Response {
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

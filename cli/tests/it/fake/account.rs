//! The account and its tokens.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use server_api::{
    account::{Me, Quota, Role},
    token::{Scope, Token, TokenCreate, TokenCreated},
};

use super::{AT, Fake};

pub async fn me() -> Json<Me> {
    Json(Me {
        name: "ann".into(),
        role: Role::Member,
        quota: quota(),
    })
}

pub fn quota() -> Quota {
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

pub async fn token_list(State(fake): State<Fake>) -> Json<Vec<Token>> {
    Json(fake.world.lock().unwrap().tokens.clone())
}

pub async fn token_create(State(fake): State<Fake>, Json(wish): Json<TokenCreate>) -> Response {
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

pub async fn token_delete(State(fake): State<Fake>, Path(id): Path<String>) -> StatusCode {
    fake.world
        .lock()
        .unwrap()
        .tokens
        .retain(|token| token.id != id);
    StatusCode::NO_CONTENT
}

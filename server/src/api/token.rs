//! The caller's API tokens.

use axum::{
    Json,
    extract::Path,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use server_api::token::{Scope, Token, TokenCreate, TokenCreated};

use super::{
    idempotency::{Attempt, Made, answered, once},
    input::{Body, Own},
    problem::{Answer, ApiError},
};
use crate::{
    auth::{AuthError, Caller},
    db::token::TokenRow,
    scope::Scopes,
};

/// The caller's tokens, newest first, without their secrets.
#[utoipa::path(get, path = "/api/v1/me/tokens", tag = "me",
    responses((status = 200, body = Vec<Token>)))]
pub async fn token_list(own: Own) -> Answer<Vec<Token>> {
    let caller = &own.plane.caller;
    let rows = own.plane.state.auth.token_list(caller).await;
    let rows = own.plane.account_answer(rows)?;
    Ok(Json(
        rows.into_iter().map(|row| token(row, caller)).collect(),
    ))
}

/// Makes a token. Its secret is in this answer and nowhere else. Name and password (HTTP Basic) are
/// taken here, so that a program can get its first token.
#[utoipa::path(post, path = "/api/v1/me/tokens", tag = "me",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = TokenCreate, responses((status = 201, body = TokenCreated)))]
pub async fn token_create(
    own: Own,
    headers: HeaderMap,
    Body(create): Body<TokenCreate>,
) -> Result<Response, ApiError> {
    let plane = own.plane.clone();
    let wish = create.clone();
    let make = |attempt: Attempt| async move {
        let scopes = scopes(create.scopes.as_deref());
        let days = create.expires_in_days;
        let auth = &plane.state.auth;
        let made = auth
            .token_create(&plane.caller, &attempt.id, &create.name, scopes, days)
            .await;
        if matches!(&made, Err(AuthError::Db(error)) if error.is_made()) {
            return Err(answered());
        }
        let (row, secret) = plane.account_answer(made)?;
        Ok(Made {
            answer: TokenCreated {
                token: token(row, &plane.caller),
                secret: secret.expose().to_owned(),
            },
            kept: false,
        })
    };
    once(&own, &headers, ("token_create", &wish), make).await
}

/// Revokes a token; what is open under it ends within 5 s.
#[utoipa::path(delete, path = "/api/v1/me/tokens/{id}", tag = "me",
    params(("id" = String, Path)), responses((status = 204)))]
pub async fn token_delete(own: Own, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let auth = &own.plane.state.auth;
    let done = auth.token_delete(&own.plane.caller, &id).await;
    own.plane.account_answer(done)?;
    Ok(StatusCode::NO_CONTENT)
}

fn scopes(wanted: Option<&[Scope]>) -> Scopes {
    let wanted = wanted.unwrap_or(&[Scope::Read, Scope::Write]);
    Scopes {
        read: wanted.contains(&Scope::Read),
        write: wanted.contains(&Scope::Write),
        admin: wanted.contains(&Scope::Admin),
    }
}

fn token(row: TokenRow, caller: &Caller) -> Token {
    let scopes = [
        (row.scopes.read, Scope::Read),
        (row.scopes.write, Scope::Write),
        (row.scopes.admin, Scope::Admin),
    ];
    Token {
        current: caller.token.as_ref().is_some_and(|own| own.id == row.id),
        id: row.id,
        name: row.name,
        scopes: scopes
            .into_iter()
            .filter_map(|(held, scope)| held.then_some(scope))
            .collect(),
        created_at: row.created_at,
        expires_at: row.expires_at,
        used_at: row.used_at,
    }
}

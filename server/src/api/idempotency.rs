//! `Idempotency-Key`: a repeated request gets the first one's answer, and makes nothing twice.

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep};

use super::{input::Own, problem::ApiError};
use crate::{
    clock::{self, SECOND},
    control::ControlError,
    db::{
        Db, DbError,
        idempotency::{
            IdempotencyRow, idempotency_answer, idempotency_delete, idempotency_expire,
            idempotency_get, idempotency_insert, idempotency_take_over,
        },
    },
};

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Characters of a key at most.
const KEY_MAX: usize = 128;
/// How long an answer is kept.
const KEPT: i64 = 24 * 3600 * SECOND;
/// A request that has not been answered for so long died with its server: a repeat takes over.
const DEAD: i64 = 60 * SECOND;
/// How long a repeat waits for the first one's answer.
const WAIT: Duration = Duration::from_secs(25);
/// How often it looks: soon at first, more and more rarely then.
const LOOK_FIRST: Duration = Duration::from_millis(20);
const LOOK_LAST: Duration = Duration::from_secs(1);

/// What was made, and what of it may be kept for a repeat.
pub struct Made<T> {
    pub answer: T,
    /// False for what holds a secret.
    pub kept: bool,
}

/// Makes something once, however often it is asked for under the request's key. `make` gets the id
/// for the thing; it is the same for each try under a key.
pub async fn once<T, M, F>(
    own: &Own,
    headers: &HeaderMap,
    wish: (&str, &impl Serialize),
    make: M,
) -> Result<Response, ApiError>
where
    T: Serialize + Send + Sync + 'static,
    M: FnOnce(String) -> F,
    F: Future<Output = Result<Made<T>, ApiError>> + Send + 'static,
{
    let id = uuid::Uuid::now_v7().to_string();
    let Some(name) = key_read(headers)? else {
        return Ok(created(make(id).await?.answer));
    };
    let key = Key {
        db: own.plane.state.db.clone(),
        owner_id: own.actor.user_id.clone(),
        name,
    };
    match claim(own, &key, &hash(wish), id).await? {
        Claim::Answered(response) => Ok(response),
        Claim::Ours { id, claimed } => {
            // In a task of its own: a client that goes away does not cut it in the middle.
            let done = tokio::spawn(finish(key, claimed, make(id))).await;
            done.unwrap_or_else(|_| Err(internal(own)))
        }
    }
}

#[derive(Clone)]
struct Key {
    db: Db,
    owner_id: String,
    name: String,
}

enum Claim {
    /// This request makes it, under this id; the key is its own since `claimed`.
    Ours {
        id: String,
        claimed: i64,
    },
    Answered(Response),
}

async fn finish<T: Serialize>(
    key: Key,
    claimed: i64,
    make: impl Future<Output = Result<Made<T>, ApiError>>,
) -> Result<Response, ApiError> {
    let made = make.await;
    let answer = match &made {
        Ok(made) => made.kept.then(|| serde_json::to_string(&made.answer).ok()),
        Err(_) => None,
    };
    let noted = async {
        let mut tx = key.db.write().await?;
        if made.is_ok() {
            let status = StatusCode::CREATED.as_u16();
            let (owner_id, answer) = (&key.owner_id, answer.flatten());
            idempotency_answer(
                &mut tx,
                owner_id,
                &key.name,
                claimed,
                status,
                answer.as_deref(),
            )
            .await?;
        } else {
            idempotency_delete(&mut tx, &key.owner_id, &key.name, claimed).await?;
        }
        tx.commit().await
    };
    if let Err(error) = noted.await {
        tracing::warn!(%error, "the answer to a request with a key could not be kept");
    }
    Ok(created(made?.answer))
}

async fn claim(own: &Own, key: &Key, hash: &str, id: String) -> Result<Claim, ApiError> {
    let deadline = Instant::now() + WAIT;
    let mut pause = LOOK_FIRST;
    loop {
        // Those who wait only read: writers stand in one queue with everybody else's.
        let row = ask(own, idempotency_get(&key.db, &key.owner_id, &key.name)).await?;
        let Some(row) = row.filter(|row| row.created_at >= clock::now() - KEPT) else {
            match ask(own, key_insert(key, hash, &id)).await? {
                Some(claimed) => return Ok(Claim::Ours { id, claimed }),
                None => continue,
            }
        };
        if row.request_hash != hash {
            return Err(ApiError::conflict(
                "idempotency_key_reused",
                "This Idempotency-Key was used for another request. Use a new one for each thing to make.",
            ));
        }
        if row.status.is_some() {
            return replay(&row).map(Claim::Answered);
        }
        if row.created_at < clock::now() - DEAD
            && let Some(claimed) = ask(own, key_take_over(key, &row)).await?
        {
            return Ok(Claim::Ours {
                id: row.subject_id,
                claimed,
            });
        }
        if Instant::now() >= deadline {
            return Err(ApiError::conflict(
                "idempotency_pending",
                "The first request with this Idempotency-Key is still under way. Ask again in a moment.",
            ));
        }
        sleep(pause).await;
        pause = (pause * 2).min(LOOK_LAST);
    }
}

/// When the key became ours; None where it is another request's.
async fn key_insert(key: &Key, hash: &str, id: &str) -> Result<Option<i64>, DbError> {
    let now = clock::now();
    let mut tx = key.db.write().await?;
    idempotency_expire(&mut tx, now - KEPT).await?;
    let is_ours = idempotency_insert(&mut tx, &key.owner_id, &key.name, hash, id, now).await?;
    tx.commit().await?;
    Ok(is_ours.then_some(now))
}

async fn key_take_over(key: &Key, row: &IdempotencyRow) -> Result<Option<i64>, DbError> {
    let mut tx = key.db.write().await?;
    let (owner_id, now) = (&key.owner_id, clock::now());
    let is_ours = idempotency_take_over(&mut tx, owner_id, &key.name, row.created_at, now).await?;
    tx.commit().await?;
    Ok(is_ours.then_some(now))
}

fn replay(row: &IdempotencyRow) -> Result<Response, ApiError> {
    let answer = row.answer.as_deref().map(serde_json::from_str);
    let Some(Ok(answer)) = answer else {
        return Err(ApiError::conflict(
            "idempotency_answered",
            "This was made already, and its secret was shown then. Delete it and make another under a new key.",
        ));
    };
    let mut response = created::<serde_json::Value>(answer);
    response
        .headers_mut()
        .insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn created<T: Serialize>(answer: T) -> Response {
    (StatusCode::CREATED, Json(answer)).into_response()
}

async fn ask<T>(own: &Own, done: impl Future<Output = Result<T, DbError>>) -> Result<T, ApiError> {
    let done = done.await.map_err(ControlError::from);
    Ok(own.plane.control_answer(done)?)
}

fn internal(own: &Own) -> ApiError {
    let error = ControlError::Config("a request's task ended early".into());
    error.answer(&own.plane.caller.request_id).into()
}

fn key_read(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(HEADER) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let good = (1..=KEY_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if !good || headers.get_all(HEADER).iter().count() != 1 {
        let words =
            "An Idempotency-Key has 1 to 128 visible ASCII characters; a UUID is a good one.";
        return Err(ApiError::invalid(
            "Idempotency-Key",
            "idempotency_key_invalid",
            words,
        ));
    }
    Ok(Some(text.to_owned()))
}

fn hash((what, body): (&str, &impl Serialize)) -> String {
    let body = serde_json::to_string(body).unwrap_or_default();
    let digest = Sha256::digest(format!("{what}\0{body}").as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! `Idempotency-Key`: a repeated request gets the first one's answer, and makes nothing twice. The id of what
//! is made is chosen with the key and kept beside it: a try that was cut is finished under the same.

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
            idempotency_get, idempotency_insert, idempotency_release, idempotency_take_over,
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
/// Of a repeat of what was made, whose answer is gone.
const ANSWERED: &str = "idempotency_answered";
/// How often it looks: soon at first, more and more rarely then.
const LOOK_FIRST: Duration = Duration::from_millis(20);
const LOOK_LAST: Duration = Duration::from_secs(1);

/// What was made, and what of it may be kept for a repeat.
pub struct Made<T> {
    /// Sent with 201.
    pub answer: T,
    /// False for what holds a secret.
    pub kept: bool,
}

/// One attempt to make something under a key.
pub struct Attempt {
    /// For the thing; the same for each attempt under a key.
    pub id: String,
    /// One before this was cut, or failed where nobody can say how far it came.
    pub again: bool,
}

impl Attempt {
    fn first() -> Self {
        Self {
            id: uuid::Uuid::now_v7().to_string(),
            again: false,
        }
    }
}

/// What an attempt before this one has made already, and whose secret was in its answer.
pub fn answered() -> ApiError {
    ApiError::conflict(
        ANSWERED,
        "This was made already, and its secret was shown then. Delete it and make another under a new key; where it is a user, reset the password.",
    )
}

/// Makes something once, however often it is asked for under the request's key.
pub async fn once<T, M, F>(
    own: &Own,
    headers: &HeaderMap,
    wish: (&str, &impl Serialize),
    make: M,
) -> Result<Response, ApiError>
where
    T: Serialize + Send + Sync + 'static,
    M: FnOnce(Attempt) -> F,
    F: Future<Output = Result<Made<T>, ApiError>> + Send + 'static,
{
    let attempt = Attempt::first();
    let Some(name) = key_read(headers)? else {
        return Ok(created(make(attempt).await?.answer));
    };
    let key = Key {
        db: own.plane.state.db.clone(),
        owner_id: own.actor.user_id.clone(),
        name,
    };
    match claim(own, &key, &hash(wish), attempt).await? {
        Claim::Answered(response) => Ok(response),
        Claim::Ours { attempt, claimed } => {
            // In a task of its own: a client that goes away does not cut it in the middle.
            let done = tokio::spawn(finish(key, claimed, make(attempt))).await;
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
    /// This request makes it; the key is its own since `claimed`.
    Ours {
        attempt: Attempt,
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
    if let Err(error) = note(&key, claimed, &made).await {
        tracing::warn!(%error, "the answer to a request with a key could not be kept");
    }
    Ok(created(made?.answer))
}

/// Notes under the key what came of it.
async fn note<T: Serialize>(
    key: &Key,
    claimed: i64,
    made: &Result<Made<T>, ApiError>,
) -> Result<(), DbError> {
    let (owner_id, name) = (&key.owner_id, &key.name);
    let status = StatusCode::CREATED.as_u16();
    let mut tx = key.db.write().await?;
    match made {
        Ok(made) => {
            let answer = made.kept.then(|| serde_json::to_string(&made.answer).ok());
            let answer = answer.flatten();
            idempotency_answer(&mut tx, owner_id, name, claimed, status, answer.as_deref()).await?;
        }
        Err(error) if error.error().code == ANSWERED => {
            idempotency_answer(&mut tx, owner_id, name, claimed, status, None).await?;
        }
        // It may have been made all the same: a repeat takes over at once, and the id along.
        Err(error) if error.is_fault() => {
            idempotency_release(&mut tx, owner_id, name, claimed, claimed - DEAD - 1).await?;
        }
        Err(_) => idempotency_delete(&mut tx, owner_id, name, claimed).await?,
    }
    tx.commit().await
}

async fn claim(own: &Own, key: &Key, hash: &str, attempt: Attempt) -> Result<Claim, ApiError> {
    let deadline = Instant::now() + own.plane.state.patience.get();
    let mut pause = LOOK_FIRST;
    loop {
        // Those who wait only read: writers stand in one queue with everybody else's.
        let row = ask(own, idempotency_get(&key.db, &key.owner_id, &key.name)).await?;
        let Some(row) = row.filter(|row| row.created_at >= clock::now() - KEPT) else {
            match ask(own, key_insert(key, hash, &attempt.id)).await? {
                Some(claimed) => return Ok(Claim::Ours { attempt, claimed }),
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
            let attempt = Attempt {
                id: row.subject_id,
                again: true,
            };
            return Ok(Claim::Ours { attempt, claimed });
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
        return Err(answered());
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

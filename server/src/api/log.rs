//! The live log as server-sent events; for admins.

use std::{convert::Infallible, time::Duration};

use app::model::{LogFilter, LogLevel as Level, LogView};
use axum::{
    http::{HeaderName, HeaderValue, header},
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use serde::Deserialize;
use server_api::log::{LogLevel, LogRecord};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::IntoParams;

use super::{
    input::{Admin, Query},
    problem::ApiError,
};
use crate::{log::Batch, pages::RequestPlane};

/// Records that may wait for a slow reader.
const QUEUE: usize = 256;
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A reader that takes nothing for so long is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);

/// Which records are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// `server`, `balancer`, or a node's name.
    source: Option<String>,
    /// This level and worse.
    level: Option<LogLevel>,
    /// Text that must occur, without regard to case.
    text: Option<String>,
    /// `false`: the newest 500 and no more.
    follow: Option<bool>,
}

/// The newest 500 records that match, then more as they come, as server-sent events; the data of
/// each is a record. A reader that is slower than they come misses some: a record of `server` says how many.
#[utoipa::path(get, path = "/api/v1/admin/logs", tag = "admin", params(LogQuery),
    responses((status = 200, body = LogRecord, content_type = "text/event-stream")))]
pub async fn log_list(
    Admin(plane): Admin,
    Query(query): Query<LogQuery>,
) -> Result<Response, ApiError> {
    let (to, from) = mpsc::channel(QUEUE);
    let follow = query.follow.unwrap_or(true);
    let filter = LogFilter {
        source: query.source,
        level: query.level.map(level_in),
        text: query.text,
    };
    tokio::spawn(async move { send(&plane, &filter, follow, &to).await });
    let events = Sse::new(ReceiverStream::new(from));
    let mut response = events
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies hold streams back otherwise.
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    Ok(response)
}

type Line = Result<Event, Infallible>;

/// Until the reader leaves, access ends or the server stops.
async fn send(plane: &RequestPlane, filter: &LogFilter, follow: bool, to: &mpsc::Sender<Line>) {
    let mut live = plane.state.logs.subscribe();
    let mut revoked = plane.state.auth.revocations();
    let start = plane.state.logs.list(filter).records;
    let mut batch = Batch::new(filter, start.last().map_or(0, |record| record.seq));
    if !put_all(to, start).await || !follow {
        return;
    }
    loop {
        let came = tokio::select! {
            came = live.recv() => came,
            () = revoked.wait(&plane.caller) => return,
            () = plane.state.stop.cancelled() => return,
            () = to.closed() => return,
        };
        if !batch.take(came) || !put_all(to, std::mem::take(&mut batch.records)).await {
            return;
        }
    }
}

/// Oldest first; false when the reader is gone.
async fn put_all(to: &mpsc::Sender<Line>, records: Vec<LogView>) -> bool {
    for record in &records {
        if !put(to, record).await {
            return false;
        }
    }
    true
}

/// False when the reader is gone.
async fn put(to: &mpsc::Sender<Line>, record: &LogView) -> bool {
    let event = Event::default().id(record.seq.to_string());
    let Ok(event) = event.json_data(log_record(record)) else {
        return false;
    };
    let sent = tokio::time::timeout(SEND_TIMEOUT, to.send(Ok(event))).await;
    matches!(sent, Ok(Ok(())))
}

fn log_record(view: &LogView) -> LogRecord {
    LogRecord {
        seq: view.seq,
        at: view.at,
        source: view.source.clone(),
        level: level_out(view.level),
        message: view.message.clone(),
        request_id: view.request_id.clone(),
    }
}

fn level_in(level: LogLevel) -> Level {
    match level {
        LogLevel::Trace => Level::Trace,
        LogLevel::Debug => Level::Debug,
        LogLevel::Info => Level::Info,
        LogLevel::Warn => Level::Warn,
        LogLevel::Error => Level::Error,
    }
}

fn level_out(level: Level) -> LogLevel {
    match level {
        Level::Trace => LogLevel::Trace,
        Level::Debug => LogLevel::Debug,
        Level::Info => LogLevel::Info,
        Level::Warn => LogLevel::Warn,
        Level::Error => LogLevel::Error,
    }
}

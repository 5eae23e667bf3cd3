//! Commands whose streams are their caller's: `GET /v1/vms/{id}/exec/attach` (docs/exec-protocol.md).
//!
//! `stream` runs one, from the first frame to the exit code; `opening` is the time until it runs; `caller` is
//! what its caller sends. A caller that goes away takes its command along: nothing of it stays.

mod caller;
mod opening;
mod stream;

use std::{num::NonZeroU16, sync::Arc};

use axum::{
    extract::{
        Path, State,
        ws::{WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::{IntoResponse, Response},
};
use node_api::{error::NodeErrorCode, exec_frame::STREAM_FRAME_BYTES};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::{error::ApiError, extract::ApiId, state::AppState};

/// Commands at once on a node: each holds 256 KiB of input at most, and a few connections.
const AT_ONCE: usize = 512;
/// A start frame is JSON of at most 128 KiB of words and some environment.
const MESSAGE_BYTES: usize = 4 * STREAM_FRAME_BYTES;
/// What is read at once; the default is 128 KiB, which stay for as long as the command.
const READ_BUFFER: usize = STREAM_FRAME_BYTES;

/// Turns to run a command.
pub struct ExecTurns(Arc<Semaphore>);

impl Default for ExecTurns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// Upgrades; what is wrong with a command is told by a frame.
pub async fn vm_exec_attach(
    State(state): State<AppState>,
    ApiId(id): ApiId,
    upgrade: Upgrade,
) -> Response {
    upgraded(state, upgrade, move |state, socket| async move {
        stream::serve(&state, id, socket).await;
    })
}

/// The same with a TCP port of the VM in place of a command.
pub async fn vm_connect(
    State(state): State<AppState>,
    Path((id, port)): Path<(String, String)>,
    upgrade: Upgrade,
) -> Response {
    let parsed = id.parse::<Uuid>().ok().zip(port.parse::<NonZeroU16>().ok());
    let Some((id, port)) = parsed else {
        return ApiError::bad_request("no VM's id, or no port of 1 to 65535").into_response();
    };
    upgraded(state, upgrade, move |state, socket| async move {
        stream::serve_port(&state, id, port.get(), socket).await;
    })
}

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

fn upgraded<F>(
    state: AppState,
    upgrade: Upgrade,
    serve: impl FnOnce(AppState, WebSocket) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = ()> + Send + 'static,
{
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return ApiError::bad_request(rejection.body_text()).into_response(),
    };
    let Ok(turn) = state.exec_turns.0.clone().try_acquire_owned() else {
        let message = format!("{AT_ONCE} commands run on this node already; try again later");
        return ApiError::new(NodeErrorCode::TooMany, message).into_response();
    };
    upgrade
        .max_message_size(MESSAGE_BYTES)
        .max_frame_size(MESSAGE_BYTES)
        .read_buffer_size(READ_BUFFER)
        .on_upgrade(async move |socket| {
            serve(state, socket).await;
            drop(turn);
        })
}

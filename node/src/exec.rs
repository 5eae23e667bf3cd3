//! Commands whose streams are their caller's: `GET /v1/vms/{id}/exec/attach` (docs/exec-protocol.md).
//!
//! `stream` runs one, from the first frame to the exit code; `caller` is what its caller sends. A caller that goes away takes its
//! command along: nothing of it stays.

mod caller;
mod stream;

use std::sync::Arc;

use axum::{
    extract::{
        State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::{IntoResponse, Response},
};
use node_api::{error::NodeErrorCode, exec_frame::STREAM_FRAME_BYTES};
use tokio::sync::Semaphore;

use crate::{error::ApiError, extract::ApiId, state::AppState};

/// Commands at once on a node: each holds 256 KiB of input at most, and a few connections.
const AT_ONCE: usize = 512;
/// A start frame is JSON of at most 128 KiB of words and some environment.
const MESSAGE_BYTES: usize = 4 * STREAM_FRAME_BYTES;

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
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
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
        .on_upgrade(async move |socket| {
            stream::serve(&state, id, socket).await;
            drop(turn);
        })
}

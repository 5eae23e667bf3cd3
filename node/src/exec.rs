//! Commands whose streams are their caller's: `GET /v1/vms/{id}/exec/attach` (docs/exec-protocol.md).
//!
//! `stream` runs one, from the first frame to the exit code; `opening` is the time until it runs; `caller` is
//! what its caller sends, its `signals` among it. A caller that goes away takes its command along: nothing of it stays.

mod caller;
mod opening;
mod signals;
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
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::{error::ApiError, extract::ApiId, state::AppState};

/// Commands at once on a node, and connections to ports: each holds a window of input at most (1 MiB), and a
/// few connections.
const AT_ONCE: usize = 512;
/// A start frame is JSON of at most 128 KiB of words and some environment.
const MESSAGE_BYTES: usize = 4 * STREAM_FRAME_BYTES;
/// What is read at once; the default is 128 KiB, which stay for as long as the command.
const READ_BUFFER: usize = STREAM_FRAME_BYTES;

/// Turns to run a command, and to be connected to a port. They are apart: connections that lie idle cost
/// little, and must not keep others from running commands.
pub struct ExecTurns {
    commands: Arc<Semaphore>,
    ports: Arc<Semaphore>,
}

/// What a turn is for.
#[derive(Clone, Copy)]
enum Turn {
    Command,
    Port,
}

impl Default for ExecTurns {
    fn default() -> Self {
        Self {
            commands: Arc::new(Semaphore::new(AT_ONCE)),
            ports: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl ExecTurns {
    /// `TooMany` where there is none left.
    fn take(&self, turn: Turn) -> Result<OwnedSemaphorePermit, ApiError> {
        let (turns, what) = match turn {
            Turn::Command => (&self.commands, "commands run on this node"),
            Turn::Port => (
                &self.ports,
                "connections to ports of this node's VMs are open",
            ),
        };
        turns.clone().try_acquire_owned().map_err(|_| {
            let message = format!("{AT_ONCE} {what} already; try again later");
            ApiError::new(NodeErrorCode::TooMany, message)
        })
    }
}

/// Upgrades; what is wrong with a command is told by a frame.
pub async fn vm_exec_attach(
    State(state): State<AppState>,
    ApiId(id): ApiId,
    upgrade: Upgrade,
) -> Response {
    upgraded(
        state,
        upgrade,
        Turn::Command,
        move |state, socket| async move {
            stream::serve(&state, id, socket).await;
        },
    )
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
    upgraded(
        state,
        upgrade,
        Turn::Port,
        move |state, socket| async move {
            stream::serve_port(&state, id, port.get(), socket).await;
        },
    )
}

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

fn upgraded<F>(
    state: AppState,
    upgrade: Upgrade,
    turn: Turn,
    serve: impl FnOnce(AppState, WebSocket) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = ()> + Send + 'static,
{
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return ApiError::bad_request(rejection.body_text()).into_response(),
    };
    let turn = match state.exec_turns.take(turn) {
        Ok(turn) => turn,
        Err(refused) => return refused.into_response(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_to_ports_and_commands_take_no_turns_from_each_other() {
        let turns = ExecTurns::default();
        let take_all = |turn| -> Vec<_> {
            let taken = (0..=AT_ONCE).map_while(|_| turns.take(turn).ok());
            taken.collect()
        };
        let ports = take_all(Turn::Port);
        let commands = take_all(Turn::Command);
        assert_eq!((ports.len(), commands.len()), (AT_ONCE, AT_ONCE));
        drop(ports);
        assert!(turns.take(Turn::Port).is_ok());
        assert!(turns.take(Turn::Command).is_err());
    }
}

//! Two sockets, each poured into the other, until one of them or the right to it ends.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as Browser, WebSocket};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as Node;

use crate::{
    actor::Actor,
    auth::Caller,
    balancer::NodeSocket,
    control::{ControlError, ShellPlace},
    state::AppState,
};

/// Close codes of docs/shell-protocol.md that the server itself uses.
const REVOKED: (u16, &str) = (4003, "access to this shell was taken back");
const NODE_UNREACHABLE: (u16, &str) = (4503, "the node does not answer");
const RESTART: (u16, &str) = (1012, "the server restarts");

/// How often a viewer's right is looked at again, beside being told of changes.
const RECHECK: Duration = Duration::from_secs(4);
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// Connects to the node and pumps until either side closes.
pub async fn bridge(
    browser: WebSocket,
    state: &AppState,
    caller: &Caller,
    actor: &Actor,
    place: ShellPlace,
    query: &str,
) {
    let node = match state.control.shell_attach(&place, query).await {
        Ok(node) => node,
        Err(error) => {
            tracing::warn!(shell_id = %place.shell_id, %error, "a shell's node does not answer");
            return close(browser, NODE_UNREACHABLE).await;
        }
    };
    let mut revoked = state.auth.revocations();
    let ended = async {
        loop {
            tokio::select! {
                () = revoked.wait(caller) => return REVOKED,
                () = state.stop.cancelled() => return RESTART,
                () = tokio::time::sleep(RECHECK) => {}
            }
            let right = state.control.shell_find(actor, &place.shell_id).await;
            if matches!(right, Err(ControlError::NotFound { .. })) {
                return REVOKED;
            }
        }
    };
    pump(browser, node, ended).await;
}

/// Each direction awaits the other side's send, so a slow reader slows only its own sender.
async fn pump(
    browser: WebSocket,
    node: NodeSocket,
    ended: impl Future<Output = (u16, &'static str)>,
) {
    let (mut to_browser, mut from_browser) = browser.split();
    let (mut to_node, mut from_node) = node.split();
    let up = async {
        while let Some(Ok(message)) = from_browser.next().await {
            let message = match message {
                Browser::Binary(bytes) => Node::Binary(bytes),
                Browser::Close(_) => break,
                _ => continue,
            };
            if !matches!(
                timeout(SEND_TIMEOUT, to_node.send(message)).await,
                Ok(Ok(()))
            ) {
                break;
            }
        }
    };
    let down = async {
        while let Some(Ok(message)) = from_node.next().await {
            let message = match message {
                Node::Binary(bytes) => Browser::Binary(bytes),
                Node::Close(frame) => return close_of(frame),
                _ => continue,
            };
            if !matches!(
                timeout(SEND_TIMEOUT, to_browser.send(message)).await,
                Ok(Ok(()))
            ) {
                break;
            }
        }
        CloseFrame {
            code: NODE_UNREACHABLE.0,
            reason: NODE_UNREACHABLE.1.into(),
        }
    };
    let last = tokio::select! {
        () = up => None,
        frame = down => Some(frame),
        (code, reason) = ended => Some(CloseFrame { code, reason: reason.into() }),
    };
    let _ = timeout(SEND_TIMEOUT, to_node.close()).await;
    let _ = timeout(SEND_TIMEOUT, to_browser.send(Browser::Close(last))).await;
}

/// The node's close frame, carried across; a node that just went away is unreachable.
fn close_of(frame: Option<tokio_tungstenite::tungstenite::protocol::CloseFrame>) -> CloseFrame {
    match frame {
        Some(frame) => CloseFrame {
            code: frame.code.into(),
            reason: frame.reason.as_str().into(),
        },
        None => CloseFrame {
            code: NODE_UNREACHABLE.0,
            reason: NODE_UNREACHABLE.1.into(),
        },
    }
}

async fn close(mut browser: WebSocket, (code, reason): (u16, &'static str)) {
    let frame = CloseFrame {
        code,
        reason: reason.into(),
    };
    let _ = timeout(SEND_TIMEOUT, browser.send(Browser::Close(Some(frame)))).await;
}

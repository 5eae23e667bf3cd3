//! Two sockets, each poured into the other, until one of them or the right to it ends.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as Browser, WebSocket};
use futures_util::{SinkExt as _, StreamExt as _};
use node_api::exec_frame::SILENCE_S;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as Node;

use crate::{
    actor::Actor,
    auth::Caller,
    balancer::NodeSocket,
    control::{ControlError, ExecLine, ShellPlace},
    state::AppState,
};

/// Close codes of docs/shell-protocol.md that the server itself uses.
const REVOKED: (u16, &str) = (4003, "access was taken back");
const NODE_UNREACHABLE: (u16, &str) = (4503, "the node does not answer");
const RESTART: (u16, &str) = (1012, "the server restarts");

/// How often a viewer's right is looked at again, beside being told of changes.
const RECHECK: Duration = Duration::from_secs(4);
/// Time to tell either side that it is over.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long each side is waited for.
#[derive(Clone, Copy)]
struct Patience {
    /// For one message to be taken.
    send: Duration,
    /// For anything to come from the browser, which has to say something now and then.
    silence: Duration,
}

/// Viewers acknowledge what they have shown, so that all that is sent is taken at once.
const SHELL: Patience = Patience {
    send: Duration::from_secs(30),
    silence: Duration::from_secs(120),
};
/// Whoever reads a command's output may take a day over it, as long as it says that it lives.
const EXEC: Patience = Patience {
    send: Duration::from_secs(24 * 3600),
    silence: Duration::from_secs(SILENCE_S + 10),
};

/// What a socket is for.
#[derive(Clone, Copy)]
enum Thing<'a> {
    /// A shell, by its id.
    Shell(&'a str),
    /// One of the caller's own VMs, by its name.
    Vm(&'a str),
}

/// Pumps between a command's caller and its node until either side closes.
pub async fn bridge_exec(
    browser: WebSocket,
    state: &AppState,
    caller: &Caller,
    actor: &Actor,
    vm: &str,
    line: ExecLine,
) {
    let ended = ended(state, caller, actor, Thing::Vm(vm));
    pump(browser, line.socket, ended, EXEC).await;
    drop(line.turn);
}

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
    let ended = ended(state, caller, actor, Thing::Shell(&place.shell_id));
    pump(browser, node, ended, SHELL).await;
}

/// Resolves when the caller's right has ended, or this server does.
async fn ended(
    state: &AppState,
    caller: &Caller,
    actor: &Actor,
    thing: Thing<'_>,
) -> (u16, &'static str) {
    let mut revoked = state.auth.revocations();
    loop {
        tokio::select! {
            () = revoked.wait(caller) => return REVOKED,
            () = state.stop.cancelled() => return RESTART,
            () = tokio::time::sleep(RECHECK) => {}
        }
        let right = match thing {
            Thing::Shell(id) => state.control.shell_find(actor, id).await.map(drop),
            Thing::Vm(name) => state.control.vm_find(actor, name).await.map(drop),
        };
        if matches!(right, Err(ControlError::NotFound { .. })) {
            return REVOKED;
        }
    }
}

/// Each direction awaits the other side's send, so a slow reader slows only its own sender.
async fn pump(
    browser: WebSocket,
    node: NodeSocket,
    ended: impl Future<Output = (u16, &'static str)>,
    patience: Patience,
) {
    let (mut to_browser, mut from_browser) = browser.split();
    let (mut to_node, mut from_node) = node.split();
    let up = async {
        while let Ok(Some(Ok(message))) = timeout(patience.silence, from_browser.next()).await {
            let message = match message {
                Browser::Binary(bytes) => Node::Binary(bytes),
                Browser::Close(_) => break,
                _ => continue,
            };
            if !matches!(
                timeout(patience.send, to_node.send(message)).await,
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
                timeout(patience.send, to_browser.send(message)).await,
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
    let _ = timeout(CLOSE_TIMEOUT, to_node.close()).await;
    let _ = timeout(CLOSE_TIMEOUT, to_browser.send(Browser::Close(last))).await;
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
    let _ = timeout(CLOSE_TIMEOUT, browser.send(Browser::Close(Some(frame)))).await;
}

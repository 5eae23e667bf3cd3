//! Two sockets, each poured into the other, until one of them or the right to it ends.

use std::time::Duration;

use app::model::ShellMode;
use axum::extract::ws::{CloseFrame, Message as Browser, WebSocket};
use futures_util::{SinkExt as _, StreamExt as _};
use node_api::exec_frame::SILENCE_S;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{self, Message as Node};

use crate::{
    actor::Actor,
    auth::Caller,
    balancer::NodeSocket,
    control::{ControlError, ExecLine, ShellSeat, ShellVisit},
    state::AppState,
};

/// Close codes of docs/shell-protocol.md that the server itself uses.
const REVOKED: (u16, &str) = (4003, "access was taken back");
const TOO_MANY_VIEWERS: (u16, &str) = (4429, "as many guests as can be are here already");
const NODE_UNREACHABLE: (u16, &str) = (4503, "the node does not answer");
const RESTART: (u16, &str) = (1012, "the server restarts");
const MALFORMED: u16 = 4400;
/// The node's, for a VM that stopped: whether for good, it does not know.
const VM_STOPPED: u16 = 4010;

const TOO_LONG: &str = "a message is too long";

/// How often a viewer's right is looked at again, beside being told of changes.
const RECHECK: Duration = Duration::from_secs(4);
/// Time to tell either side that it is over.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);
/// For the browser to have heard it, and to close on its side.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long each side is waited for.
#[derive(Clone, Copy)]
struct Patience {
    /// For one message to be taken.
    send: Duration,
    /// For anything to come from either side: the browser has to say something now and then, and the
    /// node answers.
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
    /// A seat at a shell; a guest's with the visit.
    Shell(&'a ShellSeat, Option<&'a ShellVisit>),
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
    let right = Right {
        state,
        caller,
        actor,
        thing: Thing::Vm(vm),
    };
    pump(browser, line.socket, &right, EXEC, all).await;
    drop(line.turn);
}

/// Connects to the node and pumps until either side closes. Who may only watch is kept from typing here
/// and by the node.
pub async fn bridge(
    browser: WebSocket,
    state: &AppState,
    caller: &Caller,
    actor: &Actor,
    seat: &ShellSeat,
    query: &str,
) {
    let watches = seat.mode() == ShellMode::Watch;
    let visit = match &seat.grant {
        None => None,
        // Of a shell that has ended they hear how; nobody is in it any more.
        Some(grant)
            if !state
                .control
                .shell_may_live(&grant.vm_id, &grant.shell_id)
                .await =>
        {
            None
        }
        Some(grant) => match state.control.shell_visit(actor, grant).await {
            None => return close(browser, TOO_MANY_VIEWERS).await,
            visit => visit,
        },
    };
    let place = &seat.place;
    let query = attach_query(query, watches);
    let node = match state.control.shell_attach(place, &query).await {
        Ok(node) => node,
        Err(error) => {
            tracing::warn!(shell_id = %place.shell_id, %error, "a shell's node does not answer");
            return close(browser, NODE_UNREACHABLE).await;
        }
    };
    let right = Right {
        state,
        caller,
        actor,
        thing: Thing::Shell(seat, visit.as_ref()),
    };
    let passes = if watches { of_a_watcher } else { all };
    pump(browser, node, &right, SHELL, passes).await;
}

/// The viewer's query, but that it only watches is for the server to say.
fn attach_query(query: &str, watches: bool) -> String {
    let own = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "watch");
    let mut passed = form_urlencoded::Serializer::new(String::new());
    passed.extend_pairs(own);
    if watches {
        passed.append_pair("watch", "1");
    }
    passed.finish()
}

/// Which frames of the browser go on to the node: all of them.
fn all(_: &[u8]) -> bool {
    true
}

/// Those by which a viewer says that it has shown something, and lives.
fn of_a_watcher(frame: &[u8]) -> bool {
    const ACK: u8 = 0x83;
    const PING: u8 = 0x84;
    const PONG: u8 = 0x86;
    matches!(frame.first(), Some(&(ACK | PING | PONG)))
}

/// What allows the socket.
struct Right<'a> {
    state: &'a AppState,
    caller: &'a Caller,
    actor: &'a Actor,
    thing: Thing<'a>,
}

impl Right<'_> {
    /// Resolves when the caller's right has ended, or this server does. Looks at once: the right may have
    /// ended while the node was called.
    async fn ended(&self) -> (u16, &'static str) {
        let mut revoked = self.state.auth.revocations();
        loop {
            if self.is_gone().await {
                return REVOKED;
            }
            tokio::select! {
                () = revoked.wait(self.caller) => return REVOKED,
                () = self.put_out() => return REVOKED,
                () = self.state.stop.cancelled() => return RESTART,
                () = tokio::time::sleep(RECHECK) => {}
            }
        }
    }

    async fn is_gone(&self) -> bool {
        let right = match self.thing {
            Thing::Shell(seat, _) => self.state.control.shell_seat_check(self.actor, seat).await,
            Thing::Vm(name) => self.state.control.vm_find(self.actor, name).await.map(drop),
        };
        matches!(right, Err(ControlError::NotFound { .. }))
    }

    /// Resolves when a guest's right is taken back.
    async fn put_out(&self) {
        match self.thing {
            Thing::Shell(_, Some(visit)) => visit.ended.cancelled().await,
            _ => std::future::pending().await,
        }
    }

    /// What the node's close means for the viewer: a VM that is deleted stops first.
    async fn close_of(&self, frame: CloseFrame) -> CloseFrame {
        match frame.code == VM_STOPPED && self.is_gone().await {
            true => close_frame(REVOKED.0, REVOKED.1),
            false => frame,
        }
    }
}

/// Each direction awaits the other side's send, so a slow reader slows only its own sender.
async fn pump(
    browser: WebSocket,
    node: NodeSocket,
    right: &Right<'_>,
    patience: Patience,
    passes: fn(&[u8]) -> bool,
) {
    let (mut to_browser, mut from_browser) = browser.split();
    let (mut to_node, mut from_node) = node.split();
    let up = async {
        // A node that takes no more may have sent what the browser has not read yet: `down` decides.
        let mut is_open = true;
        while let Ok(Some(message)) = timeout(patience.silence, from_browser.next()).await {
            let message = match message {
                Ok(Browser::Binary(bytes)) if passes(&bytes) => Node::Binary(bytes),
                Ok(Browser::Text(_)) => return Some(close_frame(MALFORMED, "a text message")),
                Ok(Browser::Close(_)) => break,
                Ok(_) => continue,
                Err(error) => return is_too_long(&error).then(|| close_frame(MALFORMED, TOO_LONG)),
            };
            if is_open {
                let sent = timeout(patience.send, to_node.send(message)).await;
                is_open = matches!(sent, Ok(Ok(())));
            }
        }
        None
    };
    let down = async {
        while let Ok(Some(Ok(message))) = timeout(patience.silence, from_node.next()).await {
            let message = match message {
                Node::Binary(bytes) => Browser::Binary(bytes),
                Node::Close(Some(frame)) => {
                    let frame = close_frame(frame.code.into(), frame.reason.as_str());
                    return Some(right.close_of(frame).await);
                }
                Node::Close(None) => break,
                _ => continue,
            };
            if !matches!(
                timeout(patience.send, to_browser.send(message)).await,
                Ok(Ok(()))
            ) {
                // It is the browser that takes nothing.
                return None;
            }
        }
        Some(close_frame(NODE_UNREACHABLE.0, NODE_UNREACHABLE.1))
    };
    let last = tokio::select! {
        // Who lost their right is told that, and not what became of the VM for it.
        biased;
        (code, reason) = right.ended() => Some(close_frame(code, reason)),
        frame = up => frame,
        frame = down => frame,
    };
    let _ = timeout(CLOSE_TIMEOUT, to_node.close()).await;
    let last = timeout(CLOSE_TIMEOUT, to_browser.send(Browser::Close(last)));
    if matches!(last.await, Ok(Ok(()))) {
        // A socket that goes with something unread in it takes along what was said last: the reason.
        let unread = async { while let Some(Ok(_)) = from_browser.next().await {} };
        let _ = timeout(FAREWELL, unread).await;
    }
}

fn close_frame(code: u16, reason: &str) -> CloseFrame {
    CloseFrame {
        code,
        reason: reason.into(),
    }
}

/// Whether what came was more than a message may hold; else the connection broke.
fn is_too_long(error: &axum::Error) -> bool {
    let source = std::error::Error::source(error);
    let error = source.and_then(|source| source.downcast_ref::<tungstenite::Error>());
    matches!(error, Some(tungstenite::Error::Capacity(_)))
}

async fn close(mut browser: WebSocket, (code, reason): (u16, &'static str)) {
    let last = Browser::Close(Some(close_frame(code, reason)));
    let _ = timeout(CLOSE_TIMEOUT, browser.send(last)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_a_viewer_watches_is_for_the_server_to_say() {
        let query = "client=00000000000000ff&w%61tch=0&from=7&watch=0";
        assert_eq!(
            attach_query(query, true),
            "client=00000000000000ff&from=7&watch=1"
        );
        assert_eq!(attach_query("watch=1&cols=9", false), "cols=9");
    }

    #[test]
    fn of_a_watcher_nothing_passes_that_could_change_the_shell() {
        for kind in 0..=u8::MAX {
            let passes = of_a_watcher(&[kind, 0, 0]);
            assert_eq!(passes, [0x83, 0x84, 0x86].contains(&kind), "{kind:#x}");
        }
        assert!(!of_a_watcher(&[]));
    }
}

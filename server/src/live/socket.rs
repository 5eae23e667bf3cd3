//! One live socket: a picture at once, then one after each change and every few seconds, until access ends.

use std::time::Duration;

use app::{
    control_plane::{AdminPlane as _, Answer, VmPlane as _},
    model::{AppError, ErrorKind, LIVE_EVERY, LIVE_REVOKED, LIVE_TOO_MANY, Live},
};
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, sleep_until, timeout},
};

use crate::{control::Change, pages::RequestPlane};

/// The server stops, or cannot tell for now; come again.
const CLOSE_RESTART: u16 = 1012;
/// A browser that takes nothing for so long is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);

/// A browser that answers nothing for so long is gone, though the kernel takes what it is sent for a quarter of an hour.
const SILENCE: Duration = Duration::from_secs(60);
/// How long nothing must have come before it is asked for a sign of life.
const ASKED: Duration = Duration::from_secs(20);

/// When a browser was heard last. It answers pings by itself.
pub struct Heard(Instant);

impl Heard {
    pub fn now() -> Self {
        Self(Instant::now())
    }

    /// Asks for a sign of life where that is due. False when the browser is gone.
    pub async fn look(&self, socket: &mut WebSocket) -> bool {
        match Sign::after(self.0.elapsed()) {
            Sign::Fresh => true,
            Sign::Due => send(socket, Message::Ping(Default::default())).await,
            Sign::Overdue => false,
        }
    }
}

/// What a browser's silence means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Fresh,
    Due,
    Overdue,
}

impl Sign {
    fn after(silence: Duration) -> Self {
        match silence {
            short if short < ASKED => Self::Fresh,
            long if long > SILENCE => Self::Overdue,
            _ => Self::Due,
        }
    }
}

/// What a live socket shows.
pub enum Pictures {
    /// A user's own VMs.
    Vms { owner_id: String },
    /// The admin's overview.
    Overview,
}

impl Pictures {
    async fn look(&self, plane: &RequestPlane) -> Answer<Live> {
        match self {
            Self::Vms { .. } => plane.vm_list().await.map(Live::Vms),
            Self::Overview => plane.overview().await.map(Live::Overview),
        }
    }

    fn concerns(&self, change: &Change) -> bool {
        match (self, &change.owner_id) {
            (Self::Vms { owner_id }, Some(changed)) => owner_id == changed,
            _ => true,
        }
    }

    /// The least time between two pictures: changes that come within it are told together. One that
    /// comes after a quiet while is told at once.
    fn pause(&self) -> Duration {
        Duration::from_millis(if matches!(self, Self::Vms { .. }) {
            100
        } else {
            1_000
        })
    }

    /// Usage figures move without a change: they are looked at this often, [`LIVE_EVERY`] at the least.
    fn refresh(&self) -> Duration {
        match self {
            Self::Vms { .. } => LIVE_EVERY,
            Self::Overview => Duration::from_secs(2),
        }
    }
}

/// Sends a picture at once, after every change that concerns it, after any message of the browser, and every few
/// seconds all the same: for usage and clocks, and because a page takes a socket for lost that is quiet for long.
pub async fn pictures(mut socket: WebSocket, plane: &RequestPlane, pictures: &Pictures) {
    let mut changes = plane.state.control.changes();
    let mut revoked = plane.state.auth.revocations();
    let mut heard = Heard::now();
    loop {
        let looked = Instant::now();
        let picture = match pictures.look(plane).await {
            Ok(picture) => picture,
            Err(error) => return close(socket, close_code(&error)).await,
        };
        let Ok(text) = serde_json::to_string(&picture) else {
            return;
        };
        if !send(&mut socket, Message::text(text)).await || !heard.look(&mut socket).await {
            return;
        }
        let changed = async {
            loop {
                match changes.recv().await {
                    Ok(change) if pictures.concerns(&change) => break,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
            sleep_until(looked + pictures.pause()).await;
        };
        tokio::select! {
            _ = timeout(pictures.refresh(), changed) => {}
            () = revoked.wait(&plane.caller) => return close(socket, LIVE_REVOKED).await,
            () = plane.state.stop.cancelled() => return close(socket, CLOSE_RESTART).await,
            message = socket.recv() => {
                if matches!(message, Some(Ok(Message::Close(_)) | Err(_)) | None) {
                    return;
                }
                heard = Heard::now();
                // However many it sends.
                sleep_until(looked + pictures.pause()).await;
            }
        }
    }
}

/// Only who may not look any more is sent away: a database that does not answer takes no right away.
fn close_code(error: &AppError) -> u16 {
    match error.kind {
        ErrorKind::Unauthenticated | ErrorKind::Forbidden | ErrorKind::NotFound => LIVE_REVOKED,
        _ => CLOSE_RESTART,
    }
}

/// False when the socket is of no use any more.
pub async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(
        timeout(SEND_TIMEOUT, socket.send(message)).await,
        Ok(Ok(()))
    )
}

/// Sends a close frame; the browser's own is not waited for.
pub async fn close(mut socket: WebSocket, code: u16) {
    send(
        &mut socket,
        Message::Close(Some(CloseFrame {
            code,
            reason: "".into(),
        })),
    )
    .await;
}

/// Ends the socket because the user has too many.
pub async fn close_too_many(socket: WebSocket) {
    close(socket, LIVE_TOO_MANY).await;
}

/// Ends the socket because access was taken back.
pub async fn close_revoked(socket: WebSocket) {
    close(socket, LIVE_REVOKED).await;
}

/// Ends the socket because the server stops.
pub async fn close_restart(socket: WebSocket) {
    close(socket, CLOSE_RESTART).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_browser_is_asked_for_a_sign_of_life_in_time_to_give_one_before_it_counts_as_gone() {
        let mut silence = Duration::ZERO;
        let mut asked = 0;
        // It is looked at as often as its page is sent a picture.
        while Sign::after(silence) != Sign::Overdue {
            asked += u32::from(Sign::after(silence) == Sign::Due);
            silence += LIVE_EVERY;
        }
        assert!(asked >= 2, "{asked}");
        assert!(silence <= SILENCE + LIVE_EVERY, "{silence:?}");
    }

    #[test]
    fn who_may_not_look_is_sent_away_and_who_meets_a_fault_comes_again() {
        for (kind, code) in [
            (ErrorKind::Unauthenticated, LIVE_REVOKED),
            (ErrorKind::Forbidden, LIVE_REVOKED),
            (ErrorKind::NotFound, LIVE_REVOKED),
            (ErrorKind::Unavailable, CLOSE_RESTART),
            (ErrorKind::Internal, CLOSE_RESTART),
        ] {
            let error = AppError::new(kind, "", "");
            assert_eq!(close_code(&error), code, "{kind:?}");
        }
    }
}

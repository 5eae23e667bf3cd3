//! Ends what stays open (live pages, shells) when the right to it ends.

use std::time::Duration;

use tokio::{sync::broadcast, time::Instant};

use super::Caller;
use crate::{
    clock,
    db::{Db, login_session::login_session_alive},
};

/// Rights that ended. Whoever holds something open under them closes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// All that the user with this id holds open.
    User(String),
    /// All that was opened under the login session with this id.
    LoginSession(String),
}

/// How often the table is asked besides: for ends that nobody tells of, such as an expiry, or a
/// change by another process.
const RECHECK: Duration = Duration::from_secs(4);

/// What a socket waits on.
pub struct Revocations {
    db: Db,
    told: broadcast::Receiver<Revoked>,
    check_at: Instant,
}

impl Revocations {
    pub(super) fn new(db: Db, told: broadcast::Receiver<Revoked>) -> Self {
        // At once: the right may have ended between the request's check and this.
        Self {
            db,
            told,
            check_at: Instant::now(),
        }
    }

    /// Returns when the caller's right has ended, within 5 s of it. May be dropped and called anew.
    pub async fn wait(&mut self, caller: &Caller) {
        let (Some(actor), Some(session)) = (&caller.actor, &caller.login_session_id) else {
            return;
        };
        loop {
            tokio::select! {
                told = self.told.recv() => match told {
                    Ok(Revoked::User(id)) if id == actor.user_id => return,
                    Ok(Revoked::LoginSession(id)) if id == *session => return,
                    Ok(_) => {}
                    Err(broadcast::error::RecvError::Lagged(_)) => self.check_at = Instant::now(),
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                () = tokio::time::sleep_until(self.check_at) => {
                    if self.has_ended(session).await {
                        return;
                    }
                    self.check_at = Instant::now() + RECHECK;
                }
            }
        }
    }

    /// A database that does not answer takes no right away.
    async fn has_ended(&self, session: &str) -> bool {
        match login_session_alive(&self.db, session, clock::now()).await {
            Ok(alive) => !alive,
            Err(error) => {
                tracing::warn!(%error, "a login session could not be checked; its sockets stay");
                false
            }
        }
    }
}

//! Ends what stays open (live pages, shells) when the right to it ends.

use std::time::Duration;

use tokio::{sync::broadcast, time::Instant};

use super::Caller;
use crate::{
    clock,
    db::{
        Db, DbError, login_session::login_session_alive, ssh_key::ssh_key_alive, token::token_alive,
    },
};

/// Rights that ended. Whoever holds something open under them closes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// All that the user with this id holds open.
    User(String),
    /// All that was opened under the login session with this id.
    LoginSession(String),
    /// All that was opened under the API token with this id.
    Token(String),
    /// All that was opened by the SSH key with this id.
    SshKey(String),
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
    /// What ended between the request's check and now, `told` does not tell: the first wait looks at the
    /// table at once.
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
        let (Some(actor), Some(right)) = (&caller.actor, Right::of(caller)) else {
            return;
        };
        loop {
            tokio::select! {
                told = self.told.recv() => match told {
                    Ok(Revoked::User(id)) if id == actor.user_id => return,
                    Ok(told) if right.is_ended_by(&told) => return,
                    Ok(_) => {}
                    Err(broadcast::error::RecvError::Lagged(_)) => self.check_at = Instant::now(),
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                () = tokio::time::sleep_until(self.check_at) => {
                    if self.has_ended(&right).await {
                        return;
                    }
                    self.check_at = Instant::now() + RECHECK;
                }
            }
        }
    }

    /// A database that does not answer takes no right away.
    async fn has_ended(&self, right: &Right<'_>) -> bool {
        match right.is_alive(&self.db).await {
            Ok(alive) => !alive,
            Err(error) => {
                tracing::warn!(%error, "a sign-in could not be checked; its sockets stay");
                false
            }
        }
    }
}

/// What a caller holds something open under.
enum Right<'a> {
    LoginSession(&'a str),
    Token(&'a str),
    SshKey(&'a str),
}

impl<'a> Right<'a> {
    fn of(caller: &'a Caller) -> Option<Self> {
        let token = caller.token.as_ref().map(|token| Self::Token(&token.id));
        let ssh_key = || caller.ssh_key_id.as_deref().map(Self::SshKey);
        let session = || caller.login_session_id.as_deref().map(Self::LoginSession);
        token.or_else(ssh_key).or_else(session)
    }

    fn is_ended_by(&self, told: &Revoked) -> bool {
        match (self, told) {
            (Self::LoginSession(own), Revoked::LoginSession(id))
            | (Self::Token(own), Revoked::Token(id))
            | (Self::SshKey(own), Revoked::SshKey(id)) => own == id,
            _ => false,
        }
    }

    async fn is_alive(&self, db: &Db) -> Result<bool, DbError> {
        match self {
            Self::LoginSession(id) => login_session_alive(db, id, clock::now()).await,
            Self::Token(id) => token_alive(db, id, clock::now()).await,
            Self::SshKey(id) => ssh_key_alive(db, id).await,
        }
    }
}

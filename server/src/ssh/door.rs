//! Who may come in with which key, and what is held against those who may not.

use std::{net::IpAddr, sync::Arc};

use http::Method;
use russh::{
    keys::{Algorithm, PublicKey},
    server::PublicKeyOffer,
};
use tokio::{sync::mpsc, time::timeout};

use super::{
    Gateway, REFUSAL, SIGN_IN,
    sign_in::{SignIn, Target, sign_in},
};
use crate::auth::Caller;

/// What a connection's task hears of signing in.
pub enum Outcome {
    /// For the lobby, or for a VM.
    SignedIn(Box<Caller>),
    /// With a key of several accounts, and it is not known whose sign-in this is.
    Unsure,
    /// Too many failures: so many seconds to wait.
    Throttled(u64),
}

/// One connection's door.
pub struct Door {
    gateway: Arc<Gateway>,
    address: IpAddr,
    outcome: mpsc::Sender<Outcome>,
    /// The name that keys were offered for, until one has opened: who only asks which keys fit, or
    /// has none that does, has failed.
    tried: Option<String>,
    /// Has to wait, and is being told so.
    throttled: bool,
}

impl Door {
    /// Dropped with a name tried and no key that fits, it counts as a failure of `address`.
    pub fn new(gateway: Arc<Gateway>, address: IpAddr, outcome: mpsc::Sender<Outcome>) -> Self {
        Self {
            gateway,
            address,
            outcome,
            tried: None,
            throttled: false,
        }
    }

    /// True when the client is to show that it has the key.
    pub async fn offered(&mut self, name: &str, offer: PublicKeyOffer<'_>) -> bool {
        // SHA-1 is not what it was.
        let is_sha1 = *offer.algorithm == (Algorithm::Rsa { hash: None });
        // Who has a key that fits has guessed nothing, and does not wait for those who try.
        if !is_sha1 && self.find(name, offer.public_key).await.is_some() {
            self.tried.get_or_insert_with(|| name.to_owned());
            return true;
        }
        if let Some(seconds) = self.gateway.state.auth.ssh_wait(name, self.address) {
            // A client that is refused leaves without reading on. So it is asked to sign, whatever the
            // key, and finds the words in place of an answer.
            self.throttled = true;
            self.tell(Outcome::Throttled(seconds));
            tokio::time::sleep(REFUSAL).await;
            return true;
        }
        self.tried = Some(name.to_owned());
        false
    }

    /// The signature was good. Whose key it is, is looked at again: the offer may be long ago.
    pub async fn signed(&mut self, name: &str, key: &PublicKey) -> Option<(Caller, Target)> {
        if self.throttled {
            return None;
        }
        let Some(found) = self.find(name, key).await else {
            self.tried = Some(name.to_owned());
            return None;
        };
        let auth = &self.gateway.state.auth;
        let noted = match &found.target {
            // Which of the accounts is meant is not known yet: nobody's events tell of it.
            Target::Several { .. } => Ok(auth.ssh_caller(self.address, &found.user)),
            Target::Lobby | Target::Vm(_) => {
                // Who signs in again and again without end is slowed as any program of theirs. The
                // connection waits no longer than for a sign-in, and has guessed nothing.
                let user = &found.user.actor.user_id;
                let turn = timeout(SIGN_IN, auth.ssh_turn(user, &Method::POST)).await;
                if turn.is_err() {
                    self.tried = None;
                    return None;
                }
                let named = name.contains('+');
                auth.ssh_signed_in(name, self.address, &found.user, named)
                    .await
            }
        };
        match noted {
            Ok(caller) => {
                self.tried = None;
                Some((caller, found.target))
            }
            Err(error) => {
                tracing::warn!(%error, address = %self.address, "an SSH sign-in could not be noted, and was refused");
                None
            }
        }
    }

    /// The client has been told that it is in: lets the connection's task know as whom.
    pub fn opened(&self, caller: &Caller, target: &Target) {
        self.tell(match target {
            Target::Several { .. } => Outcome::Unsure,
            Target::Lobby | Target::Vm(_) => Outcome::SignedIn(Box::new(caller.clone())),
        });
    }

    /// What a key opens under that name; a fault of ours opens nothing.
    async fn find(&self, name: &str, key: &PublicKey) -> Option<SignIn> {
        match sign_in(&self.gateway.state, name, key).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, address = %self.address, "an SSH key could not be looked at");
                None
            }
        }
    }

    fn tell(&self, outcome: Outcome) {
        // Full or closed only when the connection has been decided upon already.
        let _ = self.outcome.try_send(outcome);
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Some(name) = &self.tried {
            self.gateway.state.auth.ssh_failed(name, self.address);
        }
    }
}

//! Signing in by SSH: who may with a key, and that somebody did. That the key is theirs, the gateway
//! has found by its signature.

use std::net::IpAddr;

use super::{Auth, AuthError, Caller, login::user_event};
use crate::{
    clock::{self, SECOND},
    db::{
        event::event_insert,
        ssh_key::{SshKeyUser, ssh_key_confirm, ssh_key_find, ssh_key_used},
        user::user_active,
    },
    public_key::PublicKey,
};

/// How often it is noted that a key is used.
const USED_EVERY: i64 = 60 * SECOND;

impl Auth {
    /// Everybody who may sign in with the key now, or the one of that name.
    pub async fn ssh_key_users(
        &self,
        key: &PublicKey,
        account: Option<&str>,
    ) -> Result<Vec<SshKeyUser>, AuthError> {
        let mut found = ssh_key_find(&self.0.db, &key.fingerprint, account).await?;
        found.retain(|found| found.key.public_key == key.text);
        Ok(found)
    }

    /// How many seconds a sign-in under that name from there has to wait, after failures.
    pub fn ssh_wait(&self, name: &str, address: IpAddr) -> Option<u64> {
        let account = short(name);
        self.0
            .ssh_throttle
            .login_wait(&account, address, clock::now())
    }

    /// Somebody had no key for that name.
    pub fn ssh_failed(&self, name: &str, address: IpAddr) {
        let account = short(name);
        self.0
            .ssh_throttle
            .login_failed(&account, address, clock::now());
        tracing::info!(%address, "an SSH sign-in failed: no key that was offered fits");
    }

    /// Notes the sign-in, and that the key's owner has `named` this user; answers who it is from now on.
    pub async fn ssh_signed_in(
        &self,
        name: &str,
        address: IpAddr,
        found: &SshKeyUser,
        named: bool,
    ) -> Result<Caller, AuthError> {
        let (actor, key, now) = (&found.actor, &found.key, clock::now());
        let what = match key.comment.as_str() {
            "" => &key.fingerprint,
            comment => comment,
        };
        let mut tx = self.0.db.write().await?;
        let event = user_event("ssh_sign_in", actor).detail(format!("{what}, from {address}"));
        event_insert(&mut tx, &event).await?;
        if key.used_at.is_none_or(|at| now - at >= USED_EVERY) {
            ssh_key_used(&mut tx, &key.id, now).await?;
            user_active(&mut tx, &actor.user_id, now).await?;
        }
        if named {
            ssh_key_confirm(&mut tx, &key.id, now).await?;
        }
        tx.commit().await?;
        self.0.ssh_throttle.login_forgive(&short(name), address);
        tracing::info!(user = %actor.name, %address, ssh_key_id = %key.id, "signed in by SSH");
        Ok(self.ssh_caller(address, found))
    }

    /// Who it is, without a note: for one who is told to say more first.
    pub fn ssh_caller(&self, address: IpAddr, found: &SshKeyUser) -> Caller {
        let mut caller = Caller::anonymous(address, "");
        caller.actor = Some(found.actor.clone());
        caller.ssh_key_id = Some(found.key.id.clone());
        caller
    }

    /// Notes that a connection has ended, and what it was used for.
    pub async fn ssh_ended(&self, caller: &Caller, what: &str) {
        let Some(actor) = &caller.actor else {
            return;
        };
        tracing::info!(user = %actor.name, address = %caller.address, what, "an SSH connection has ended");
        let noted = async {
            let mut tx = self.0.db.write().await?;
            event_insert(&mut tx, &user_event("ssh_sign_out", actor).detail(what)).await?;
            tx.commit().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, "the end of an SSH connection could not be noted");
        }
    }
}

/// What is counted of a name: as much as a name can have.
fn short(name: &str) -> String {
    name.chars().take(80).collect()
}

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
        let account = throttled(name);
        self.0.throttle.login_wait(&account, address, clock::now())
    }

    /// Somebody had no key for that name.
    pub fn ssh_failed(&self, name: &str, address: IpAddr) {
        let account = throttled(name);
        self.0
            .throttle
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
        self.0.throttle.login_forgive(&throttled(name), address);
        tracing::info!(user = %actor.name, %address, ssh_key_id = %key.id, "signed in by SSH");
        let mut caller = Caller::anonymous(address, "");
        caller.actor = Some(actor.clone());
        caller.ssh_key_id = Some(key.id.clone());
        Ok(caller)
    }
}

/// A count of its own: who fails here does not slow down the same person's pages.
fn throttled(name: &str) -> String {
    let short: String = name.chars().take(80).collect();
    format!("\0ssh {short}")
}

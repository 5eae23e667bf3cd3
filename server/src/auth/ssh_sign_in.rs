//! Signing in by SSH: who may with a key, and that somebody did. That the key is theirs, the gateway
//! has found by its signature.

use std::{net::IpAddr, time::Duration};

use http::Method;

use super::{
    Auth, AuthError, Caller,
    login::{failure, failure_note, user_event},
};
use crate::{
    clock::{self, SECOND},
    db::{
        event::event_insert,
        ssh_key::{SshKeyUser, ssh_key_confirm, ssh_key_find, ssh_key_used},
        user::{user_active, user_get_by_name},
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
        // Beside the answer, which must not take longer for users who exist.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let auth = self.clone();
            runtime.spawn(async move { auth.ssh_failure_note(&account, address).await });
        }
    }

    /// Where the name is an account's, or says whose VM is meant: its owner sees it among their events.
    async fn ssh_failure_note(&self, name: &str, address: IpAddr) {
        let account = name.split_once('+').map_or(name, |(account, _)| account);
        match user_get_by_name(&self.0.db, account).await {
            Ok(Some(user)) => {
                let event = failure(&user, format!("by SSH, from {address}"));
                failure_note(&self.0.db, &event).await;
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a failed SSH sign-in could not be noted"),
        }
    }

    /// Counts what a user does by SSH with the calls of their programs, and waits while it is one too many.
    pub async fn ssh_turn(&self, user_id: &str, method: &Method) {
        while let Err(seconds) = self.0.rates.call(method, user_id) {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use uuid::Uuid;

    use super::*;
    use crate::{
        auth::testing::{Browser, auth_on},
        db::testing::each_db,
    };

    /// Longer than anything here takes on a machine that is busy.
    const PATIENCE: Duration = Duration::from_secs(20);
    /// Before the table is asked again, which is every four seconds.
    const AT_ONCE: Duration = Duration::from_secs(3);

    #[tokio::test]
    async fn who_does_too_much_at_once_waits_and_nobody_else() {
        each_db(async |db| {
            let auth = auth_on(db).await;
            let is_her_turn = |method: &Method| {
                let turn = auth.ssh_turn("ann", method);
                turn.now_or_never().is_some()
            };
            assert!((0..10_000).any(|_| !is_her_turn(&Method::POST)));
            assert!(is_her_turn(&Method::GET));
            let other = auth.ssh_turn("bob", &Method::POST).now_or_never();
            assert!(other.is_some());
            let waited = tokio::time::timeout(PATIENCE, auth.ssh_turn("ann", &Method::POST)).await;
            assert!(waited.is_ok(), "it is her turn again");
        })
        .await;
    }

    #[tokio::test]
    async fn what_is_open_ends_at_once_when_its_key_is_removed() {
        const KEYS: [&str; 2] = [
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIERF/2hogv7RNsw08L+0TZRm0AAHrvJXNdr7sZjvD+Vn",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC7MbK7RiQgEZf+Y2qdChCIJ5j1YMZwKcH7JDK/p3ylG",
        ];
        each_db(async |db| {
            let auth = auth_on(db).await;
            let browser = Browser::registered(&auth, "ann").await.caller().await;
            let mut open = Vec::new();
            for text in KEYS {
                let id = Uuid::now_v7().to_string();
                auth.ssh_key_add(&browser, &id, text, None).await.unwrap();
                let key = PublicKey::read(text).unwrap();
                let found = auth.ssh_key_users(&key, None).await.unwrap();
                open.push(auth.ssh_caller(browser.address, &found[0]));
            }
            let (mut first, mut second) = (auth.revocations(), auth.revocations());
            let quiet = tokio::time::timeout(Duration::from_millis(50), first.wait(&open[0])).await;
            assert!(quiet.is_err());
            let id = open[0].ssh_key_id.clone().unwrap();
            auth.ssh_key_delete(&browser, &id).await.unwrap();
            let ended = tokio::time::timeout(AT_ONCE, first.wait(&open[0])).await;
            assert!(ended.is_ok());
            let other =
                tokio::time::timeout(Duration::from_millis(50), second.wait(&open[1])).await;
            assert!(other.is_err(), "what the other key holds open goes on");
            let anew = tokio::time::timeout(AT_ONCE, auth.revocations().wait(&open[0])).await;
            assert!(anew.is_ok(), "nothing can be opened after the end");
        })
        .await;
    }
}

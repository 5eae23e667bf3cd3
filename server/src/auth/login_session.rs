//! Login sessions: staying signed in, signing out, and the places one is signed in.

use app::model::LoginSessionView;

use super::{
    Auth, AuthError, Caller, Revoked, device::device, expires_at, id, login::user_event, token,
};
use crate::{
    actor::Actor,
    clock::{self, SECOND},
    db::{
        Tx,
        event::event_insert,
        login_session::{
            LoginSession, SignedIn, login_session_active, login_session_delete,
            login_session_expire, login_session_find, login_session_insert, login_session_list,
            login_session_trim,
        },
        user::user_active,
    },
    secret::Secret,
};

/// Places a user may be signed in at once; the longest unused goes first.
const LOGIN_SESSIONS_MAX: i64 = 20;
/// How often it is noted that somebody is active.
const ACTIVE_EVERY: i64 = 60 * SECOND;
/// How often the cookie and its end are renewed while it is used.
const RENEW_EVERY: i64 = 24 * 3600 * SECOND;

impl Auth {
    /// Makes a login session in place of the one the caller had; answers its token and the ids of
    /// those that ended for it.
    pub(super) async fn login_session_begin(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        user_id: &str,
    ) -> Result<(Secret, Vec<String>), AuthError> {
        let token = token::token_new()?;
        let now = clock::now();
        let mut ended = Vec::new();
        if let (Some(old), Some(actor)) = (&caller.login_session_id, &caller.actor)
            && login_session_delete(tx, &actor.user_id, old).await?
        {
            ended.push(old.clone());
        }
        let session = LoginSession {
            id: id(),
            user_id: user_id.to_owned(),
            created_at: now,
            active_at: now,
            expires_at: expires_at(now),
            address: caller.address.to_string(),
            device: device(&caller.user_agent),
        };
        login_session_insert(tx, &session, &token::token_hash(&token)).await?;
        ended.extend(login_session_trim(tx, user_id, LOGIN_SESSIONS_MAX, now).await?);
        Ok((token, ended))
    }

    /// Gives the browser its cookie, once the commit is done.
    pub(super) fn signed_in(&self, caller: &Caller, token: &Secret, ended: Vec<String>) {
        if let Some(line) = token::cookie_set(token, caller.secure) {
            caller.cookie_add(line);
        }
        self.revoke_sessions(ended);
    }
    /// Finds out whose cookie it is, and makes them the caller. `page`: a person opened a page, so
    /// that a new cookie reaches the browser.
    pub(super) async fn resume(
        &self,
        caller: &mut Caller,
        token: &Secret,
        page: bool,
    ) -> Result<(), AuthError> {
        let now = clock::now();
        let Some(found) = login_session_find(&self.0.db, &token::token_hash(token), now).await?
        else {
            return Ok(());
        };
        if found.first_start && !caller.is_local() {
            tracing::warn!(address = %caller.address, "a cookie of the first start was refused: it is good on this machine only");
            return Ok(());
        }
        let renew = page && found.expires_at - expires_at(now) < -RENEW_EVERY;
        if renew && let Some(line) = token::cookie_set(token, caller.secure) {
            caller.cookie_add(line);
        }
        if renew || now - found.active_at >= ACTIVE_EVERY {
            self.note_active(&found, now, renew);
        }
        caller.login_session_id = Some(found.login_session_id);
        caller.must_change_password = found.must_change_password;
        caller.first_start = found.first_start;
        caller.actor = Some(found.actor);
        Ok(())
    }

    /// Notes that somebody is active, beside the request: it need not wait for the disk.
    fn note_active(&self, found: &SignedIn, now: i64, renew: bool) {
        let (session, user) = (found.login_session_id.clone(), found.actor.user_id.clone());
        let until = if renew {
            expires_at(now)
        } else {
            found.expires_at
        };
        let db = self.0.db.clone();
        self.0.notes.note(&found.login_session_id, async move {
            let mut tx = db.write().await?;
            // In the order of those who end a user's login sessions.
            user_active(&mut tx, &user, now).await?;
            login_session_active(&mut tx, &session, now, until).await?;
            tx.commit().await
        });
    }

    /// Signs the browser out. Nobody signed in is no error: that is what was wanted.
    pub async fn logout(&self, caller: &Caller) -> Result<(), AuthError> {
        if let Some(line) = token::cookie_clear(caller.secure) {
            caller.cookie_add(line);
        }
        let (Some(actor), Some(session)) = (&caller.actor, &caller.login_session_id) else {
            return Ok(());
        };
        match self.login_session_end(actor, session, "logout").await {
            Err(AuthError::NoLoginSession) => Ok(()),
            done => done,
        }
    }

    /// Where the caller is signed in, last used first.
    pub async fn login_session_list(
        &self,
        caller: &Caller,
    ) -> Result<Vec<LoginSessionView>, AuthError> {
        let actor = caller.require()?;
        let sessions = login_session_list(&self.0.db, &actor.user_id, clock::now()).await?;
        let view = |session: LoginSession| LoginSessionView {
            current: Some(&session.id) == caller.login_session_id.as_ref(),
            id: session.id,
            created_at: session.created_at,
            active_at: session.active_at,
            address: session.address,
            device: session.device,
        };
        Ok(sessions.into_iter().map(view).collect())
    }

    /// Ends one of the caller's login sessions; the present one too, which signs out.
    pub async fn login_session_delete(&self, caller: &Caller, id: &str) -> Result<(), AuthError> {
        let actor = caller.require()?;
        if caller.login_session_id.as_deref() == Some(id) {
            return self.logout(caller).await;
        }
        self.login_session_end(actor, id, "login_session_delete")
            .await
    }

    async fn login_session_end(
        &self,
        actor: &Actor,
        id: &str,
        kind: &'static str,
    ) -> Result<(), AuthError> {
        let mut tx = self.0.db.write().await?;
        if !login_session_delete(&mut tx, &actor.user_id, id).await? {
            return Err(AuthError::NoLoginSession);
        }
        event_insert(&mut tx, &user_event(kind, actor)).await?;
        tx.commit().await?;
        self.revoke(Revoked::LoginSession(id.to_owned()));
        Ok(())
    }

    /// Forgets login sessions that have expired.
    pub(super) async fn login_sessions_expire(&self) -> Result<(), AuthError> {
        let mut tx = self.0.db.write().await?;
        login_session_expire(&mut tx, clock::now()).await?;
        tx.commit().await?;
        Ok(())
    }
}

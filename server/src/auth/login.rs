//! Signing in, staying signed in, signing out.

use app::model::{LoginSessionView, Role, name_check};

use super::{Auth, AuthError, Caller, Revoked, device::device, expires_at, id, token};
use crate::{
    actor::Actor,
    clock::{self, SECOND},
    db::{
        Tx,
        event::{NewEvent, SubjectKind, event_insert},
        login_session::{
            LoginSession, SignedIn, login_session_active, login_session_address_known,
            login_session_delete, login_session_expire, login_session_find, login_session_insert,
            login_session_list, login_session_trim,
        },
        user::{User, user_active, user_get_by_name, user_password_hash, user_signed_in},
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
    /// Checks name and password and signs the browser in. A wrong name, a wrong password and a
    /// sign-in that is not allowed from there get the same answer after the same work.
    pub async fn login(
        &self,
        caller: &Caller,
        name: &str,
        password: &Secret,
    ) -> Result<Role, AuthError> {
        let name = typed_name(name);
        let user = self.login_user(&name).await?;
        let address = caller.address.to_string();
        let known = match &user {
            Some(user) => login_session_address_known(&self.0.db, &user.id, &address).await?,
            None => false,
        };
        let attempt = self
            .0
            .throttle
            .login(&name, caller.address, known, clock::now())
            .map_err(AuthError::TooMany)?;
        match self.login_checked(caller, user, password).await {
            Ok(role) => {
                attempt.succeeded();
                Ok(role)
            }
            Err(error @ (AuthError::Wrong | AuthError::Disabled)) => Err(error),
            Err(error) => {
                attempt.undone();
                Err(error)
            }
        }
    }

    /// The user a name may mean; what cannot be a name is nobody's.
    async fn login_user(&self, name: &str) -> Result<Option<User>, AuthError> {
        if name_check(name).is_err() {
            return Ok(None);
        }
        Ok(user_get_by_name(&self.0.db, name).await?)
    }

    async fn login_checked(
        &self,
        caller: &Caller,
        user: Option<User>,
        password: &Secret,
    ) -> Result<Role, AuthError> {
        let hash = match &user {
            Some(user) => user_password_hash(&self.0.db, &user.id).await?,
            None => None,
        };
        let fits = self.0.passwords.verify(password, hash.as_ref()).await?;
        let (Some(user), Some(hash)) = (user, hash) else {
            tracing::info!(address = %caller.address, "a sign-in failed: no such user");
            return Err(AuthError::Wrong);
        };
        if !fits {
            self.login_failed(caller, &user);
            return Err(AuthError::Wrong);
        }
        if user.first_start && !caller.is_local() {
            tracing::warn!(
                address = %caller.address, host = %caller.host, forwarded = caller.forwarded,
                "a sign-in with the password of the first start was refused: it is accepted only from this machine, by its loopback name, with no proxy in between"
            );
            return Err(AuthError::Wrong);
        }
        if user.disabled {
            tracing::info!(user = %user.name, "a sign-in was refused: the account is disabled");
            return Err(AuthError::Disabled);
        }
        self.login_commit(caller, &user, &hash).await?;
        Ok(user.role)
    }

    async fn login_commit(
        &self,
        caller: &Caller,
        user: &User,
        hash: &Secret,
    ) -> Result<(), AuthError> {
        let mut tx = self.0.db.write().await?;
        if !user_signed_in(&mut tx, &user.id, hash, clock::now()).await? {
            return Err(AuthError::Raced);
        }
        let actor = actor(user);
        let event = user_event("login", &actor).detail(device(&caller.user_agent));
        event_insert(&mut tx, &event).await?;
        let (token, ended) = self.login_session_begin(&mut tx, caller, &user.id).await?;
        tx.commit().await?;
        self.signed_in(caller, &token, ended);
        tracing::info!(user = %user.name, address = %caller.address, "signed in");
        Ok(())
    }

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

    /// Notes the failure where the user sees it. Beside the answer, which must not take longer for
    /// users who exist.
    fn login_failed(&self, caller: &Caller, user: &User) {
        tracing::info!(user = %user.name, address = %caller.address, "a sign-in failed: wrong password");
        let event = NewEvent::new(
            "login_failed",
            None,
            SubjectKind::User,
            &user.id,
            &user.name,
        )
        .owner(&user.id)
        .detail(format!(
            "{} at {}",
            device(&caller.user_agent),
            caller.address
        ))
        .failed();
        let db = self.0.db.clone();
        tokio::spawn(async move {
            let noted = async {
                let mut tx = db.write().await?;
                event_insert(&mut tx, &event).await?;
                tx.commit().await
            };
            if let Err(error) = noted.await {
                tracing::warn!(%error, "a failed sign-in could not be noted");
            }
        });
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
        tokio::spawn(async move {
            let noted = async {
                let mut tx = db.write().await?;
                login_session_active(&mut tx, &session, now, until).await?;
                user_active(&mut tx, &user, now).await?;
                tx.commit().await
            };
            if let Err(error) = noted.await {
                tracing::warn!(%error, "a user's activity could not be noted");
            }
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

/// An event about a user by that user.
pub(super) fn user_event(kind: &'static str, actor: &Actor) -> NewEvent {
    NewEvent::new(
        kind,
        Some(actor),
        SubjectKind::User,
        &actor.user_id,
        &actor.name,
    )
    .owner(&actor.user_id)
}

pub(super) fn actor(user: &User) -> Actor {
    Actor {
        user_id: user.id.clone(),
        name: user.name.clone(),
        role: user.role,
    }
}

/// A name as it was meant: phones begin with a capital letter and end with a space.
pub(super) fn typed_name(name: &str) -> String {
    name.trim().to_lowercase()
}

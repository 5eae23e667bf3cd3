//! Signing in.

use app::model::{Role, name_check};

use super::{Auth, AuthError, Caller, device::device};
use crate::{
    actor::Actor,
    clock,
    db::{
        Db,
        event::{NewEvent, SubjectKind, event_insert},
        login_session::login_session_address_known,
        user::{User, user_get_by_name, user_password_hash, user_signed_in},
    },
    secret::Secret,
};

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
    pub(super) async fn login_user(&self, name: &str) -> Result<Option<User>, AuthError> {
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

    /// Notes the failure where the user sees it. Beside the answer, which must not take longer for
    /// users who exist.
    pub(super) fn login_failed(&self, caller: &Caller, user: &User) {
        tracing::info!(user = %user.name, address = %caller.address, "a sign-in failed: wrong password");
        let what = format!("{} at {}", device(&caller.user_agent), caller.address);
        let (db, event) = (self.0.db.clone(), failure(user, what));
        tokio::spawn(async move { failure_note(&db, &event).await });
    }
}

/// Somebody failed to sign in as this user, in this way.
pub(super) fn failure(user: &User, what: String) -> NewEvent {
    let kind = SubjectKind::User;
    NewEvent::new("login_failed", None, kind, &user.id, &user.name)
        .owner(&user.id)
        .detail(what)
        .failed()
}

/// Writes the event in a transaction of its own. That it could not be is only logged: the sign-in has failed
/// anyway.
pub(super) async fn failure_note(db: &Db, event: &NewEvent) {
    let noted = async {
        let mut tx = db.write().await?;
        event_insert(&mut tx, event).await?;
        tx.commit().await
    };
    if let Err(error) = noted.await {
        tracing::warn!(%error, "a failed sign-in could not be noted");
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

/// The user as who acts, for events and for control.
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

//! One's own account: made, given another password, deleted.

use app::model::{Registration, Role, name_check, name_is_reserved};

use super::{
    Auth, AuthError, Caller, Revoked, id,
    login::{typed_name, user_event},
    token,
    user::still_an_admin,
};
use crate::{
    actor::Actor,
    clock,
    db::{
        DbError,
        event::event_insert,
        login_session::{login_session_delete_all, login_session_rotate},
        user::{
            NewUser, User, user_delete, user_get, user_get_in, user_insert, user_name_taken,
            user_password_hash, user_password_set, user_purge,
        },
        vm::vm_delete_by_owner,
    },
    secret::Secret,
};

impl Auth {
    /// Makes an account and signs its owner in.
    pub async fn account_create(
        &self,
        caller: &Caller,
        name: &str,
        password: &Secret,
        invite: Option<&str>,
    ) -> Result<(), AuthError> {
        self.registration_check(caller, invite)?;
        let name = typed_name(name);
        self.name_free(&name).await?;
        self.0.passwords.check(&name, password).await?;
        self.0
            .throttle
            .register(caller.address, clock::now())
            .map_err(AuthError::TooMany)?;
        let password_hash = self.0.passwords.hash(password).await?;
        self.account_commit(caller, &self.new_user(&name, Role::Member, password_hash))
            .await
    }

    /// Whether this caller may register. Wrong codes of an address are counted.
    fn registration_check(&self, caller: &Caller, invite: Option<&str>) -> Result<(), AuthError> {
        match self.config().registration {
            Registration::Open => Ok(()),
            Registration::Closed => Err(AuthError::RegistrationClosed),
            Registration::Invite => {
                let code = self.config().invite_code.clone().unwrap_or_default();
                let typed = invite.unwrap_or_default().trim();
                let is_right = !typed.is_empty() && code.is(typed);
                self.0
                    .throttle
                    .invite(caller.address, is_right, clock::now())
                    .map_err(AuthError::TooMany)?;
                if !is_right {
                    return Err(AuthError::InviteWrong);
                }
                Ok(())
            }
        }
    }

    /// Whether an account of that name could be made.
    pub(super) async fn name_free(&self, name: &str) -> Result<(), AuthError> {
        name_check(name).map_err(AuthError::Name)?;
        if name_is_reserved(name) || user_name_taken(&self.0.db, name).await? {
            return Err(AuthError::NameTaken(name.to_owned()));
        }
        Ok(())
    }

    /// An account with the configured quota whose password is the user's own choice.
    pub(super) fn new_user(&self, name: &str, role: Role, password_hash: Secret) -> NewUser {
        NewUser {
            id: id(),
            name: name.to_owned(),
            role,
            password_hash,
            must_change_password: false,
            first_start: false,
            quota: self.quota(),
            created_at: clock::now(),
        }
    }

    /// Whoever commits first has the name.
    async fn account_commit(&self, caller: &Caller, user: &NewUser) -> Result<(), AuthError> {
        let mut tx = self.0.db.write().await?;
        user_insert(&mut tx, user)
            .await
            .map_err(|error| taken(error, &user.name))?;
        let actor = Actor {
            user_id: user.id.clone(),
            name: user.name.clone(),
            role: user.role,
        };
        event_insert(&mut tx, &user_event("account_create", &actor)).await?;
        let (token, ended) = self.login_session_begin(&mut tx, caller, &user.id).await?;
        tx.commit()
            .await
            .map_err(|error| taken(error, &user.name))?;
        self.signed_in(caller, &token, ended);
        tracing::info!(user = %user.name, address = %caller.address, "an account was made");
        Ok(())
    }

    /// Gives the caller another password and ends their other login sessions. This one goes on
    /// under another token.
    pub async fn password_change(
        &self,
        caller: &Caller,
        current: &Secret,
        new: &Secret,
    ) -> Result<(), AuthError> {
        let actor = caller.require_signed_in()?;
        let old = self.current_check(caller, actor, current).await?;
        if new.is(current.expose()) {
            return Err(AuthError::PasswordSame);
        }
        self.0.passwords.check(&actor.name, new).await?;
        let hash = self.0.passwords.hash(new).await?;
        self.password_commit(caller, actor, &old, &hash).await
    }

    /// The hash that the typed password fits.
    async fn current_check(
        &self,
        caller: &Caller,
        actor: &Actor,
        current: &Secret,
    ) -> Result<Secret, AuthError> {
        let attempt = self
            .0
            .throttle
            .login(&actor.name, caller.address, true, clock::now())
            .map_err(AuthError::TooMany)?;
        let checked = async {
            let hash = user_password_hash(&self.0.db, &actor.user_id)
                .await?
                .ok_or(AuthError::Raced)?;
            Ok((self.0.passwords.verify(current, Some(&hash)).await?, hash))
        };
        match checked.await {
            Ok((true, hash)) => {
                attempt.succeeded();
                Ok(hash)
            }
            Ok((false, _)) => Err(AuthError::CurrentWrong),
            Err(error) => {
                attempt.undone();
                Err(error)
            }
        }
    }

    async fn password_commit(
        &self,
        caller: &Caller,
        actor: &Actor,
        old: &Secret,
        new: &Secret,
    ) -> Result<(), AuthError> {
        let session = caller.login_session_id.as_deref().ok_or(AuthError::Raced)?;
        let token = token::token_new()?;
        let mut tx = self.0.db.write().await?;
        if !user_password_set(&mut tx, &actor.user_id, Some(old), new, false).await?
            || !login_session_rotate(&mut tx, session, &token::token_hash(&token)).await?
        {
            return Err(AuthError::Raced);
        }
        let ended = login_session_delete_all(&mut tx, &actor.user_id, Some(session)).await?;
        event_insert(&mut tx, &user_event("password_change", actor)).await?;
        tx.commit().await?;
        self.signed_in(caller, &token, ended);
        tracing::info!(user = %actor.name, "a password was changed");
        Ok(())
    }

    /// Deletes the caller's account with all its VMs; `confirm` must be YES. Answers the ids of the
    /// nodes that have VMs to remove now: wake their reconcilers.
    pub async fn account_delete(
        &self,
        caller: &Caller,
        confirm: &str,
    ) -> Result<Vec<String>, AuthError> {
        let actor = caller.require()?;
        if confirm.trim() != "YES" {
            return Err(AuthError::Unconfirmed);
        }
        let mut tx = self.0.db.write_exclusive().await?;
        let user = user_get_in(&mut tx, &actor.name)
            .await?
            .ok_or(AuthError::Raced)?;
        still_an_admin(&mut tx, &user).await?;
        if !user_delete(&mut tx, &actor.user_id, clock::now()).await? {
            return Err(AuthError::Raced);
        }
        login_session_delete_all(&mut tx, &actor.user_id, None).await?;
        let nodes = vm_delete_by_owner(&mut tx, &actor.user_id, Some(actor)).await?;
        event_insert(&mut tx, &user_event("account_delete", actor)).await?;
        user_purge(&mut tx, &actor.user_id).await?;
        tx.commit().await?;
        self.revoke(Revoked::User(actor.user_id.clone()));
        if let Some(line) = token::cookie_clear(caller.secure) {
            caller.cookie_add(line);
        }
        tracing::info!(user = %actor.name, "an account was deleted");
        Ok(nodes)
    }

    /// The caller with what they use; None for nobody.
    pub async fn viewer(&self, caller: &Caller) -> Result<Option<User>, AuthError> {
        let Some(asking) = &caller.actor else {
            return Ok(None);
        };
        Ok(user_get(&self.0.db, &asking.user_id).await?)
    }
}

/// The name's constraint said no: somebody was faster.
pub(super) fn taken(error: DbError, name: &str) -> AuthError {
    if error.is_taken("users_name_key", "users.name") {
        AuthError::NameTaken(name.to_owned())
    } else {
        error.into()
    }
}

//! An account that an admin makes for somebody else, also where nobody can register.

use app::model::{Role, UserCreated};

use super::{
    Auth, AuthError, Caller,
    account::taken,
    password::one_time_password,
    user::{event, user_found, view},
};
use crate::{
    actor::Actor,
    db::{
        event::event_insert,
        user::{NewUser, User, user_get, user_insert},
    },
};

impl Auth {
    /// Makes a member with the configured quota and a one-time password, to be shown once. `id` is
    /// chosen by who asks (UUIDv7), so that a repeat makes no other: [`AuthError::UserMade`].
    pub async fn user_create(
        &self,
        caller: &Caller,
        id: &str,
        name: &str,
    ) -> Result<UserCreated, AuthError> {
        let admin = caller.require_admin()?;
        if user_get(&self.0.db, id).await?.is_some() {
            return Err(AuthError::UserMade);
        }
        self.name_free(name).await?;
        let password = one_time_password()?;
        let hash = self.0.passwords.hash(&password).await?;
        let mut user = self.new_user(name, Role::Member, hash);
        user.id = id.to_owned();
        user.must_change_password = true;
        let made = self.user_commit(admin, &user).await?;
        Ok(UserCreated {
            user: view(made, admin),
            password: password.expose().to_owned(),
        })
    }

    /// Whoever commits first has the name. What was made is read before the commit: whatever fails
    /// after it would lose the password.
    async fn user_commit(&self, admin: &Actor, user: &NewUser) -> Result<User, AuthError> {
        let mut tx = self.write_as(admin).await?;
        user_insert(&mut tx, user)
            .await
            .map_err(|error| taken(error, &user.name))?;
        let made = user_found(&mut tx, &user.name).await?;
        event_insert(&mut tx, &event("user_create", admin, &made)).await?;
        tx.commit()
            .await
            .map_err(|error| taken(error, &user.name))?;
        tracing::info!(user = %made.name, admin = %admin.name, "an admin made an account");
        Ok(made)
    }
}

//! The first admin: with the password of the configuration, or admin/admin until it is changed.

use app::model::Role;

use super::{Auth, AuthError, password::one_time_password};
use crate::{
    db::{
        event::{NewEvent, SubjectKind, event_insert},
        login_session::login_session_delete_all,
        user::{
            User, user_count, user_disabled_set, user_first_start, user_get_in, user_insert,
            user_password_set,
        },
    },
    secret::Secret,
};

/// The first admin's name, and the password it has where none is configured.
pub const ADMIN: &str = "admin";

impl Auth {
    /// Makes the first admin where there is no user, and gives a waiting one the configured
    /// password. Any other time the configured password means nothing.
    pub(super) async fn first_start(&self) -> Result<(), AuthError> {
        let configured = self.config().admin_password.clone();
        if let Some(waiting) = user_first_start(&self.0.db).await? {
            return match configured {
                Some(password) => self.admin_take(&waiting, &password).await,
                None => Ok(()),
            };
        }
        self.admin_make(configured).await
    }

    async fn admin_make(&self, configured: Option<Secret>) -> Result<(), AuthError> {
        let mut tx = self.0.db.write_exclusive().await?;
        if user_count(&mut tx).await? > 0 {
            return Ok(());
        }
        let first_start = configured.is_none();
        let hash = match &configured {
            Some(password) => self.admin_hash(password).await?,
            None => self.0.passwords.hash(&Secret::new(ADMIN)).await?,
        };
        let mut user = self.new_user(ADMIN, Role::Admin, hash);
        user.first_start = first_start;
        user.must_change_password = first_start;
        user_insert(&mut tx, &user).await?;
        let event = NewEvent::new("account_create", None, SubjectKind::User, &user.id, ADMIN);
        event_insert(&mut tx, &event.owner(&user.id)).await?;
        tx.commit().await?;
        tracing::info!(first_start, "the first admin was made");
        Ok(())
    }

    /// Gives the waiting first admin the configured password.
    async fn admin_take(&self, user: &User, password: &Secret) -> Result<(), AuthError> {
        let hash = self.admin_hash(password).await?;
        let mut tx = self.0.db.write().await?;
        user_password_set(&mut tx, &user.id, None, &hash, false).await?;
        login_session_delete_all(&mut tx, &user.id, None).await?;
        let event = NewEvent::new(
            "password_change",
            None,
            SubjectKind::User,
            &user.id,
            &user.name,
        );
        event_insert(&mut tx, &event.owner(&user.id)).await?;
        tx.commit().await?;
        tracing::info!("the first admin has the configured password now");
        Ok(())
    }

    async fn admin_hash(&self, password: &Secret) -> Result<Secret, AuthError> {
        self.0
            .passwords
            .check(ADMIN, password)
            .await
            .map_err(|error| match error {
                AuthError::PasswordWeak(words) => AuthError::AdminPassword(words),
                other => other,
            })?;
        self.0.passwords.hash(password).await
    }

    /// For whoever has the host: gives a user a one-time password, and access again if it was
    /// disabled. Works beside a running server, whose sockets end within 5 s.
    pub async fn user_password_reset_on_host(&self, name: &str) -> Result<String, AuthError> {
        let password = one_time_password()?;
        let hash = self.0.passwords.hash(&password).await?;
        let mut tx = self.0.db.write_exclusive().await?;
        let user = user_get_in(&mut tx, name)
            .await?
            .ok_or_else(|| AuthError::NoUser(name.to_owned()))?;
        user_password_set(&mut tx, &user.id, None, &hash, true).await?;
        user_disabled_set(&mut tx, &user.id, false).await?;
        login_session_delete_all(&mut tx, &user.id, None).await?;
        let event = NewEvent::new(
            "user_password_reset",
            None,
            SubjectKind::User,
            &user.id,
            &user.name,
        );
        event_insert(&mut tx, &event.owner(&user.id)).await?;
        tx.commit().await?;
        Ok(password.expose().to_owned())
    }
}

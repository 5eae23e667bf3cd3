//! Name and password with every request, as old scripts send them. Hashing takes longer than the
//! calls themselves, so a password that fitted is remembered for a minute.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use tokio::sync::OwnedMutexGuard;

use super::{
    Auth, AuthError, Caller, api_token,
    login::{actor, typed_name},
    token,
};
use crate::{
    clock,
    db::{
        login_session::login_session_address_known,
        user::{User, user_password_hash},
    },
    secret::Secret,
};

/// How long a password that fitted is not hashed again.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Passwords that are remembered at once.
const REMEMBERED_MAX: usize = 1_000;

/// Passwords that fitted a while ago, by the SHA-256 of stored hash and password: once another
/// password is stored, none of them is found any more.
#[derive(Default)]
pub struct Remembered {
    known: Mutex<HashMap<String, Instant>>,
    /// Passwords that are being hashed: who comes with the same one waits for the outcome, instead of
    /// being an attempt of its own for the throttle to count.
    checking: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Remembered {
    fn key(hash: &Secret, password: &Secret) -> String {
        let both = Secret::new(format!("{}\0{}", hash.expose(), password.expose()));
        token::token_hash(&both).expose().to_owned()
    }

    /// Waits until nobody else checks this password.
    async fn turn(&self, key: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut checking = self.checking.lock().unwrap_or_else(PoisonError::into_inner);
            checking.retain(|_, turn| turn.strong_count() > 0);
            let turn = checking
                .get(key)
                .and_then(Weak::upgrade)
                .unwrap_or_default();
            checking.insert(key.to_owned(), Arc::downgrade(&turn));
            turn
        };
        turn.lock_owned().await
    }

    fn knows(&self, key: &str) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).is_some_and(|at| at.elapsed() < REMEMBERED)
    }

    fn add(&self, key: String) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED_MAX {
            known.retain(|_, at| at.elapsed() < REMEMBERED);
        }
        if known.len() < REMEMBERED_MAX {
            known.insert(key, Instant::now());
        }
    }
}

impl Auth {
    /// Makes the user the caller, when the password or the token is theirs. The password of the
    /// first start is never taken.
    pub(super) async fn basic_resume(
        &self,
        caller: &mut Caller,
        name: &str,
        secret: &Secret,
    ) -> Result<(), AuthError> {
        let name = typed_name(name);
        if secret.expose().starts_with(api_token::PREFIX) {
            let mut holder = caller.clone();
            self.token_resume(&mut holder, secret).await?;
            if holder.actor.as_ref().is_none_or(|actor| actor.name != name) {
                return Err(AuthError::Wrong);
            }
            *caller = holder;
            return Ok(());
        }
        let user = self.password_user(caller, &name, secret).await?;
        caller.must_change_password = user.must_change_password;
        caller.actor = Some(actor(&user));
        Ok(())
    }

    /// The user whose name and password these are.
    async fn password_user(
        &self,
        caller: &Caller,
        name: &str,
        password: &Secret,
    ) -> Result<User, AuthError> {
        let user = self.login_user(name).await?;
        let hash = match &user {
            Some(user) => user_password_hash(&self.0.db, &user.id).await?,
            None => None,
        };
        let Some(hash) = hash else {
            // Takes as long as for a user that there is.
            self.password_fits(caller, name, user.as_ref(), password, None)
                .await?;
            return Err(AuthError::Wrong);
        };
        let key = Remembered::key(&hash, password);
        if !self.0.remembered.knows(&key) {
            let _turn = self.0.remembered.turn(&key).await;
            if !self.0.remembered.knows(&key) {
                self.password_fits(caller, name, user.as_ref(), password, Some(&hash))
                    .await?;
                self.0.remembered.add(key);
            }
        }
        user.filter(|user| !user.first_start && !user.disabled)
            .ok_or(AuthError::Wrong)
    }

    /// Hashes and compares; failures count like those of the sign-in page.
    async fn password_fits(
        &self,
        caller: &Caller,
        name: &str,
        user: Option<&User>,
        password: &Secret,
        hash: Option<&Secret>,
    ) -> Result<(), AuthError> {
        let address = caller.address.to_string();
        let known = match user {
            Some(user) => login_session_address_known(&self.0.db, &user.id, &address).await?,
            None => false,
        };
        let attempt = self
            .0
            .throttle
            .login(name, caller.address, known, clock::now())
            .map_err(AuthError::TooMany)?;
        match self.0.passwords.verify(password, hash).await {
            Ok(true) => {
                attempt.succeeded();
                Ok(())
            }
            Ok(false) => {
                if let Some(user) = user {
                    self.login_failed(caller, user);
                }
                Err(AuthError::Wrong)
            }
            Err(error) => {
                attempt.undone();
                Err(error)
            }
        }
    }
}

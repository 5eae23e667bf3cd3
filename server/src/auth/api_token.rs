//! API tokens: made, listed, revoked, and found out whose they are.

use super::{Auth, AuthError, Caller, Revoked, TokenUse, login::user_event, token};
use crate::{
    clock::{self, SECOND},
    db::{
        event::event_insert,
        token::{
            TokenRow, TokenUser, token_count, token_delete, token_find, token_insert, token_list,
            token_used,
        },
        user::user_active,
    },
    scope::Scopes,
    secret::Secret,
};

/// What every secret begins with, so that people and scanners know one when they see it.
pub const PREFIX: &str = server_api::token::TOKEN_PREFIX;
/// Tokens a user may have.
const TOKENS_MAX: i64 = 100;
/// How often it is noted that a token is used.
const USED_EVERY: i64 = 60 * SECOND;
const DAY: i64 = 24 * 3600 * SECOND;

impl Auth {
    /// Makes a token for the caller; answers it with its secret, which is nowhere to be had again. `id` is
    /// chosen by who asks (UUIDv7), so that a repeat makes no other ([`DbError::is_made`]); `days` None: it
    /// does not end by itself.
    ///
    /// [`DbError::is_made`]: crate::db::DbError::is_made
    pub async fn token_create(
        &self,
        caller: &Caller,
        id: &str,
        name: &str,
        scopes: Scopes,
        days: Option<u32>,
    ) -> Result<(TokenRow, Secret), AuthError> {
        let actor = caller.require()?;
        let now = clock::now();
        let row = TokenRow {
            id: id.to_owned(),
            user_id: actor.user_id.clone(),
            name: checked_name(name)?,
            scopes: checked_scopes(caller, scopes)?,
            created_at: now,
            expires_at: ends(caller, checked_days(days)?.map(|days| now + days * DAY)),
            used_at: None,
        };
        let secret = Secret::new(format!("{PREFIX}{}", token::token_new()?.expose()));
        let mut tx = self.write_as(actor).await?;
        if token_count(&mut tx, &actor.user_id).await? >= TOKENS_MAX {
            return Err(AuthError::TokensMax(TOKENS_MAX));
        }
        token_insert(&mut tx, &row, &token::token_hash(&secret)).await?;
        let detail = format!("{}: {}", row.name, row.scopes.words());
        event_insert(&mut tx, &user_event("token_create", actor).detail(detail)).await?;
        tx.commit().await?;
        tracing::info!(user = %actor.name, token_id = %row.id, "an API token was made");
        Ok((row, secret))
    }

    /// The caller's tokens, newest first.
    pub async fn token_list(&self, caller: &Caller) -> Result<Vec<TokenRow>, AuthError> {
        let actor = caller.require()?;
        Ok(token_list(&self.0.db, &actor.user_id).await?)
    }

    /// Revokes one of the caller's tokens; what is open under it ends within 5 s.
    pub async fn token_delete(&self, caller: &Caller, id: &str) -> Result<(), AuthError> {
        let actor = caller.require()?;
        let mut tx = self.0.db.write().await?;
        let name = token_delete(&mut tx, &actor.user_id, id).await?;
        let name = name.ok_or(AuthError::NoToken)?;
        event_insert(&mut tx, &user_event("token_delete", actor).detail(name)).await?;
        tx.commit().await?;
        self.revoke(Revoked::Token(id.to_owned()));
        Ok(())
    }

    /// Makes the token's user the caller.
    pub(super) async fn token_resume(
        &self,
        caller: &mut Caller,
        secret: &Secret,
    ) -> Result<(), AuthError> {
        let now = clock::now();
        let plausible = secret.expose().starts_with(PREFIX) && secret.expose().len() == 68;
        let found = match plausible {
            true => token_find(&self.0.db, &token::token_hash(secret), now).await?,
            false => None,
        };
        let found = found.ok_or(AuthError::TokenInvalid)?;
        if found.token.used_at.is_none_or(|at| now - at >= USED_EVERY) {
            self.note_used(&found, now);
        }
        caller.must_change_password = found.must_change_password;
        caller.token = Some(TokenUse {
            id: found.token.id,
            scopes: found.token.scopes,
            expires_at: found.token.expires_at,
        });
        caller.actor = Some(found.actor);
        Ok(())
    }

    /// Notes the use beside the request: it need not wait for the disk.
    fn note_used(&self, found: &TokenUser, now: i64) {
        let (token, user) = (found.token.id.clone(), found.actor.user_id.clone());
        let db = self.0.db.clone();
        self.0.notes.note(&found.token.id, async move {
            let mut tx = db.write().await?;
            token_used(&mut tx, &token, now).await?;
            user_active(&mut tx, &user, now).await?;
            tx.commit().await
        });
    }
}

fn checked_name(name: &str) -> Result<String, AuthError> {
    let name = name.trim();
    let fits = (1..=server_api::token::TOKEN_NAME_MAX).contains(&name.chars().count());
    if fits && !name.chars().any(char::is_control) {
        Ok(name.to_owned())
    } else {
        Err(AuthError::TokenName)
    }
}

/// What a token makes ends with it at the latest.
fn ends(caller: &Caller, wanted: Option<i64>) -> Option<i64> {
    let own = caller.token.as_ref().and_then(|token| token.expires_at);
    [wanted, own].into_iter().flatten().min()
}

/// Not none, and not more than the caller has.
fn checked_scopes(caller: &Caller, scopes: Scopes) -> Result<Scopes, AuthError> {
    if scopes == Scopes::default() {
        return Err(AuthError::TokenScopes(
            "A token needs at least one scope: read, write or admin.".into(),
        ));
    }
    let is_admin = caller.actor.as_ref().is_some_and(|actor| actor.is_admin());
    let mut own = caller
        .token
        .as_ref()
        .map_or(Scopes::ALL, |token| token.scopes);
    own.admin &= is_admin;
    if scopes.within(own) {
        return Ok(scopes);
    }
    Err(AuthError::TokenScopes(format!(
        "A token cannot have more scopes than what makes it; these are: {}.",
        own.words()
    )))
}

fn checked_days(days: Option<u32>) -> Result<Option<i64>, AuthError> {
    match days {
        Some(days) if !(1..=server_api::token::TOKEN_DAYS_MAX).contains(&days) => {
            Err(AuthError::TokenDays)
        }
        days => Ok(days.map(i64::from)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_a_token_made_ends_with_it_at_the_latest() {
        let with = |expires_at| {
            let mut caller = Caller::default();
            caller.token = Some(TokenUse {
                id: "t".into(),
                scopes: Scopes::ALL,
                expires_at,
            });
            caller
        };
        assert_eq!(ends(&with(Some(10)), None), Some(10));
        assert_eq!(ends(&with(Some(10)), Some(20)), Some(10));
        assert_eq!(ends(&with(Some(10)), Some(5)), Some(5));
        assert_eq!(ends(&with(None), Some(5)), Some(5));
        assert_eq!(ends(&Caller::default(), None), None);
    }
}

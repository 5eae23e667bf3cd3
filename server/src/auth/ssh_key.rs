//! SSH keys of users: added, listed, removed.

mod error;

pub use error::SshKeyError;

use super::{Auth, AuthError, Caller, Revoked, login::user_event};
use crate::{
    clock,
    db::{
        event::event_insert,
        ssh_key::{SshKeyRow, ssh_key_delete, ssh_key_insert, ssh_key_list, ssh_key_list_in},
    },
    public_key::{self, PublicKey},
};

/// Keys a user may have.
const KEYS_MAX: usize = 20;

impl Auth {
    /// The caller's SSH keys, newest first.
    pub async fn ssh_key_list(&self, caller: &Caller) -> Result<Vec<SshKeyRow>, AuthError> {
        let actor = caller.require()?;
        Ok(ssh_key_list(&self.0.db, &actor.user_id).await?)
    }

    /// Lets the caller sign in by SSH with the key whose public half this is. `id` is chosen by who
    /// asks (UUIDv7), so that a repeat is harmless; `comment` None: the one behind the key.
    pub async fn ssh_key_add(
        &self,
        caller: &Caller,
        id: &str,
        text: &str,
        comment: Option<&str>,
    ) -> Result<SshKeyRow, AuthError> {
        let actor = caller.require()?;
        let key = PublicKey::read(text).map_err(SshKeyError::Unusable)?;
        let row = SshKeyRow {
            id: id.to_owned(),
            user_id: actor.user_id.clone(),
            fingerprint: key.fingerprint,
            public_key: key.text,
            comment: comment.map_or(key.comment, public_key::comment),
            created_at: clock::now(),
            used_at: None,
            confirmed_at: None,
        };
        let mut tx = self.write_as(actor).await?;
        let own = ssh_key_list_in(&mut tx, &actor.user_id).await?;
        if let Some(same) = own.iter().find(|own| own.fingerprint == row.fingerprint) {
            return match same.id == row.id {
                true => Ok(same.clone()),
                false => Err(SshKeyError::Taken.into()),
            };
        }
        if own.len() >= KEYS_MAX {
            return Err(SshKeyError::TooMany(KEYS_MAX).into());
        }
        ssh_key_insert(&mut tx, &row).await?;
        let event = user_event("ssh_key_add", actor).detail(words(&row));
        event_insert(&mut tx, &event).await?;
        tx.commit().await?;
        tracing::info!(user = %actor.name, ssh_key_id = %row.id, "an SSH key was added");
        Ok(row)
    }

    /// Removes one of the caller's SSH keys; connections that were made with it end within 5 s.
    pub async fn ssh_key_delete(&self, caller: &Caller, id: &str) -> Result<(), AuthError> {
        let actor = caller.require()?;
        let mut tx = self.0.db.write().await?;
        let row = ssh_key_delete(&mut tx, &actor.user_id, id).await?;
        let row = row.ok_or(SshKeyError::Missing)?;
        let event = user_event("ssh_key_delete", actor).detail(words(&row));
        event_insert(&mut tx, &event).await?;
        tx.commit().await?;
        self.revoke(Revoked::SshKey(row.id));
        Ok(())
    }
}

/// What people know a key by.
fn words(row: &SshKeyRow) -> String {
    match row.comment.as_str() {
        "" => row.fingerprint.clone(),
        comment => format!("{comment}, {}", row.fingerprint),
    }
}

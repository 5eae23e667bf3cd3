//! What can go wrong with SSH keys, and the words for it.

use app::model::{AppError, ErrorKind};

use crate::public_key::PublicKeyError;

/// Why a key was not added or removed.
#[derive(Debug, thiserror::Error)]
pub enum SshKeyError {
    /// The words of its source are for who pasted it.
    #[error("the key cannot be used: {0}")]
    Unusable(#[source] PublicKeyError),
    #[error("the user has the key already")]
    Taken,
    /// As many as a user may have.
    #[error("the user has {0} SSH keys")]
    TooMany(usize),
    /// It was removed already, or is another user's: one answer.
    #[error("there is no such SSH key")]
    Missing,
}

impl SshKeyError {
    /// What the caller sees, with the field and a code that docs/api.md lists.
    pub(in crate::auth) fn answer(&self) -> AppError {
        use ErrorKind::{Conflict, Invalid, NotFound};
        match self {
            Self::Unusable(error) => {
                AppError::new(Invalid, code(error), error.to_string()).at("public_key")
            }
            Self::Taken => {
                let words = "You have added this key already.";
                AppError::new(Conflict, "ssh_key_taken", words).at("public_key")
            }
            Self::TooMany(max) => {
                let words =
                    format!("You have {max} SSH keys. Remove one that is not used any more.");
                AppError::new(Conflict, "ssh_keys_max", words)
            }
            Self::Missing => {
                let words = "This SSH key is not there, or was removed already.";
                AppError::new(NotFound, "not_found", words)
            }
        }
    }
}

/// A private key has a code of its own: a program that sent one should say so loudly.
fn code(error: &PublicKeyError) -> &'static str {
    match error {
        PublicKeyError::Private => "ssh_key_private",
        PublicKeyError::Dsa | PublicKeyError::RsaBits(_) => "ssh_key_weak",
        _ => "ssh_key_invalid",
    }
}

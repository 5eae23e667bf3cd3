//! What can go wrong with an account, and the words for it.

use app::model::{AppError, CHANGED, ErrorKind};

use super::{Caller, SshKeyError};
use crate::db::DbError;

/// A request about accounts, sign-ins or credentials that was refused, or failed by a fault of ours.
/// [`AuthError::answer`] makes of it what the caller sees.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Wrong name, wrong password, or not from here: one answer, so that it tells nothing.
    #[error("the name or the password is wrong")]
    Wrong,
    /// It is asked for where another one is chosen, and counts as a failed sign-in.
    #[error("the current password is wrong")]
    CurrentWrong,
    /// From the throttle: how many seconds until the next attempt is let through.
    #[error("too many failed attempts; {0} s to wait")]
    TooMany(u64),
    /// A user's programs call more often than they may: how many seconds until the next call is taken.
    #[error("too many calls; {0} s to wait")]
    RateLimited(u64),
    /// Said only to who had the right password.
    #[error("the account is disabled")]
    Disabled,
    /// The text says which rule the name breaks.
    #[error("{0}")]
    Name(String),
    /// By an account, by a deleted one whose VMs are not gone yet, or because it is reserved.
    #[error("the name {0} is taken")]
    NameTaken(String),
    /// The text says what is wrong with it.
    #[error("{0}")]
    PasswordWeak(String),
    #[error("the new password is the old one")]
    PasswordSame,
    #[error("registration is closed")]
    RegistrationClosed,
    /// Counted: wrong codes of one address are throttled.
    #[error("the invite code is wrong")]
    InviteWrong,
    /// An account is deleted only where YES was typed.
    #[error("not confirmed")]
    Unconfirmed,
    /// The change would leave nobody who may do what admins do.
    #[error("{0} is the last admin")]
    LastAdmin(String),
    /// The caller had seen another version.
    #[error("{0} has been changed meanwhile")]
    Changed(String),
    #[error("there is no user named {0}")]
    NoUser(String),
    /// A try before this one has made the user of that id; the password was told then.
    #[error("the user was made before")]
    UserMade,
    /// It has ended already, or is another user's: one answer.
    #[error("there is no such login session")]
    NoLoginSession,
    /// Unknown, expired, revoked, or its user is disabled: one answer.
    #[error("the token is not good")]
    TokenInvalid,
    /// The Authorization header is garbled, or of a kind that is not taken at that path.
    #[error("the credentials cannot be read")]
    CredentialUnreadable,
    /// Carries the scopes that the request needs, in words.
    #[error("the token lacks the scopes: {0}")]
    ScopeMissing(String),
    /// It was revoked already, or is another user's: one answer.
    #[error("there is no such token")]
    NoToken,
    /// It has 1 to 64 characters, none of them a control character.
    #[error("the token's name breaks the rule")]
    TokenName,
    /// None, or more than what makes the token has; the text says which.
    #[error("{0}")]
    TokenScopes(String),
    /// A token lasts 1 to 3650 days, where it ends at all.
    #[error("the token's days are out of range")]
    TokenDays,
    /// As many as a user may have.
    #[error("the user has {0} tokens")]
    TokensMax(i64),
    #[error(transparent)]
    SshKey(#[from] SshKeyError),
    /// The account changed while the request ran.
    #[error("the account was changed at the same time")]
    Raced,
    /// The text says what is the most that can be set.
    #[error("{0}")]
    QuotaTooLarge(String),
    /// At the first start: the server does not start with it.
    #[error("MINICLOUD_ADMIN_PASSWORD is too weak: {0}")]
    AdminPassword(String),
    /// The caller may not; the answer was made where that was found.
    #[error("{}", .0.message)]
    Refused(Box<AppError>),
    /// No turn at the hash function came within 10 s.
    #[error("more passwords wait to be checked than the server can check")]
    Busy,
    /// A fault of ours: a hash that cannot be read, or the hash function itself.
    #[error("a password could not be hashed: {0}")]
    Hash(String),
    #[error("the system gives no random numbers")]
    Random(#[source] getrandom::Error),
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<AppError> for AuthError {
    fn from(error: AppError) -> Self {
        Self::Refused(Box::new(error))
    }
}

impl From<getrandom::Error> for AuthError {
    fn from(error: getrandom::Error) -> Self {
        Self::Random(error)
    }
}

impl AuthError {
    /// The answer for the caller. Faults of ours are logged with their causes and hide behind the
    /// request id; how long to wait also goes into Retry-After.
    pub fn answer(self, caller: &Caller) -> AppError {
        match self {
            Self::Refused(error) => *error,
            Self::SshKey(error) => error.answer(),
            Self::TooMany(seconds) => {
                caller.retry_after_set(seconds);
                too_many(seconds)
            }
            Self::RateLimited(seconds) => {
                caller.retry_after_set(seconds);
                new(
                    ErrorKind::TooMany,
                    "rate_limited",
                    "Your programs call too often. Wait as Retry-After says, then go on more slowly.",
                )
            }
            Self::Busy => {
                caller.retry_after_set(2);
                new(
                    ErrorKind::Unavailable,
                    "busy",
                    "The server is busy checking passwords. Try again in a moment.",
                )
            }
            Self::Db(DbError::Nul) => AppError::nul(),
            Self::Db(DbError::Away(_)) => {
                self.log(caller);
                new(
                    ErrorKind::Unavailable,
                    "database_away",
                    "The database does not answer. Try again in a moment.",
                )
            }
            Self::Hash(_) | Self::Random(_) | Self::Db(_) | Self::AdminPassword(_) => {
                self.internal(caller)
            }
            other => other.refusal(),
        }
    }

    /// What the person can do something about.
    fn refusal(&self) -> AppError {
        use ErrorKind::{Conflict, Forbidden, Invalid, NotFound, Unauthenticated};
        match self {
            Self::Wrong => new(
                Unauthenticated,
                "wrong_password",
                "The name or the password is wrong. Check both and try again.",
            )
            .at("password"),
            Self::CurrentWrong => new(
                Unauthenticated,
                "wrong_password",
                "This is not your current password. Check it and try again.",
            )
            .at("current"),
            Self::Disabled => new(
                Forbidden,
                "disabled",
                "This account is disabled. Ask an admin of this MiniCloud.",
            ),
            Self::Name(rule) => new(Invalid, "name_invalid", rule).at("name"),
            Self::NameTaken(name) => new(
                Conflict,
                "name_taken",
                &format!("The name {name} is taken. Choose another."),
            )
            .at("name"),
            Self::PasswordWeak(words) => new(Invalid, "password_weak", words),
            Self::PasswordSame => new(
                Invalid,
                "password_same",
                "This is your current password. Choose another.",
            )
            .at("new"),
            Self::RegistrationClosed => new(
                Forbidden,
                "registration_closed",
                "Registration is closed on this MiniCloud. Ask an admin for an account.",
            ),
            Self::InviteWrong => new(
                Invalid,
                "invite_wrong",
                "This is not the invite code. Check it, or ask whoever invited you.",
            )
            .at("invite"),
            Self::Unconfirmed => new(
                Invalid,
                "unconfirmed",
                "Type YES, in capital letters, to confirm.",
            )
            .at("confirm"),
            Self::LastAdmin(name) => new(
                Conflict,
                "last_admin",
                &format!("{name} is the last admin. Make another user an admin first."),
            ),
            Self::Changed(name) => new(
                Conflict,
                CHANGED,
                &format!("{name} has been changed since you looked. Look again, then decide."),
            ),
            Self::NoUser(name) => AppError::not_found("user", name),
            Self::NoLoginSession => new(
                NotFound,
                "not_found",
                "This sign-in is not there, or has ended already.",
            ),
            Self::QuotaTooLarge(words) => new(Invalid, "quota_too_large", words),
            other => other.token_refusal(),
        }
    }

    /// The same for what concerns API tokens.
    fn token_refusal(&self) -> AppError {
        use ErrorKind::{Conflict, Forbidden, Invalid, NotFound, Unauthenticated};
        match self {
            Self::TokenInvalid => new(
                Unauthenticated,
                "token_invalid",
                "This token is not known, has expired or was revoked. Make another and use that.",
            ),
            Self::CredentialUnreadable => new(
                Unauthenticated,
                "credential_unreadable",
                "The Authorization header cannot be read, or is of a kind that is not taken here. Send Authorization: Bearer and an API token.",
            ),
            Self::ScopeMissing(words) => new(
                Forbidden,
                "scope_missing",
                &format!("This token may not do that: it needs the scopes {words}. Use or make another token."),
            ),
            Self::NoToken => new(
                NotFound,
                "not_found",
                "This token is not there, or was revoked already.",
            ),
            Self::TokenName => new(
                Invalid,
                "name_invalid",
                "A token's name has 1 to 64 characters, and no control characters.",
            )
            .at("name"),
            Self::TokenScopes(words) => new(Invalid, "scopes_invalid", words).at("scopes"),
            Self::TokenDays => new(
                Invalid,
                "days_invalid",
                "A token lasts 1 to 3650 days. Leave expires_in_days out for one that does not end by itself.",
            )
            .at("expires_in_days"),
            Self::TokensMax(max) => new(
                Conflict,
                "tokens_max",
                &format!("You have {max} tokens. Revoke one that is not used any more."),
            ),
            _ => new(
                Conflict,
                "account_changed",
                "The account was changed at the same time. Reload the page and try again.",
            ),
        }
    }

    fn internal(self, caller: &Caller) -> AppError {
        self.log(caller);
        internal(caller)
    }

    fn log(&self, caller: &Caller) {
        tracing::error!(request_id = %caller.request_id, error = %chain(self), "an account request failed");
    }
}

/// A fault of ours, to which the log has more under the request's id.
pub(super) fn internal(caller: &Caller) -> AppError {
    let message = format!(
        "Something went wrong in MiniCloud. Try again; if it stays, tell an admin this number: {}.",
        caller.request_id
    );
    let mut error = new(ErrorKind::Internal, "internal", &message);
    error.request_id = Some(caller.request_id.clone());
    error
}

/// An error with its causes, each said once.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text
}

fn new(kind: ErrorKind, code: &str, message: &str) -> AppError {
    AppError::new(kind, code, message)
}

fn too_many(seconds: u64) -> AppError {
    let unit = if seconds == 1 { "second" } else { "seconds" };
    new(
        ErrorKind::TooMany,
        "too_many",
        &format!("Too many attempts. Wait {seconds} {unit} and try again."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_said_in_words_and_in_the_header() {
        let caller = Caller::default();
        let answer = AuthError::TooMany(8).answer(&caller);
        assert_eq!(answer.kind, ErrorKind::TooMany);
        assert!(
            answer.message.contains("Wait 8 seconds"),
            "{}",
            answer.message
        );
        assert_eq!(caller.retry_after(), Some(8));
    }

    #[test]
    fn a_fault_of_ours_shows_the_request_id_and_not_its_cause() {
        let caller = Caller::default();
        let answer = AuthError::Hash("the cause".into()).answer(&caller);
        assert_eq!(answer.kind, ErrorKind::Internal);
        assert!(
            answer.message.contains(&caller.request_id) && !answer.message.contains("the cause")
        );
    }
}

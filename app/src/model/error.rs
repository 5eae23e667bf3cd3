//! How the server says no to a page.

use leptos::{
    prelude::{FromServerFnError, ServerFnErrorErr},
    server_fn::codec::JsonEncoding,
};
use serde::{Deserialize, Serialize};

/// The code of a change that was decided on what is no more.
pub const CHANGED: &str = "changed_meanwhile";

/// What a failed call tells the person who made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct AppError {
    /// Decides the HTTP status.
    pub kind: ErrorKind,
    /// Stable, for programs: `vm_name_taken`, `quota_exceeded`, `wrong_password`, …
    pub code: String,
    /// What happened, to what, and what to do next.
    pub message: String,
    /// The form field the message belongs beside, by its name.
    pub field: Option<String>,
    /// Stands in the server's log beside the cause; only for faults of ours.
    pub request_id: Option<String>,
}

/// The class of a failure; decides the HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// 422: the input breaks a rule.
    Invalid,
    /// 401: nobody is signed in, or the password was wrong.
    Unauthenticated,
    /// 403: signed in, and still not allowed.
    Forbidden,
    /// 404: it does not exist, or is not the caller's.
    NotFound,
    /// 409: it clashes with what is there.
    Conflict,
    /// 429: too often; try later.
    TooMany,
    /// 503: something below the server does not answer; try again.
    Unavailable,
    /// 500: a fault of ours.
    Internal,
}

impl ErrorKind {
    /// The HTTP status that goes with the class.
    pub fn status(self) -> u16 {
        match self {
            Self::Invalid => 422,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::TooMany => 429,
            Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }
}

impl AppError {
    /// A failure that belongs to no field. `message` says what happened, to what, and what to do.
    pub fn new(kind: ErrorKind, code: &str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: code.into(),
            message: message.into(),
            field: None,
            request_id: None,
        }
    }

    /// The same, shown beside the form field of that name.
    pub fn at(mut self, field: &str) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Another user's thing and a thing that does not exist get this same answer.
    pub fn not_found(what: &str, name: &str) -> Self {
        Self::new(
            ErrorKind::NotFound,
            "not_found",
            format!("There is no {what} named {name}."),
        )
    }

    /// A text with a NUL character, which no name, id or word of ours has.
    pub fn nul() -> Self {
        Self::new(
            ErrorKind::Invalid,
            "malformed",
            "A text has a NUL character, which is taken nowhere here. Send it without.",
        )
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    /// Faults of the transport: the network on the browser's side, an unreadable body on ours.
    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::new(
                ErrorKind::Unavailable,
                "network",
                "The server could not be reached. Check the connection and try again.",
            ),
            ServerFnErrorErr::Args(_)
            | ServerFnErrorErr::MissingArg(_)
            | ServerFnErrorErr::Deserialization(_) => Self::new(
                ErrorKind::Invalid,
                "malformed",
                "The request could not be read. Reload the page and try again.",
            ),
            _ => Self::new(
                ErrorKind::Internal,
                "internal",
                "Something went wrong in MiniCloud. Try again.",
            ),
        }
    }
}

//! What pages ask of the server, one function a verb, named as in the control plane's traits.
//!
//! Each has a fixed address `/api/<name>`. What changes something is POST, so that plain forms work
//! without script; what only reads is GET.

mod account;
pub mod admin;
mod shell;
mod shell_share;
mod ssh;
mod token;
mod visit;
mod vm;

pub use account::*;
pub use shell::*;
pub use shell_share::*;
pub use ssh::*;
pub use token::*;
pub use visit::*;
pub use vm::*;

/// An answer and the moment it is of, so that relative times agree on server and browser.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Dated<T> {
    pub value: T,
    /// The server's clock, microseconds.
    pub as_of: i64,
}

#[cfg(feature = "ssr")]
impl<T> Dated<T> {
    /// As of now.
    pub(crate) fn now(value: T) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let as_of = now.map_or(0, |now| i64::try_from(now.as_micros()).unwrap_or(i64::MAX));
        Self { value, as_of }
    }
}

/// Ends a change: a plain form goes to `path`, a page with script is told it and goes by itself.
#[cfg(feature = "ssr")]
pub(crate) fn land(path: &str) -> String {
    if crate::response::is_plain_form() {
        crate::response::redirect(path);
    }
    path.to_owned()
}

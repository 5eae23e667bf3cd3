//! What went wrong, in words.

use std::io::{self, Write as _};

/// The system's words for an error, without its number.
pub fn words(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

/// A line for whoever reads standard error: sftp and scp show it as it is.
pub fn say(what: &str) {
    // Nobody may be there to read it.
    let _ = writeln!(io::stderr(), "minicloud-files: {what}");
}

/// An error of our own, with these words.
pub fn other(what: impl Into<String>) -> io::Error {
    io::Error::other(what.into())
}

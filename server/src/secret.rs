//! Text that must not be printed by accident: it has to be asked for by name.

use std::fmt;

use subtle::ConstantTimeEq as _;

/// A password, token, hash or code. Shows as `[secret]` wherever it is formatted for debugging.
#[derive(Clone, Default)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Every call of this is a place to look at twice.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Equal, found in a time that does not tell how much of it is.
    pub fn is(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed_by_debug() {
        assert_eq!(
            format!("{:?}", Some(Secret::new("hunter2"))),
            "Some([secret])"
        );
    }

    #[test]
    fn secrets_compare_whole() {
        let secret = Secret::new("abc");
        assert!(secret.is("abc"));
        assert!(!secret.is("ab") && !secret.is("abd") && !secret.is(""));
    }
}

//! Text that must not be printed by accident: it has to be asked for by name.

use std::{
    convert::Infallible,
    fmt::{self, Write as _},
    str::FromStr,
};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// A password, token, hash or code. Shows as `[secret]` wherever it is formatted for debugging.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// 256 random bits, as hex.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut random = [0_u8; 32];
        getrandom::fill(&mut random)?;
        Ok(Self(hex(&random)))
    }

    /// Its SHA-256, as hex: what tables keep of it, worthless to whoever reads it there.
    pub fn hash(&self) -> Self {
        Self(hex(&Sha256::digest(self.0.as_bytes())))
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

/// For flags and environment variables.
impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
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
    fn the_configuration_prints_none_of_its_secrets() {
        let config = crate::config::Config {
            database_url: Some(Secret::new("postgres://u:canary@h/d")),
            invite_code: Some(Secret::new("canary")),
            admin_password: Some(Secret::new("canary")),
            metrics_token: Some(Secret::new("canary")),
            ..Default::default()
        };
        let text = format!("{config:?}");
        assert!(
            text.contains("[secret]") && !text.contains("canary"),
            "{text}"
        );
    }

    #[test]
    fn secrets_compare_whole() {
        let secret = Secret::new("abc");
        assert!(secret.is("abc"));
        assert!(!secret.is("ab") && !secret.is("abd") && !secret.is(""));
    }
}

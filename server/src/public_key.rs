//! An SSH public key as people paste it: read, checked, and put into one form.

use russh::keys::{
    Algorithm, HashAlg,
    ssh_key::{self, public::KeyData},
};

/// Bytes of what is pasted at most.
const TEXT_MAX: usize = 16 * 1024;
/// Bits of an RSA key: fewer can be broken, more cost too much to check.
const RSA_BITS: std::ops::RangeInclusive<u32> = 2048..=4096;
/// Characters of a comment that are kept.
const COMMENT_MAX: usize = 128;

/// A key that people can sign in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// `ssh-ed25519 AAAA…`, without a comment.
    pub text: String,
    /// `SHA256:…`
    pub fingerprint: String,
    /// What stood behind the key, fit to be shown; perhaps empty.
    pub comment: String,
}

/// Why a text is no such key. The words are for who pasted it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    #[error("Paste a public key: one line that begins with ssh-ed25519, ecdsa-sha2-… or ssh-rsa.")]
    Empty,
    #[error("This is too long for a public key: at most 16 KiB.")]
    TooLong,
    /// Found before everything else, its length included: people must hear of this.
    #[error(
        "This is a private key, which nobody else may have: if you have shown it to anyone, make a new one. Paste the public one, from the file that ends in .pub."
    )]
    Private,
    /// PEM or RFC 4716, say.
    #[error(
        "This is in another format. Paste the key as OpenSSH writes it: ssh-keygen -i -f FILE converts it."
    )]
    Format,
    #[error("These are several lines. Add one key at a time.")]
    Several,
    /// As in `authorized_keys`.
    #[error(
        "Something stands before the key. Leave options out: the line begins with the kind of key, such as ssh-ed25519."
    )]
    Options,
    #[error("DSA keys are too weak and not taken. Make an Ed25519 key: ssh-keygen -t ed25519.")]
    Dsa,
    /// Fewer can be broken, more cost too much to check.
    #[error(
        "This RSA key has {0} bits. Use one of 2048 to 4096, or better: ssh-keygen -t ed25519."
    )]
    RsaBits(u32),
    #[error("This is a certificate. Paste the plain public key.")]
    Certificate,
    #[error("Keys of this kind are not taken. Use Ed25519, ECDSA or RSA.")]
    Kind,
    #[error(
        "This is no whole public key. Copy the line again, from its first to its last character."
    )]
    Unreadable,
}

impl PublicKey {
    /// Reads one line of a `.pub` file.
    pub fn read(text: &str) -> Result<Self, PublicKeyError> {
        let line = one_line(text)?;
        let key =
            ssh_key::PublicKey::from_openssh(line).map_err(|error| unreadable(line, &error))?;
        check(key.key_data())?;
        let comment = comment(key.comment().as_str_lossy());
        let bare = ssh_key::PublicKey::new(key.key_data().clone(), "");
        Ok(Self {
            text: bare.to_openssh().map_err(|_| PublicKeyError::Unreadable)?,
            fingerprint: fingerprint(&bare),
            comment,
        })
    }
}

/// `SHA256:…`, as `ssh-keygen -l` shows it.
pub fn fingerprint(key: &ssh_key::PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// A comment that can be shown anywhere: without control characters, and not long.
pub fn comment(text: &str) -> String {
    let visible = text.chars().filter(|letter| !letter.is_control());
    let text: String = visible.take(COMMENT_MAX).collect();
    text.trim().to_owned()
}

fn one_line(text: &str) -> Result<&str, PublicKeyError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(PublicKeyError::Empty);
    }
    // Before its length: this must be said, however much else was pasted.
    if text.contains("PRIVATE KEY-----") || text.starts_with("PuTTY-User-Key-File") {
        return Err(PublicKeyError::Private);
    }
    if text.len() > TEXT_MAX {
        return Err(PublicKeyError::TooLong);
    }
    if text.starts_with("----") {
        return Err(PublicKeyError::Format);
    }
    if text.lines().nth(1).is_some() {
        return Err(PublicKeyError::Several);
    }
    Ok(text)
}

/// What is wrong with a line that is no key.
fn unreadable(line: &str, error: &ssh_key::Error) -> PublicKeyError {
    let mut words = line.split_ascii_whitespace();
    let first = words.next().unwrap_or_default();
    let is_kind = |word: &str| word.parse::<Algorithm>().is_ok_and(|kind| !is_other(&kind));
    match error {
        _ if first.contains("-cert-v01@") => PublicKeyError::Certificate,
        _ if first == "ssh-dss" => PublicKeyError::Dsa,
        _ if !is_kind(first) && words.any(is_kind) => PublicKeyError::Options,
        ssh_key::Error::AlgorithmUnknown | ssh_key::Error::AlgorithmUnsupported { .. } => {
            PublicKeyError::Kind
        }
        _ => PublicKeyError::Unreadable,
    }
}

fn is_other(kind: &Algorithm) -> bool {
    matches!(kind, Algorithm::Other(_))
}

fn check(key: &KeyData) -> Result<(), PublicKeyError> {
    match key {
        KeyData::Ed25519(_)
        | KeyData::Ecdsa(_)
        | KeyData::SkEd25519(_)
        | KeyData::SkEcdsaSha2NistP256(_) => Ok(()),
        KeyData::Rsa(rsa) if RSA_BITS.contains(&rsa.key_size()) => Ok(()),
        KeyData::Rsa(rsa) => Err(PublicKeyError::RsaBits(rsa.key_size())),
        KeyData::Dsa(_) => Err(PublicKeyError::Dsa),
        KeyData::Certificate(_) => Err(PublicKeyError::Certificate),
        _ => Err(PublicKeyError::Kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIERF/2hogv7RNsw08L+0TZRm0AAHrvJXNdr7sZjvD+Vn ann@laptop";
    const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBDB9WvhvG+HZXaGKp5YQK8s/f0WK66oyQCpO79FQyC9za0qYePLySQStrk+2KnOcxN1kQU6+e0SLJ2tTdlVt4NQ= e";
    const RSA_2048: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQClJ884sBwFNxyq+3/9JAbvMPYEMv2MMjU5OV/Etx7PU/hvechUIaSUrLjiNqt9/2ZCiAC9CzfyLXIt3CsZA317E0WDfvZXpWICqCLjbCMW+hnAa3IYRO+FKgjHnKOjbewU36tDBFl//njv8zLWpoauTZm7+P+vqZL0yN/+ZwpJVKN01IPrREUsHkanjbn1rBnwfpCAQoNySOMQZcNpBPHsW2VgsZrqUT2WRCzofhzRP+Se2KDeeQOaUOo4+pW9cfmevyV5L0NUgi8GL5/pxvPW9+330ocoTm0an+cInasz752ZHM81FJxGZjonFAmggUGozT4JxhWUa8sFLfMrKUyL r";
    const RSA_1024: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDpCP9cdChSlCtCKvWiHyVZW0O75b9DORJIKPoFo00rQ+2TvCnNXo2dTvkyRAkJ9yRmkTnpn50Do7NoZPHMNnU1h/PeihjD/K3LOaRHw7yx+6P1JtPILONHHPskULsxI8wSAAUjRiE8bn8L20EXHTBOZ3kqdHmtvm3buma1pEghWQ== short";
    const DSA: &str = "ssh-dss AAAAB3NzaC1kc3MAAACBAKS27PyoXWkfli8b63wEym+2rSOgSh3XBs5oCtyxkFeO+QraTOGIYUk+3BS2LuE4dqKoSJg4fpVUYp0WWcjx/tJ/mAgith9/FQ3Aa9jEXZFl9eg5NLG2Z+tj2+aot+XvsIkKikBJLhmnFeMEmXXuxbhpnjw7/elyR6lWXtxxBVkNAAAAFQD0GxwrNLMHKkOVYpZC6C6LLGhX4QAAAIBVvkPvR3aDl1zV3XkYaN4UWSO8N/885aDYUc1/HLPjOFXN2j0+30zrfzn5+mgzvBc/JLBMhcXsg19VBHxbGZXoIUG9owLbGOBTKqsfXt9m1kWTCJu9oZk3sOzlTUuDjLVJaBxKQ2kbbVX7Rw468hrbAymkqzRB6kEqE4pHKNRdBQAAAIANhqM9M8bEYEMm+HmZJgpuQ+EEinDFpw9MTETWsh4+p7jZQ+29gWMI7B3EUeWol95akAqlc9u1pD2+XoV6TcHrvDw15E/Y48MMrjtgNZYNgpD8i6fuDSXUTNR9lRUzMgMimb5V+828WXl1QM4PAIJYcvrB5kGduDcJ5+GljhenZg== root@vm";

    fn refused(text: &str) -> PublicKeyError {
        PublicKey::read(text).unwrap_err()
    }

    #[test]
    fn a_key_is_read_as_ssh_keygen_shows_it() {
        let key = PublicKey::read(&format!("\n {ED25519}\r\n")).unwrap();
        assert_eq!(
            key.fingerprint,
            "SHA256:RvFVV1Ompv0d47VdSCSVqCYXcR2egJTFr5KBCJ4Y9Rg"
        );
        assert_eq!(key.comment, "ann@laptop");
        assert_eq!(format!("{} ann@laptop", key.text), ED25519);
        assert_eq!(PublicKey::read(&key.text).unwrap().comment, "");
        for good in [ECDSA, RSA_2048] {
            let text = PublicKey::read(good).unwrap().text;
            assert!(good.starts_with(&text), "{good}");
        }
    }

    #[test]
    fn what_is_pasted_by_mistake_is_told_by_its_name() {
        let private = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----";
        assert_eq!(refused(private), PublicKeyError::Private);
        assert_eq!(
            refused("PuTTY-User-Key-File-3: ssh-ed25519\n"),
            PublicKeyError::Private
        );
        assert_eq!(refused(" \n"), PublicKeyError::Empty);
        assert_eq!(
            refused("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA"),
            PublicKeyError::Format
        );
        assert_eq!(
            refused(&format!("{ED25519}\n{ECDSA}")),
            PublicKeyError::Several
        );
        assert_eq!(
            refused(&format!("no-pty {ED25519}")),
            PublicKeyError::Options
        );
        assert_eq!(
            refused(&format!("ssh-rsa {}", "A".repeat(TEXT_MAX))),
            PublicKeyError::TooLong
        );
        assert_eq!(refused(&ED25519[..60]), PublicKeyError::Unreadable);
        assert_eq!(refused("hello there"), PublicKeyError::Unreadable);
    }

    #[test]
    fn weak_keys_and_certificates_are_not_taken() {
        assert_eq!(refused(DSA), PublicKeyError::Dsa);
        assert_eq!(refused(RSA_1024), PublicKeyError::RsaBits(1024));
        let certificate = "ecdsa-sha2-nistp256-cert-v01@openssh.com AAAAKGVjZHNh ann";
        assert_eq!(refused(certificate), PublicKeyError::Certificate);
    }

    #[test]
    fn a_comment_cannot_steer_a_terminal_and_is_cut() {
        assert_eq!(comment(" a\u{1b}[31mb\u{9b} "), "a[31mb");
        assert_eq!(comment(&"x".repeat(999)).len(), COMMENT_MAX);
    }
}

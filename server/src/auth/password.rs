//! Passwords: how good one must be, and argon2id off the async threads, a few at a time.

use std::{sync::Arc, time::Duration};

use app::model::PasswordStrength;
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use super::AuthError;
use crate::secret::Secret;

/// 19 MiB, two passes, one lane: OWASP's first choice for argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Characters of a password, least and most.
pub const LENGTH_MIN: usize = 10;
/// No longer one is hashed: that would only cost.
pub const LENGTH_MAX: usize = 256;
/// zxcvbn's score that is enough: over 10^8 guesses.
const SCORE_MIN: u8 = 3;
/// How long a request waits for its turn at the hash function.
const TURN: Duration = Duration::from_secs(10);

/// Hashes and checks passwords; cheap to clone. As many at once as there are cores: each takes
/// 19 MiB and a core.
#[derive(Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    /// Judging has a turn of its own: anybody may ask for it, and it must not hold up a sign-in.
    judging: Arc<Semaphore>,
    /// Checked when there is no user, so that the answer takes as long.
    dummy: Arc<Secret>,
}

impl Passwords {
    /// Makes the hash that stands in for users who do not exist.
    pub async fn start() -> Result<Self, AuthError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut passwords = Self {
            turns: Arc::new(Semaphore::new(cores)),
            judging: Arc::new(Semaphore::new(1)),
            dummy: Arc::default(),
        };
        let nobody = one_time_password()?;
        passwords.dummy = Arc::new(passwords.hash(&nobody).await?);
        Ok(passwords)
    }

    /// The password as a PHC string with a salt of its own.
    pub async fn hash(&self, password: &Secret) -> Result<Secret, AuthError> {
        let password = password.clone();
        run(&self.turns, move || hash(&password)).await?
    }

    /// True when the password fits the hash. Without a hash it takes as long and is false.
    pub async fn verify(
        &self,
        password: &Secret,
        hash: Option<&Secret>,
    ) -> Result<bool, AuthError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or(&self.dummy).clone();
        let password = password.clone();
        let fits = run(&self.turns, move || verify(&password, &hash)).await??;
        Ok(fits && known)
    }

    /// How good it is, for the user of that name.
    pub async fn strength(
        &self,
        name: &str,
        password: &Secret,
    ) -> Result<PasswordStrength, AuthError> {
        let (name, password) = (name.to_owned(), password.clone());
        run(&self.judging, move || strength(&name, password.expose())).await
    }

    /// Errors, in words, when it is too short, too long or too easy to guess.
    pub async fn check(&self, name: &str, password: &Secret) -> Result<(), AuthError> {
        let strength = self.strength(name, password).await?;
        if strength.enough {
            Ok(())
        } else {
            Err(AuthError::PasswordWeak(strength.words))
        }
    }
}

/// Runs heavy work on a blocking thread when its turn comes.
async fn run<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AuthError> {
    let turn = tokio::time::timeout(TURN, turns.clone().acquire_owned())
        .await
        .map_err(|_| AuthError::Busy)?
        .map_err(|_| AuthError::Busy)?;
    // The turn ends with the work, even when the caller has gone away.
    let done = tokio::task::spawn_blocking(move || {
        let value = work();
        drop(turn);
        value
    });
    done.await
        .map_err(|error| AuthError::Hash(error.to_string()))
}

fn argon2() -> Result<Argon2<'static>, AuthError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &Secret) -> Result<Secret, AuthError> {
    let mut salt = [0_u8; 16];
    getrandom::fill(&mut salt)?;
    let hash: PasswordHash = argon2()?
        .hash_password_with_salt(password.expose().as_bytes(), &salt)
        .map_err(failed)?;
    Ok(Secret::new(hash.to_string()))
}

fn verify(password: &Secret, hash: &Secret) -> Result<bool, AuthError> {
    let hash = PasswordHash::new(hash.expose()).map_err(failed)?;
    // Nobody has a longer one; hashing it would only cost.
    if password.expose().chars().take(LENGTH_MAX + 1).count() > LENGTH_MAX {
        return Ok(false);
    }
    match argon2()?.verify_password(password.expose().as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

fn failed(error: impl std::fmt::Display) -> AuthError {
    AuthError::Hash(error.to_string())
}

fn strength(name: &str, password: &str) -> PasswordStrength {
    let length = password.chars().take(LENGTH_MAX + 1).count();
    if length < LENGTH_MIN {
        return verdict(
            0,
            format!("Too short: at least {LENGTH_MIN} characters."),
            false,
        );
    }
    if length > LENGTH_MAX {
        return verdict(
            0,
            format!("Too long: at most {LENGTH_MAX} characters."),
            false,
        );
    }
    let entropy = zxcvbn::zxcvbn(password, &[name, "minicloud"]);
    let score = u8::from(entropy.score());
    match score {
        0 | 1 => verdict(
            score,
            format!("Too easy to guess. {}", advice(&entropy)),
            false,
        ),
        2 => verdict(
            score,
            format!("Still easy to guess. {}", advice(&entropy)),
            false,
        ),
        3 => verdict(score, "Good.".into(), true),
        _ => verdict(score, "Strong.".into(), true),
    }
}

fn verdict(score: u8, words: String, enough: bool) -> PasswordStrength {
    PasswordStrength {
        score,
        words,
        enough: enough && score >= SCORE_MIN,
    }
}

/// What is wrong with it, or what would help.
fn advice(entropy: &zxcvbn::Entropy) -> String {
    let feedback = entropy.feedback();
    feedback
        .and_then(|feedback| feedback.warning().map(|warning| warning.to_string()))
        .or_else(|| feedback?.suggestions().first().map(ToString::to_string))
        .unwrap_or_else(|| "Add another word or two, uncommon ones.".into())
}

/// A password to be given to somebody once: four groups of five, 100 random bits, no letters that
/// look alike.
pub fn one_time_password() -> Result<Secret, AuthError> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = [0_u8; 20];
    getrandom::fill(&mut random)?;
    let groups: Vec<String> = random
        .chunks(5)
        .map(|group| {
            group
                .iter()
                .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
                .collect()
        })
        .collect();
    Ok(Secret::new(groups.join("-")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_and_no_other() {
        let passwords = Passwords::start().await.unwrap();
        let hash = passwords.hash(&Secret::new("correct horse")).await.unwrap();
        assert!(
            hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{}",
            hash.expose()
        );
        assert!(
            passwords
                .verify(&Secret::new("correct horse"), Some(&hash))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify(&Secret::new("correct hors"), Some(&hash))
                .await
                .unwrap()
        );
        let again = passwords.hash(&Secret::new("correct horse")).await.unwrap();
        assert_ne!(hash.expose(), again.expose(), "each has a salt of its own");
    }

    #[tokio::test]
    async fn nobody_can_sign_in_to_a_user_who_is_not_there() {
        let passwords = Passwords::start().await.unwrap();
        assert!(
            !passwords
                .verify(&Secret::new("anything"), None)
                .await
                .unwrap()
        );
        let dummy = passwords.dummy.as_ref().clone();
        assert!(
            dummy
                .expose()
                .starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "the same work"
        );
    }

    #[test]
    fn passwords_are_judged_in_words() {
        for (name, password, words, enough) in [
            ("ann", "short", "Too short", false),
            ("ann", "1234567890", "easy to guess", false),
            ("ann", "passwordpassword", "easy to guess", false),
            ("annabellesmith", "annabellesmith", "easy to guess", false),
            ("ann", "minicloudminicloud", "easy to guess", false),
            ("ann", "violet-kettle-harbour", "Strong", true),
            ("ann", "пароль-из-пяти-слов", "", true),
        ] {
            let strength = strength(name, password);
            assert_eq!(strength.enough, enough, "{password}: {strength:?}");
            assert!(strength.words.contains(words), "{password}: {strength:?}");
        }
    }

    #[test]
    fn the_longest_password_is_256_characters_and_not_bytes() {
        let longest = format!("violet-kettle-harbour{}", "я".repeat(LENGTH_MAX - 21));
        assert!(strength("ann", &longest).enough);
        let longer = format!("{longest}x");
        assert!(strength("ann", &longer).words.contains("Too long"));
    }

    #[test]
    fn one_time_passwords_are_readable_strong_and_never_the_same() {
        let one = one_time_password().unwrap();
        assert_eq!(one.expose().len(), 23);
        assert!(strength("ann", one.expose()).enough);
        assert_ne!(one.expose(), one_time_password().unwrap().expose());
    }
}

//! Where relative paths begin, and what `~` means.

use std::{
    env,
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use crate::account;

/// Goes home; to the root, where there is none.
pub fn go() {
    if env::set_current_dir(home()).is_err() {
        let _ = env::set_current_dir("/");
    }
}

fn home() -> PathBuf {
    let user = rustix::process::getuid().as_raw();
    account::home_of(user).unwrap_or_else(|| "/".into())
}

/// `~`, `~/PATH` and `~USER/PATH` as a shell has them; what names nobody stays.
pub fn expand(path: &[u8]) -> PathBuf {
    let as_is = || Path::new(OsStr::from_bytes(path)).to_owned();
    let Some(rest) = path.strip_prefix(b"~") else {
        return as_is();
    };
    let end = rest.iter().position(|byte| *byte == b'/');
    let (user, rest) = rest.split_at(end.unwrap_or(rest.len()));
    let home = match user.is_empty() {
        true => Some(home()),
        false => account::home_of_name(user),
    };
    let rest = rest.strip_prefix(b"/").unwrap_or(rest);
    home.map_or_else(as_is, |home| home.join(OsStr::from_bytes(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_a_home() {
        let own = home();
        assert_eq!(expand(b"~/a b"), own.join("a b"));
        assert_eq!(expand(b"~root/x"), Path::new("/root/x"));
        assert_eq!(
            expand(b"~nobody-of-that-name/x"),
            Path::new("~nobody-of-that-name/x")
        );
        assert_eq!(expand(b"a/~"), Path::new("a/~"));
    }
}

//! `*`, `?` and `[…]` in a path: the far side's shell did that for scp, and here is none.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
};

use crate::home;

/// What a word means: a path that is there as it is written is that; else what fits it, in order; else,
/// as shells have it, the word itself.
pub fn expand(word: &[u8]) -> Vec<PathBuf> {
    let path = home::expand(word);
    let pattern = path.as_os_str().as_bytes();
    if !is_pattern(pattern) || fs::symlink_metadata(&path).is_ok() {
        return vec![path];
    }
    let found = fitting(pattern);
    if found.is_empty() { vec![path] } else { found }
}

fn is_pattern(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| b"*?[".contains(byte))
}

fn fitting(pattern: &[u8]) -> Vec<PathBuf> {
    let start = if pattern.starts_with(b"/") { "/" } else { "" };
    let mut found = vec![PathBuf::from(start)];
    for part in pattern
        .split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty())
    {
        found = match is_pattern(part) {
            true => found
                .iter()
                .flat_map(|folder| within(folder, part))
                .collect(),
            false => found
                .iter()
                .map(|folder| folder.join(OsStr::from_bytes(part)))
                .collect(),
        };
    }
    found.retain(|path| fs::symlink_metadata(path).is_ok());
    found
}

fn within(folder: &Path, part: &[u8]) -> Vec<PathBuf> {
    let place = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let Ok(entries) = fs::read_dir(place) else {
        return Vec::new();
    };
    let names = entries.flatten().map(|entry| entry.file_name().into_vec());
    let mut names: Vec<_> = names
        .filter(|name| is_shown(name, part) && fits(name, part))
        .collect();
    names.sort_unstable();
    names
        .into_iter()
        .map(|name| folder.join(OsStr::from_bytes(&name)))
        .collect()
}

/// A name that begins with a dot is meant only by a pattern that does.
fn is_shown(name: &[u8], part: &[u8]) -> bool {
    !name.starts_with(b".") || part.starts_with(b".")
}

/// Whether a name fits a pattern. Where it does not, the last `*` takes one byte more.
fn fits(name: &[u8], part: &[u8]) -> bool {
    let (mut at, mut in_part) = (0, 0);
    let mut star = None;
    while at < name.len() {
        let step = match part.get(in_part) {
            Some(b'*') => {
                star = Some((at, in_part));
                in_part += 1;
                continue;
            }
            Some(b'?') => Some(1),
            Some(b'[') => class(name[at], &part[in_part..]),
            Some(byte) => (*byte == name[at]).then_some(1),
            None => None,
        };
        match (step, star) {
            (Some(len), _) => (at, in_part) = (at + 1, in_part + len),
            (None, Some((from, at_star))) => {
                star = Some((from + 1, at_star));
                (at, in_part) = (from + 1, at_star + 1);
            }
            (None, None) => return false,
        }
    }
    part[in_part..].iter().all(|byte| *byte == b'*')
}

/// How long the class is that the pattern begins with, where the byte is in it.
fn class(byte: u8, part: &[u8]) -> Option<usize> {
    let is_negated = matches!(part.get(1), Some(b'!' | b'^'));
    let begin = if is_negated { 2 } else { 1 };
    // A bracket that comes first is one of the class.
    let end = part.iter().skip(begin + 1).position(|byte| *byte == b']');
    let Some(end) = end.map(|at| at + begin + 1) else {
        return (byte == b'[').then_some(1);
    };
    let mut inside = &part[begin..end];
    let mut is_in = false;
    while let Some((first, rest)) = inside.split_first() {
        let (last, rest) = match rest {
            [b'-', last, rest @ ..] => (last, rest),
            rest => (first, rest),
        };
        is_in |= (*first..=*last).contains(&byte);
        inside = rest;
    }
    (is_in != is_negated).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_fit_as_in_a_shell() {
        for (part, name) in [
            ("*", "abc"),
            ("a*c", "abc"),
            ("a*c", "ac"),
            ("*b*", "abc"),
            ("a?c", "abc"),
            ("*.tar.*", "x.tar.gz"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("[]]x", "]x"),
            ("a[", "a["),
            ("**a", "ba"),
            ("[a-]", "-"),
        ] {
            assert!(fits(name.as_bytes(), part.as_bytes()), "{part} {name}");
        }
        for (part, name) in [
            ("a?c", "ac"),
            ("[!a-c]x", "bx"),
            ("*.c", "x.cc"),
            ("a", "ab"),
            ("", "a"),
            ("[a]", "b"),
        ] {
            assert!(!fits(name.as_bytes(), part.as_bytes()), "{part} {name}");
        }
    }

    proptest! {
        #[test]
        fn any_pattern_ends(part in "[*?\\[\\]!a-c-]{0,12}", name in "[abc\\]-]{0,12}") {
            let _ = fits(name.as_bytes(), part.as_bytes());
        }

        #[test]
        fn a_star_fits_all(name in proptest::collection::vec(any::<u8>(), 0..20)) {
            prop_assert!(fits(&name, b"*"));
            prop_assert!(fits(&name, b"**"));
        }
    }

    #[test]
    fn words_become_paths_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["b1", "a1", ".a1", "a*"] {
            fs::write(root.join(name), "").unwrap();
        }
        let expand =
            |word: &str| -> Vec<PathBuf> { expand(root.join(word).as_os_str().as_bytes()) };
        let names =
            |names: &[&str]| -> Vec<PathBuf> { names.iter().map(|name| root.join(name)).collect() };
        assert_eq!(expand("?1"), names(&["a1", "b1"]));
        // It is there as it is written.
        assert_eq!(expand("a*"), names(&["a*"]));
        assert_eq!(expand("c*"), names(&["c*"]));
        assert_eq!(expand(".a*"), names(&[".a1"]));
    }
}

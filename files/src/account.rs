//! Names of users and groups, from the VM's own files. Read by hand: the C library would load modules of
//! the image for it.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs::File,
    io::Read,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags};

/// Of such a file, no more is read: some thousands of lines.
const MOST: u64 = 256 * 1024;
/// A name goes into each line of a listing, so one that is longer than any tool makes them, or would not be
/// one word there, is none.
const NAME: usize = 64;

/// Names by number.
#[derive(Default)]
pub struct Names(HashMap<u32, Vec<u8>>);

impl Names {
    /// Of users or of groups: the number is the third field in both files.
    pub fn read(path: &str) -> Self {
        let text = text(path);
        let entries = lines(&text)
            .filter(|fields| is_name(fields[0]))
            .filter_map(|fields| Some((number(fields.get(2)?)?, fields)));
        let mut names = HashMap::new();
        for (number, fields) in entries {
            // The first of a number is its name.
            names.entry(number).or_insert_with(|| fields[0].to_vec());
        }
        Self(names)
    }

    /// The number itself where it has no name.
    pub fn get(&self, number: u32) -> Vec<u8> {
        let found = self.0.get(&number).cloned();
        found.unwrap_or_else(|| number.to_string().into_bytes())
    }
}

/// The home of a user, by number.
pub fn home_of(user: u32) -> Option<PathBuf> {
    home(|fields| fields.get(2).and_then(|field| number(field)) == Some(user))
}

/// The home of a user, by name.
pub fn home_of_name(name: &[u8]) -> Option<PathBuf> {
    home(|fields| fields[0] == name)
}

fn home(is_meant: impl Fn(&[&[u8]]) -> bool) -> Option<PathBuf> {
    let text = text("/etc/passwd");
    let found = lines(&text).find(|fields| is_meant(fields))?;
    let home = found.get(5).filter(|home| !home.is_empty())?;
    Some(Path::new(OsStr::from_bytes(home)).to_owned())
}

fn lines(text: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    text.split(|byte| *byte == b'\n')
        .map(|line| line.split(|byte| *byte == b':').collect())
}

fn is_name(field: &[u8]) -> bool {
    (1..=NAME).contains(&field.len()) && field.iter().all(|byte| *byte > b' ' && *byte != 0x7f)
}

fn number(field: &[u8]) -> Option<u32> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// Empty where it cannot be read; a FIFO of that name is not waited for. A line that is not read to its
/// end is left out: half a number is another's.
fn text(path: &str) -> Vec<u8> {
    let mut text = Vec::new();
    if let Ok(file) = rustix::fs::open(path, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()) {
        let _ = File::from(file).take(MOST).read_to_end(&mut text);
    }
    if text.len() as u64 == MOST {
        let end = text.iter().rposition(|byte| *byte == b'\n');
        text.truncate(end.unwrap_or(0));
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

    use super::*;

    #[test]
    fn names_and_files_are_read_up_to_a_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwd");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Names::read(path.to_str().unwrap())
        };
        let long = "x".repeat(NAME + 1);
        let names = read(&format!("{long}:x:1\n{}:x:2\na b:x:3\n:x:4\n", &long[1..]));
        for (number, name) in [(1, "1"), (2, &long[1..]), (3, "3"), (4, "4")] {
            assert_eq!(names.get(number), name.as_bytes());
        }
        // The last line that is read ends after a 7.
        let line = format!("{}:x:77777777\n", &long[5..]);
        let text = line.repeat(MOST as usize / line.len() + 1);
        assert!(text[..MOST as usize].ends_with(":x:7"));
        let names = read(&text);
        assert_eq!(names.get(77_777_777), &long.as_bytes()[5..]);
        assert_eq!(names.0.len(), 1);
    }

    #[test]
    fn names_and_homes_come_from_the_files() {
        let names = Names::read("/etc/passwd");
        assert_eq!(names.get(0), b"root");
        assert_eq!(names.get(4_000_000_000), b"4000000000");
        assert_eq!(home_of(0), Some("/root".into()));
        assert_eq!(home_of_name(b"root"), Some("/root".into()));
        assert_eq!(home_of_name(b"nobody of that name"), None);
    }
}

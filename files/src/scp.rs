//! The protocol of `scp -O` (and of every scp before OpenSSH 9), both directions.
//!
//! The one that has files sends records: `C` and `D` open a file or folder, `T` tells times, `E` ends a
//! folder. Each is answered by a zero, or by a one and a line of what went wrong; then it goes on with the
//! next.

mod pattern;
mod record;
mod sink;
mod source;
mod wire;

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io,
    os::unix::ffi::OsStrExt as _,
};

use wire::Wire;

/// What the client's `scp` has ours called with.
#[derive(Debug, PartialEq, Eq)]
pub struct Args {
    direction: Direction,
    is_recursive: bool,
    /// Modes and times are kept.
    preserves: bool,
    /// The target has to be a folder.
    into_folder: bool,
    paths: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    /// `-t`: files come.
    Sink,
    /// `-f`: files go.
    Source,
}

impl Args {
    /// Flags, `-t` or `-f` among them, then paths; `-v` changes nothing. The error is for standard error.
    pub fn read(words: Vec<OsString>) -> Result<Self, String> {
        let mut args = Self {
            direction: Direction::Sink,
            is_recursive: false,
            preserves: false,
            into_folder: false,
            paths: Vec::new(),
        };
        let mut direction = None;
        let mut words = words.into_iter().peekable();
        while let Some(word) = words.next_if(|word| is_flag(word)) {
            if word == "--" {
                break;
            }
            for flag in &word.as_bytes()[1..] {
                match flag {
                    b't' => direction = Some(Direction::Sink),
                    b'f' => direction = Some(Direction::Source),
                    b'r' => args.is_recursive = true,
                    b'p' => args.preserves = true,
                    b'd' => args.into_folder = true,
                    b'v' => {}
                    other => return Err(format!("unknown option -{}", char::from(*other))),
                }
            }
        }
        args.direction = direction.ok_or("-t or -f is missing")?;
        args.paths = words.collect();
        match (args.direction, args.paths.len()) {
            (_, 0) => Err("a path is missing".into()),
            (Direction::Sink, 2..) => Err("-t takes one path".into()),
            _ => Ok(args),
        }
    }
}

fn is_flag(word: &OsStr) -> bool {
    matches!(word.as_bytes(), [b'-', _, ..])
}

/// Serves one call; its exit code.
pub fn run(args: &Args, input: File, output: File) -> io::Result<u8> {
    let mut wire = Wire::new(input, output);
    let ended = match args.direction {
        Direction::Sink => sink::run(args, &mut wire),
        Direction::Source => source::run(args, &mut wire),
    };
    match ended {
        Ok(()) => Ok(u8::from(wire.has_failed())),
        // Told already.
        Err(wire::End::Told) => Ok(1),
        Err(wire::End::Lost(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

    use super::*;

    fn read(line: &str) -> Result<Args, String> {
        Args::read(line.split(' ').map(Into::into).collect())
    }

    #[test]
    fn flags_are_read_as_clients_send_them() {
        let args = read("-v -r -p -d -t -- -x").unwrap();
        assert_eq!(
            (args.direction, args.paths),
            (Direction::Sink, vec!["-x".into()])
        );
        assert!(args.is_recursive && args.preserves && args.into_folder);
        let args = read("-rf a b").unwrap();
        assert_eq!((args.direction, args.paths.len()), (Direction::Source, 2));
        assert!(args.is_recursive && !args.preserves);
        for wrong in ["-t", "-r a", "-t a b", "-f", "-tS a"] {
            read(wrong).unwrap_err();
        }
    }
}

//! `-f`: files go.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _},
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::Path,
};

use rustix::fs::{Mode, OFlags};

use super::{
    Args, pattern,
    sink::named,
    wire::{End, Wire},
};

const BUFFER: usize = 256 * 1024;
/// Folders within folders: each that we are in is an open file. (Paths are too long soon after.)
const DEPTH: usize = 500;

struct Source<'a> {
    args: &'a Args,
    wire: &'a mut Wire,
    buffer: Vec<u8>,
    /// The folders that we are in, by device and number: a symlink may lead back to one.
    above: Vec<(u64, u64)>,
}

/// Sends what the paths name, patterns expanded. What cannot be read is told, and the next is sent.
pub fn run(args: &Args, wire: &mut Wire) -> Result<(), End> {
    wire.answer()?;
    let mut source = Source {
        args,
        wire,
        buffer: vec![0; BUFFER],
        above: Vec::new(),
    };
    for word in &args.paths {
        for path in pattern::expand(word.as_bytes()) {
            source.send(&path)?;
        }
    }
    Ok(())
}

impl Source<'_> {
    fn send(&mut self, path: &Path) -> Result<(), End> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from);
        let opened = opened
            .map(File::from)
            .and_then(|file| Ok((file.metadata()?, file)));
        match opened {
            Ok((found, file)) if found.is_file() => self.file(path, file, &found),
            Ok((found, file)) if found.is_dir() && self.args.is_recursive => {
                // It is read by its path: open, it would be a second file for each folder that we are in.
                drop(file);
                self.folder(path, &found)
            }
            Ok(_) => self.no(path, "not a regular file"),
            Err(error) => Ok(self.wire.no(&named(path, &error))?),
        }
    }

    fn no(&mut self, path: &Path, why: &str) -> Result<(), End> {
        Ok(self.wire.no(&named(path, &io::Error::other(why)))?)
    }

    fn file(&mut self, path: &Path, file: File, found: &Metadata) -> Result<(), End> {
        if !self.announce('C', path, found, found.size())? {
            return Ok(());
        }
        match self.content(file, found.size())? {
            Ok(()) => self.wire.write(&[0])?,
            Err(error) => self.wire.no(&named(path, &error))?,
        }
        self.wire.answer()?;
        Ok(())
    }

    /// As much as was announced, in any case: what cannot be read is sent as zeros.
    fn content(&mut self, mut file: File, size: u64) -> Result<io::Result<()>, End> {
        let mut read = Ok(());
        let mut left = size;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(BUFFER).min(BUFFER);
            let part = &mut self.buffer[..most];
            let count = match file.read(part) {
                Ok(0) => {
                    read = Err(io::Error::other("it became shorter meanwhile"));
                    0
                }
                Ok(count) => count,
                Err(error) => {
                    read = Err(error);
                    0
                }
            };
            let count = if read.is_ok() {
                count
            } else {
                part.fill(0);
                most
            };
            self.wire.write(&self.buffer[..count])?;
            left -= count as u64;
        }
        Ok(read)
    }

    fn folder(&mut self, path: &Path, found: &Metadata) -> Result<(), End> {
        let this = (found.dev(), found.ino());
        if self.above.contains(&this) {
            return self.no(path, "it leads back to a folder above it");
        }
        if self.above.len() >= DEPTH {
            return self.no(path, "it is more than 500 folders deep");
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return Ok(self.wire.no(&named(path, &error))?),
        };
        if !self.announce('D', path, found, 0)? {
            return Ok(());
        }
        self.above.push(this);
        for entry in entries {
            match entry {
                Ok(entry) => self.send(&entry.path())?,
                Err(error) => self.wire.no(&named(path, &error))?,
            }
        }
        self.above.pop();
        self.wire.write(b"E\n")?;
        self.wire.answer()?;
        Ok(())
    }

    /// False: the client does not take it.
    fn announce(
        &mut self,
        kind: char,
        path: &Path,
        found: &Metadata,
        size: u64,
    ) -> Result<bool, End> {
        if self.args.preserves {
            let (change, access) = (found.mtime().max(0), found.atime().max(0));
            self.wire
                .write(format!("T{change} 0 {access} 0\n").as_bytes())?;
            if !self.wire.answer()? {
                return Ok(false);
            }
        }
        let head = format!("{kind}{:04o} {size} ", found.mode() & 0o7777);
        let line = [head.as_bytes(), &last(path), b"\n"].concat();
        self.wire.write(&line)?;
        self.wire.answer()
    }
}

/// The last part of a path as it stands, dots included; a newline in it as OpenSSH writes it.
fn last(path: &Path) -> Vec<u8> {
    let bytes = path.as_os_str().as_bytes();
    let end = bytes
        .iter()
        .rposition(|byte| *byte != b'/')
        .map_or(0, |at| at + 1);
    let begin = bytes[..end]
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |at| at + 1);
    let name = &bytes[begin..end];
    let escaped = name.iter().flat_map(|byte| match byte {
        b'\n' => b"\\^J".iter().copied(),
        byte => std::slice::from_ref(byte).iter().copied(),
    });
    escaped.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_last_part_of_a_path() {
        let all: [(&str, &str); 5] = [
            ("a/b", "b"),
            ("a/b//", "b"),
            ("x", "x"),
            (".", "."),
            ("a/b\nc", "b\\^Jc"),
        ];
        for (path, name) in all {
            assert_eq!(last(Path::new(path)), name.as_bytes(), "{path:?}");
        }
    }
}

//! `-t`: files come, and are written.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, Permissions},
    io,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{DirBuilderExt as _, FileExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, Timespec, Timestamps, utimensat},
    io::Errno,
};

use super::{
    Args, pattern,
    record::{Record, Times},
    wire::{End, Wire},
};
use crate::fail;

/// A folder that is being filled, and what is set when it is full.
struct Folder {
    path: PathBuf,
    mode: Option<u32>,
    times: Option<Times>,
}

struct Sink<'a> {
    args: &'a Args,
    /// Bits that new files do not get.
    mask: u32,
    target: PathBuf,
    /// Folders below the target, the innermost last.
    folders: Vec<Folder>,
}

/// Takes files to the end of the client's records. One that cannot be written is told, and the next is taken.
pub fn run(args: &Args, wire: &mut Wire) -> Result<(), End> {
    let word = args.paths.first().map_or(&b""[..], |path| path.as_bytes());
    let Ok([target]) = <[PathBuf; 1]>::try_from(pattern::expand(word)) else {
        return Err(wire.give_up(b"ambiguous target"));
    };
    if args.into_folder && !target.is_dir() {
        let why = io::Error::from(Errno::NOTDIR);
        return Err(wire.give_up(&named(&target, &why)));
    }
    let mut sink = Sink {
        args,
        mask: mask(args.preserves),
        target,
        folders: Vec::new(),
    };
    wire.yes()?;
    let mut times = None;
    let mut is_first = true;
    while let Some(line) = wire.line()? {
        match Record::read(&line) {
            Ok(Record::Times(told)) => {
                times = Some(told);
                wire.yes()?;
            }
            Ok(Record::File { mode, size, name }) => {
                sink.file(wire, &name, mode, size, times.take())?
            }
            Ok(Record::Folder { mode, name }) => sink.folder(wire, &name, mode, times.take())?,
            Ok(Record::End) => sink.end(wire)?,
            Ok(Record::Trouble { goes_on: true }) => wire.fail(),
            Ok(Record::Trouble { goes_on: false }) => return Err(End::Told),
            // What is not scp at all is given back as it came: it may be a login script's greeting.
            Err(_) if is_first && !line.is_empty() && !b"CDT".contains(&line[0]) => {
                return Err(wire.give_up(&line));
            }
            Err(why) => return Err(wire.give_up(format!("protocol error: {why}").as_bytes())),
        }
        is_first = false;
    }
    Ok(())
}

/// Without -p, what the system withholds from new files, and special bits.
fn mask(preserves: bool) -> u32 {
    let mask = rustix::process::umask(Mode::empty());
    match preserves {
        true => 0,
        false => {
            rustix::process::umask(mask);
            mask.as_raw_mode() | 0o7000
        }
    }
}

impl Sink<'_> {
    fn path(&self, name: &[u8]) -> PathBuf {
        let name = OsStr::from_bytes(name);
        match self.folders.last() {
            Some(folder) => folder.path.join(name),
            None if self.target.is_dir() => self.target.join(name),
            None => self.target.clone(),
        }
    }

    fn file(
        &self,
        wire: &mut Wire,
        name: &[u8],
        mode: u32,
        size: u64,
        times: Option<Times>,
    ) -> Result<(), End> {
        let path = self.path(name);
        let mode = mode & !self.mask;
        let existed = fs::metadata(&path).is_ok();
        let file = match create(&path, mode) {
            Ok(file) => file,
            Err(error) => return Ok(wire.no(&named(&path, &error))?),
        };
        wire.yes()?;
        let mut written = receive(wire, &file, size)?;
        // A mode without the owner's right to write was set only for writing; a file that was there keeps
        // its own where none is to be preserved.
        if written.is_ok() && (self.args.preserves || !existed) {
            written = file.set_permissions(Permissions::from_mode(mode));
        }
        if let (Ok(()), Some(times)) = (&written, times) {
            written = set_times(&path, times);
        }
        wire.answer()?;
        match written {
            Ok(()) => wire.yes()?,
            Err(error) => wire.no(&named(&path, &error))?,
        }
        Ok(())
    }

    fn folder(
        &mut self,
        wire: &mut Wire,
        name: &[u8],
        mode: u32,
        times: Option<Times>,
    ) -> Result<(), End> {
        if !self.args.is_recursive {
            return Err(wire.give_up(b"protocol error: received directory without -r"));
        }
        let path = self.path(name);
        let mode = mode & !self.mask;
        let existed = match fs::metadata(&path) {
            Ok(found) if found.is_dir() => true,
            Ok(_) => {
                let why = io::Error::from(Errno::NOTDIR);
                return Ok(wire.no(&named(&path, &why))?);
            }
            Err(_) => false,
        };
        // Its owner can fill it, whatever its mode is in the end.
        if !existed && let Err(error) = DirBuilder::new().mode(mode | 0o700).create(&path) {
            return Ok(wire.no(&named(&path, &error))?);
        }
        let mode = (!existed || self.args.preserves).then_some(mode);
        self.folders.push(Folder { path, mode, times });
        Ok(wire.yes()?)
    }

    fn end(&mut self, wire: &mut Wire) -> Result<(), End> {
        let Some(folder) = self.folders.pop() else {
            return Ok(wire.yes()?);
        };
        let times = folder
            .times
            .map_or(Ok(()), |times| set_times(&folder.path, times));
        let mode = folder.mode.map_or(Ok(()), |mode| {
            fs::set_permissions(&folder.path, Permissions::from_mode(mode))
        });
        match times.and(mode) {
            Ok(()) => wire.yes()?,
            Err(error) => wire.no(&named(&folder.path, &error))?,
        }
        Ok(())
    }
}

/// Without waiting for a FIFO's other end. It is cut to its size once that has come.
fn create(path: &Path, mode: u32) -> io::Result<File> {
    let flags =
        OFlags::WRONLY | OFlags::CREATE | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(
        path,
        flags,
        Mode::from_raw_mode(mode | 0o200),
    )?);
    match FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) {
        FileType::Fifo => Err(fail::other("not a regular file")),
        _ => Ok(file),
    }
}

/// All of it is read, even if it cannot be written: the next record stands after it.
fn receive(wire: &mut Wire, file: &File, size: u64) -> Result<io::Result<()>, End> {
    let mut written = Ok(());
    let mut offset = 0;
    while offset < size {
        let part = wire.part(size - offset)?;
        if written.is_ok() {
            written = put(file, part, offset);
        }
        let len = part.len();
        wire.took(len);
        offset += len as u64;
    }
    let is_file =
        FileType::from_raw_mode(rustix::fs::fstat(file).map_err(io::Error::from)?.st_mode)
            == FileType::RegularFile;
    if written.is_ok() && is_file {
        written = file.set_len(size);
    }
    Ok(written)
}

fn put(file: &File, part: &[u8], offset: u64) -> io::Result<()> {
    match file.write_all_at(part, offset) {
        // A device, which has no places.
        Err(error) if Errno::from_io_error(&error) == Some(Errno::SPIPE) => {
            io::Write::write_all(&mut &*file, part)
        }
        outcome => outcome,
    }
}

fn set_times(path: &Path, times: Times) -> io::Result<()> {
    let at = |seconds| Timespec {
        tv_sec: seconds,
        tv_nsec: 0,
    };
    let times = Timestamps {
        last_access: at(times.access),
        last_modification: at(times.change),
    };
    Ok(utimensat(CWD, path, &times, AtFlags::empty())?)
}

/// `PATH: what went wrong`, as scp prints it.
pub fn named(path: &Path, error: &io::Error) -> Vec<u8> {
    let words = fail::words(error);
    [path.as_os_str().as_bytes(), b": ", words.as_bytes()].concat()
}

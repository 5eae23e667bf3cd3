//! Does what is asked for.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File},
    io,
    os::unix::{
        ffi::{OsStrExt as _, OsStringExt as _},
        fs::{DirBuilderExt as _, FileExt as _, symlink},
    },
    path::Path,
};

use rustix::fs::{CWD, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::{
    attributes::Attributes,
    change, extension,
    handle::{Handles, Open},
    listing::{Listing, People},
    reply::{Name, Replies},
    request::{Handle, Request},
    status::Status,
    wire::PACKET,
};
use crate::fail;

/// Of a file, at once: what fits a packet with some head, as OpenSSH has it.
pub const AT_ONCE: usize = PACKET - 1024;

const READ: u32 = 1;
const WRITE: u32 = 2;
const APPEND: u32 = 4;
const CREATE: u32 = 8;
const TRUNCATE: u32 = 16;
const EXCLUSIVE: u32 = 32;

/// A client's session.
#[derive(Default)]
pub struct Server {
    /// Not sent yet.
    pub replies: Replies,
    /// What the client has open; closed with its session.
    pub handles: Handles,
    people: Option<People>,
    /// A write that failed has been told on standard error.
    is_told: bool,
}

/// As the client wrote it; a relative one is home's.
pub fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

impl Server {
    /// Does what is asked, and puts the answer, or why not, behind those that wait. `number` is the
    /// client's own.
    pub fn answer(&mut self, number: u32, request: Request<'_>) {
        let status = match self.serve(number, request) {
            Ok(None) => return,
            Ok(Some(status)) | Err(status) => status,
        };
        self.replies.status(number, &status);
    }

    /// None: answered already, with more than a status.
    fn serve(&mut self, number: u32, request: Request<'_>) -> Result<Option<Status>, Status> {
        match request {
            Request::Open {
                path,
                flags,
                attributes,
            } => return self.open(number, path, flags, &attributes),
            Request::Read {
                handle,
                offset,
                len,
            } => return self.read(number, handle, offset, len),
            Request::Opendir(folder) => return self.opendir(number, folder),
            Request::Readdir(handle) => return self.readdir(number, handle),
            Request::Stat(name) => return self.told(number, &fs::metadata(path(name))?),
            Request::Lstat(name) => return self.told(number, &fs::symlink_metadata(path(name))?),
            Request::Fstat(handle) => {
                let found = self.handles.file(handle)?.metadata()?;
                return self.told(number, &found);
            }
            Request::Realpath(name) => {
                return self.named(
                    number,
                    extension::real(path(name))?.into_os_string().into_vec(),
                );
            }
            Request::Readlink(name) => {
                return self.named(
                    number,
                    fs::read_link(path(name))?.into_os_string().into_vec(),
                );
            }
            Request::ExpandPath(name) => {
                let real = extension::real(&crate::home::expand(name))?;
                return self.named(number, real.into_os_string().into_vec());
            }
            Request::Limits | Request::Statvfs(_) | Request::Fstatvfs(_) => {
                let values = extension::values(&self.handles, &request)?;
                self.replies.extended(number, &values);
                return Ok(None);
            }
            Request::Unknown => return Ok(Some(Status::unsupported())),
            Request::Close(handle) => self.handles.close(handle)?,
            Request::Write {
                handle,
                offset,
                data,
            } => self.write(handle, offset, data)?,
            Request::Setstat(name, to) => change::of_path(path(name), &to)?,
            Request::Lsetstat(name, to) => change::of_link(path(name), &to)?,
            Request::Fsetstat(handle, to) => change::of_file(self.handles.file(handle)?, &to)?,
            Request::Fsync(handle) => self.handles.file(handle)?.sync_all()?,
            Request::Remove(name) => fs::remove_file(path(name))?,
            Request::Rmdir(name) => fs::remove_dir(path(name))?,
            Request::Mkdir(name, with) => {
                let mode = with.permissions.unwrap_or(0o777) & 0o7777;
                DirBuilder::new().mode(mode).create(path(name))?;
            }
            Request::Rename { from, to } => rename(path(from), path(to))?,
            Request::PosixRename { from, to } => fs::rename(path(from), path(to))?,
            Request::Hardlink { from, to } => fs::hard_link(path(from), path(to))?,
            Request::Symlink { target, link } => symlink(path(target), path(link))?,
            Request::CopyData { .. } => extension::copy(&self.handles, &request)?,
        }
        Ok(Some(Status::ok()))
    }

    fn told(&mut self, number: u32, found: &fs::Metadata) -> Result<Option<Status>, Status> {
        self.replies.attributes(number, found);
        Ok(None)
    }

    fn named(&mut self, number: u32, name: Vec<u8>) -> Result<Option<Status>, Status> {
        let attributes = Attributes::default();
        self.replies.names(
            number,
            &[Name {
                long: name.clone(),
                name,
                attributes,
            }],
        );
        Ok(None)
    }

    fn open(
        &mut self,
        number: u32,
        name: &[u8],
        flags: u32,
        attributes: &Attributes,
    ) -> Result<Option<Status>, Status> {
        self.handles.check_room()?;
        let mode = Mode::from_raw_mode(attributes.permissions.unwrap_or(0o666) & 0o7777);
        let file = File::from(rustix::fs::open(path(name), open_flags(flags), mode)?);
        if is_fifo(&file)? {
            return Err(Status::failure(
                "It is a FIFO: nothing can be copied from or to it",
            ));
        }
        let handle = self.handles.add(Open::File(file));
        self.replies.handle(number, handle);
        Ok(None)
    }

    fn read(
        &mut self,
        number: u32,
        handle: Handle,
        offset: u64,
        len: u32,
    ) -> Result<Option<Status>, Status> {
        let file = self.handles.file(handle)?;
        let len = (len as usize).min(AT_ONCE);
        let count = self
            .replies
            .data(number, len, |into| file.read_at(into, offset))?;
        Ok((count == 0).then(Status::eof))
    }

    fn write(&mut self, handle: Handle, offset: u64, data: &[u8]) -> Result<(), Status> {
        let written = self.handles.file(handle)?.write_all_at(data, offset);
        if let Err(error) = &written
            && !std::mem::replace(&mut self.is_told, true)
        {
            // All that OpenSSH's client says of it is "Failure".
            fail::say(&format!("a file was not written: {}", fail::words(error)));
        }
        Ok(written?)
    }

    fn opendir(&mut self, number: u32, folder: &[u8]) -> Result<Option<Status>, Status> {
        self.handles.check_room()?;
        let listing = Listing::open(path(folder))?;
        let handle = self.handles.add(Open::Folder(listing));
        self.replies.handle(number, handle);
        Ok(None)
    }

    fn readdir(&mut self, number: u32, handle: Handle) -> Result<Option<Status>, Status> {
        let people = self.people.get_or_insert_with(People::read);
        let names = self.handles.folder(handle)?.next(people)?;
        if names.is_empty() {
            return Ok(Some(Status::eof()));
        }
        self.replies.names(number, &names);
        Ok(None)
    }
}

/// Without waiting for what is not a file: a FIFO's other end, a terminal.
fn open_flags(flags: u32) -> OFlags {
    let has = |flag| flags & flag != 0;
    let mut found = match (has(READ), has(WRITE)) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        _ => OFlags::RDONLY,
    };
    found |= OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    for (flag, with) in [
        (APPEND, OFlags::APPEND),
        (CREATE, OFlags::CREATE),
        (TRUNCATE, OFlags::TRUNC),
        (EXCLUSIVE, OFlags::EXCL),
    ] {
        found.set(with, has(flag));
    }
    found
}

fn is_fifo(file: &File) -> io::Result<bool> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(file)?.st_mode) == FileType::Fifo)
}

/// The protocol's own rename, which replaces nothing.
fn rename(from: &Path, to: &Path) -> Result<(), Status> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // The file system cannot do that in one step.
        Err(Errno::INVAL | Errno::NOSYS) if fs::symlink_metadata(to).is_err() => {
            Ok(fs::rename(from, to)?)
        }
        Err(Errno::INVAL | Errno::NOSYS) => Err(Errno::EXIST.into()),
        outcome => Ok(outcome?),
    }
}

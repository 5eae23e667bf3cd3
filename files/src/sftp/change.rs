//! Sets what a client says of a file: size, then permissions, times and owner, each where it is given.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, chown, fchown, lchown},
    path::Path,
};

use rustix::{
    fs::{AtFlags, CWD, OFlags, Timespec, Timestamps, futimens, utimensat},
    io::Errno,
};

use super::attributes::Attributes;

/// Of what a symlink leads to. Ends at the first that fails; what was set before it stays.
pub fn of_path(path: &Path, to: &Attributes) -> io::Result<()> {
    if let Some(size) = to.size {
        let nonblock = OFlags::NONBLOCK.bits() as i32;
        let file = OpenOptions::new()
            .write(true)
            .custom_flags(nonblock)
            .open(path)?;
        file.set_len(size)?;
    }
    if let Some(permissions) = permissions(to) {
        fs::set_permissions(path, permissions)?;
    }
    if let Some(times) = times(to) {
        utimensat(CWD, path, &times, AtFlags::empty())?;
    }
    match to.owner {
        Some((user, group)) => chown(path, Some(user), Some(group)),
        None => Ok(()),
    }
}

/// Of a symlink, where it is one. A size is nothing that such a thing has.
pub fn of_link(path: &Path, to: &Attributes) -> io::Result<()> {
    if to.size.is_some() {
        return Err(Errno::INVAL.into());
    }
    if let Some(permissions) = permissions(to) {
        if fs::symlink_metadata(path)?.is_symlink() {
            return Err(Errno::OPNOTSUPP.into());
        }
        fs::set_permissions(path, permissions)?;
    }
    if let Some(times) = times(to) {
        utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?;
    }
    match to.owner {
        Some((user, group)) => lchown(path, Some(user), Some(group)),
        None => Ok(()),
    }
}

/// The same of an open file.
pub fn of_file(file: &File, to: &Attributes) -> io::Result<()> {
    if let Some(size) = to.size {
        file.set_len(size)?;
    }
    if let Some(permissions) = permissions(to) {
        file.set_permissions(permissions)?;
    }
    if let Some(times) = times(to) {
        futimens(file, &times)?;
    }
    match to.owner {
        Some((user, group)) => fchown(file, Some(user), Some(group)),
        None => Ok(()),
    }
}

fn permissions(to: &Attributes) -> Option<Permissions> {
    to.permissions
        .map(|mode| Permissions::from_mode(mode & 0o7777))
}

fn times(to: &Attributes) -> Option<Timestamps> {
    let at = |seconds: u32| Timespec {
        tv_sec: seconds.into(),
        tv_nsec: 0,
    };
    to.times.map(|(access, change)| Timestamps {
        last_access: at(access),
        last_modification: at(change),
    })
}

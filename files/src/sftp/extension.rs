//! OpenSSH's extensions that are more than one call of the system, and real paths.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::{StatVfs, StatVfsMountFlags};

use super::{
    answer::{AT_ONCE, path},
    handle::{self, Handles},
    request::Request,
    status::Status,
    wire::PACKET,
};

/// Symlinks in a row before it is a loop; the system's own figure.
const LINKS: u32 = 40;

/// The path without symlinks and dots. Its last part need not be there.
pub fn real(path: &Path) -> io::Result<PathBuf> {
    let path = match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    };
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::canonicalize(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            outcome => return outcome,
        }
        let Some(name) = path.file_name() else {
            break;
        };
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        // A symlink to what is not there leads on; joining an absolute target replaces the folder.
        match fs::read_link(&path) {
            Ok(target) => path = folder.join(target),
            Err(_) => return Ok(fs::canonicalize(folder)?.join(name)),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// What an extension that only tells something tells.
pub fn values(handles: &Handles, request: &Request<'_>) -> Result<Vec<u64>, Status> {
    Ok(match request {
        Request::Statvfs(name) => file_system(&rustix::fs::statvfs(path(name))?),
        Request::Fstatvfs(handle) => file_system(&rustix::fs::fstatvfs(handles.file(*handle)?)?),
        _ => vec![
            PACKET as u64,
            AT_ONCE as u64,
            AT_ONCE as u64,
            handle::MOST as u64,
        ],
    })
}

fn file_system(found: &StatVfs) -> Vec<u64> {
    let flag = |flag, value| {
        if found.f_flag.contains(flag) {
            value
        } else {
            0
        }
    };
    let flags = flag(StatVfsMountFlags::RDONLY, 1) | flag(StatVfsMountFlags::NOSUID, 2);
    vec![
        found.f_bsize,
        found.f_frsize,
        found.f_blocks,
        found.f_bfree,
        found.f_bavail,
        found.f_files,
        found.f_ffree,
        found.f_favail,
        found.f_fsid,
        flags,
        found.f_namemax,
    ]
}

/// From one open file to another; a length of 0 is all that there is.
pub fn copy(handles: &Handles, request: &Request<'_>) -> Result<(), Status> {
    let Request::CopyData {
        from,
        mut offset,
        len,
        to,
        mut to_offset,
    } = *request
    else {
        return Err(Status::unsupported());
    };
    let (from, to) = (handles.file(from)?, handles.file(to)?);
    if is_same(from, to)? {
        return Err(Status::failure("A file cannot be copied over itself"));
    }
    let mut left = if len == 0 { u64::MAX } else { len };
    let mut buffer = vec![0; 256 * 1024];
    while left > 0 {
        let most = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let count = from.read_at(&mut buffer[..most], offset)?;
        if count == 0 {
            break;
        }
        to.write_all_at(&buffer[..count], to_offset)?;
        offset += count as u64;
        to_offset += count as u64;
        left -= count as u64;
    }
    Ok(())
}

fn is_same(one: &File, other: &File) -> io::Result<bool> {
    let (one, other) = (one.metadata()?, other.metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_real_path_may_lack_its_last_part_only() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        symlink("missing", root.join("link")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        symlink(".", root.join("here")).unwrap();
        assert_eq!(real(&root.join("here/new")).unwrap(), root.join("new"));
        assert_eq!(real(&root.join("link")).unwrap(), root.join("missing"));
        assert_eq!(real(Path::new("/..")).unwrap(), Path::new("/"));
        for none in ["no/such", "loop", "link/x"] {
            assert!(real(&root.join(none)).is_err(), "{none}");
        }
    }
}

//! What a client asks for.

use super::{
    attributes::Attributes,
    wire::{Fields, Malformed},
};

/// The kind of a client's first packet.
pub const INIT: u8 = 1;

/// One of SFTP version 3, or of OpenSSH's extensions. Names and paths are bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    Open {
        path: &'a [u8],
        flags: u32,
        attributes: Attributes,
    },
    Close(Handle),
    Read {
        handle: Handle,
        offset: u64,
        len: u32,
    },
    Write {
        handle: Handle,
        offset: u64,
        data: &'a [u8],
    },
    Lstat(&'a [u8]),
    Fstat(Handle),
    Setstat(&'a [u8], Attributes),
    Fsetstat(Handle, Attributes),
    Opendir(&'a [u8]),
    Readdir(Handle),
    Remove(&'a [u8]),
    Mkdir(&'a [u8], Attributes),
    Rmdir(&'a [u8]),
    Realpath(&'a [u8]),
    Stat(&'a [u8]),
    Rename {
        from: &'a [u8],
        to: &'a [u8],
    },
    Readlink(&'a [u8]),
    Symlink {
        target: &'a [u8],
        link: &'a [u8],
    },
    PosixRename {
        from: &'a [u8],
        to: &'a [u8],
    },
    Statvfs(&'a [u8]),
    Fstatvfs(Handle),
    Hardlink {
        from: &'a [u8],
        to: &'a [u8],
    },
    Fsync(Handle),
    Lsetstat(&'a [u8], Attributes),
    Limits,
    ExpandPath(&'a [u8]),
    /// From one open file to another, without the client; a `len` of 0 is up to the end.
    CopyData {
        from: Handle,
        offset: u64,
        len: u64,
        to: Handle,
        to_offset: u64,
    },
    /// A kind or an extension that is not served; the client is told so.
    Unknown,
}

/// None: not one that was given out.
pub type Handle = Option<u32>;

/// The extensions, as INIT's answer names them.
pub const EXTENSIONS: [(&str, &str); 9] = [
    ("posix-rename@openssh.com", "1"),
    ("statvfs@openssh.com", "2"),
    ("fstatvfs@openssh.com", "2"),
    ("hardlink@openssh.com", "1"),
    ("fsync@openssh.com", "1"),
    ("lsetstat@openssh.com", "1"),
    ("limits@openssh.com", "1"),
    ("expand-path@openssh.com", "1"),
    ("copy-data", "1"),
];

impl<'a> Request<'a> {
    /// From a packet after its kind and its number.
    pub fn read(kind: u8, mut fields: Fields<'a>) -> Result<Self, Malformed> {
        let from = &mut fields;
        Ok(match kind {
            3 => Self::Open {
                path: from.string()?,
                flags: from.u32()?,
                attributes: Attributes::read(from)?,
            },
            4 => Self::Close(handle(from)?),
            5 => Self::Read {
                handle: handle(from)?,
                offset: from.u64()?,
                len: from.u32()?,
            },
            6 => Self::Write {
                handle: handle(from)?,
                offset: from.u64()?,
                data: from.string()?,
            },
            7 => Self::Lstat(from.string()?),
            8 => Self::Fstat(handle(from)?),
            9 => Self::Setstat(from.string()?, Attributes::read(from)?),
            10 => Self::Fsetstat(handle(from)?, Attributes::read(from)?),
            11 => Self::Opendir(from.string()?),
            12 => Self::Readdir(handle(from)?),
            13 => Self::Remove(from.string()?),
            14 => Self::Mkdir(from.string()?, Attributes::read(from)?),
            15 => Self::Rmdir(from.string()?),
            16 => Self::Realpath(from.string()?),
            17 => Self::Stat(from.string()?),
            18 => Self::Rename {
                from: from.string()?,
                to: from.string()?,
            },
            19 => Self::Readlink(from.string()?),
            // The order is OpenSSH's, which everybody follows, and not the draft's.
            20 => Self::Symlink {
                target: from.string()?,
                link: from.string()?,
            },
            200 => Self::extension(from.string()?, from)?,
            _ => Self::Unknown,
        })
    }

    fn extension(name: &[u8], from: &mut Fields<'a>) -> Result<Self, Malformed> {
        Ok(match name {
            b"posix-rename@openssh.com" => Self::PosixRename {
                from: from.string()?,
                to: from.string()?,
            },
            b"statvfs@openssh.com" => Self::Statvfs(from.string()?),
            b"fstatvfs@openssh.com" => Self::Fstatvfs(handle(from)?),
            b"hardlink@openssh.com" => Self::Hardlink {
                from: from.string()?,
                to: from.string()?,
            },
            b"fsync@openssh.com" => Self::Fsync(handle(from)?),
            b"lsetstat@openssh.com" => Self::Lsetstat(from.string()?, Attributes::read(from)?),
            b"limits@openssh.com" => Self::Limits,
            b"expand-path@openssh.com" => Self::ExpandPath(from.string()?),
            b"copy-data" => Self::CopyData {
                from: handle(from)?,
                offset: from.u64()?,
                len: from.u64()?,
                to: handle(from)?,
                to_offset: from.u64()?,
            },
            _ => Self::Unknown,
        })
    }
}

fn handle(from: &mut Fields<'_>) -> Result<Handle, Malformed> {
    let bytes = from.string()?;
    Ok(bytes.try_into().ok().map(u32::from_be_bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

    use proptest::prelude::*;

    use super::*;
    use crate::sftp::wire::{packet, put_string};

    fn attributes() -> impl Strategy<Value = Attributes> {
        let numbers = (any::<Option<u64>>(), any::<Option<(u32, u32)>>());
        (numbers, any::<Option<u32>>(), any::<Option<(u32, u32)>>()).prop_map(
            |((size, owner), permissions, times)| Attributes {
                size,
                owner,
                permissions,
                times,
            },
        )
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(any::<u8>(), 0..300)
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_but_never_panic(kind in any::<u8>(), body in bytes()) {
            let _ = Request::read(kind, Fields(&body));
            let _ = packet(&body);
        }

        #[test]
        fn an_extension_with_anything_after_its_name_is_read_or_refused(
            which in 0..EXTENSIONS.len(), body in bytes(),
        ) {
            let mut whole = Vec::new();
            put_string(&mut whole, EXTENSIONS[which].0.as_bytes());
            whole.extend(body);
            let read = Request::read(200, Fields(&whole));
            prop_assert!(read != Ok(Request::Unknown));
        }

        #[test]
        fn attributes_survive_the_wire(given in attributes()) {
            let mut wire = Vec::new();
            given.write(&mut wire);
            let mut fields = Fields(&wire);
            prop_assert_eq!(Attributes::read(&mut fields), Ok(given));
            prop_assert!(fields.0.is_empty());
            for end in 0..wire.len() {
                prop_assert_eq!(Attributes::read(&mut Fields(&wire[..end])), Err(Malformed::Short));
            }
        }

        #[test]
        fn a_request_cut_anywhere_is_short(path in bytes(), flags in any::<u32>(), given in attributes()) {
            let mut wire = Vec::new();
            put_string(&mut wire, &path);
            wire.extend(flags.to_be_bytes());
            given.write(&mut wire);
            let whole = Request::Open { path: &path, flags, attributes: given };
            prop_assert_eq!(Request::read(3, Fields(&wire)), Ok(whole));
            for end in 0..wire.len() {
                prop_assert_eq!(Request::read(3, Fields(&wire[..end])), Err(Malformed::Short));
            }
        }
    }

    #[test]
    fn a_packet_is_taken_when_all_of_it_has_come() {
        let wire = [0, 0, 0, 3, 7, 8, 9, 1];
        for end in 0..7 {
            assert_eq!(packet(&wire[..end]), Ok(None), "{end}");
        }
        assert_eq!(packet(&wire), Ok(Some((&[7, 8, 9][..], 7))));
        assert_eq!(packet(&[0; 4]), Err(Malformed::Short));
        assert_eq!(packet(&[0, 4, 0, 1]), Err(Malformed::TooLong(262_145)));
    }
}

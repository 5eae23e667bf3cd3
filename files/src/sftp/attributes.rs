//! What is told of a file, and set: the protocol's ATTRS.

use std::{fs::Metadata, os::unix::fs::MetadataExt as _};

use super::wire::{Fields, Malformed};

const SIZE: u32 = 1;
const OWNER: u32 = 2;
const PERMISSIONS: u32 = 4;
const TIMES: u32 = 8;
const EXTENDED: u32 = 0x8000_0000;

/// Each is there or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Bytes.
    pub size: Option<u64>,
    /// User and group.
    pub owner: Option<(u32, u32)>,
    /// The mode. Told with the kind of file; set without it.
    pub permissions: Option<u32>,
    /// Of the last access and change, in seconds.
    pub times: Option<(u32, u32)>,
}

impl Attributes {
    /// All of them; times that are not within 32 bits are the nearest that is.
    pub fn of(file: &Metadata) -> Self {
        let seconds = |at: i64| u32::try_from(at).unwrap_or(if at < 0 { 0 } else { u32::MAX });
        Self {
            size: Some(file.size()),
            owner: Some((file.uid(), file.gid())),
            permissions: Some(file.mode()),
            times: Some((seconds(file.atime()), seconds(file.mtime()))),
        }
    }

    /// What the flags say is there. Extended ones are passed over.
    pub fn read(fields: &mut Fields<'_>) -> Result<Self, Malformed> {
        let flags = fields.u32()?;
        let has = |flag| flags & flag != 0;
        let mut found = Self::default();
        if has(SIZE) {
            found.size = Some(fields.u64()?);
        }
        if has(OWNER) {
            found.owner = Some((fields.u32()?, fields.u32()?));
        }
        if has(PERMISSIONS) {
            found.permissions = Some(fields.u32()?);
        }
        if has(TIMES) {
            found.times = Some((fields.u32()?, fields.u32()?));
        }
        if has(EXTENDED) {
            // Nobody has ever named one that is of use; the packet's end ends a count that lies.
            for _ in 0..fields.u32()? {
                fields.string()?;
                fields.string()?;
            }
        }
        Ok(found)
    }

    /// Appends flags, and what they say is there.
    pub fn write(&self, out: &mut Vec<u8>) {
        let flag = |there: bool, flag: u32| if there { flag } else { 0 };
        let flags = flag(self.size.is_some(), SIZE)
            | flag(self.owner.is_some(), OWNER)
            | flag(self.permissions.is_some(), PERMISSIONS)
            | flag(self.times.is_some(), TIMES);
        out.extend(flags.to_be_bytes());
        if let Some(size) = self.size {
            out.extend(size.to_be_bytes());
        }
        let pairs = self
            .owner
            .into_iter()
            .flat_map(|(user, group)| [user, group]);
        let times = self
            .times
            .into_iter()
            .flat_map(|(access, change)| [access, change]);
        for number in pairs.chain(self.permissions).chain(times) {
            out.extend(number.to_be_bytes());
        }
    }
}

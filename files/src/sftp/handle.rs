//! What a client has open.

use std::fs::File;

use super::{listing::Listing, request::Handle, status::Status};

/// So many at once.
pub const MOST: usize = 512;

/// What a handle is of.
pub enum Open {
    File(File),
    Folder(Listing),
}

/// By number; one that was closed is given out again.
#[derive(Default)]
pub struct Handles {
    slots: Vec<Option<Open>>,
}

impl Handles {
    /// Looked at before anything is opened: a file must not be made that cannot be given.
    pub fn check_room(&self) -> Result<(), Status> {
        let open = self.slots.iter().flatten().count();
        match open < MOST {
            true => Ok(()),
            false => Err(Status::failure("Too many files are open; close some")),
        }
    }

    /// Its number, the lowest that is free.
    pub fn add(&mut self, open: Open) -> u32 {
        let free = self.slots.iter().position(Option::is_none);
        let at = free.unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[at] = Some(open);
        // There are 512 at most.
        at as u32
    }

    /// Fails where nothing is open under it, as what follows does.
    pub fn close(&mut self, handle: Handle) -> Result<(), Status> {
        self.slot(handle)?
            .take()
            .map(drop)
            .ok_or_else(Status::no_such_handle)
    }

    /// Fails for a folder, too.
    pub fn file(&self, handle: Handle) -> Result<&File, Status> {
        let at = handle.ok_or_else(Status::no_such_handle)? as usize;
        match self.slots.get(at) {
            Some(Some(Open::File(file))) => Ok(file),
            _ => Err(Status::no_such_handle()),
        }
    }

    /// Fails for a file, too.
    pub fn folder(&mut self, handle: Handle) -> Result<&mut Listing, Status> {
        match self.slot(handle)? {
            Some(Open::Folder(listing)) => Ok(listing),
            _ => Err(Status::no_such_handle()),
        }
    }

    fn slot(&mut self, handle: Handle) -> Result<&mut Option<Open>, Status> {
        let at = handle.ok_or_else(Status::no_such_handle)? as usize;
        self.slots.get_mut(at).ok_or_else(Status::no_such_handle)
    }
}

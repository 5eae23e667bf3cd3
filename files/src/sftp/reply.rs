//! Answers, gathered to be sent in one piece.

use std::{fs::Metadata, io};

use super::{attributes::Attributes, request::EXTENSIONS, status::Status, wire::put_string};

const VERSION: u8 = 2;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const DATA: u8 = 103;
const NAME: u8 = 104;
const ATTRS: u8 = 105;
const EXTENDED: u8 = 201;

/// A name, as `ls -l` would print it, and what it is.
pub struct Name {
    /// In its folder; a whole path where one was asked for.
    pub name: Vec<u8>,
    /// The line of `ls -l`, by which clients show it.
    pub long: Vec<u8>,
    pub attributes: Attributes,
}

/// Answers that wait to be sent.
#[derive(Default)]
pub struct Replies(Vec<u8>);

impl Replies {
    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// They were sent.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The first of all: version 3, and the extensions. Those below carry the number of their request.
    pub fn version(&mut self) {
        self.packet(VERSION, |out| {
            out.extend(3_u32.to_be_bytes());
            for (name, version) in EXTENSIONS {
                put_string(out, name.as_bytes());
                put_string(out, version.as_bytes());
            }
        });
    }

    /// How it went: all that some requests get, and why others failed.
    pub fn status(&mut self, number: u32, status: &Status) {
        self.numbered(STATUS, number, |out| {
            out.extend(status.code.to_be_bytes());
            put_string(out, status.message.as_bytes());
            // The language, which nobody reads.
            put_string(out, b"");
        });
    }

    /// What was opened, by the number that the client has it by from now on.
    pub fn handle(&mut self, number: u32, handle: u32) {
        self.numbered(HANDLE, number, |out| put_string(out, &handle.to_be_bytes()));
    }

    /// Of a file that was asked about.
    pub fn attributes(&mut self, number: u32, of: &Metadata) {
        self.numbered(ATTRS, number, |out| Attributes::of(of).write(out));
    }

    /// Some of a folder, or the one path that was asked for.
    pub fn names(&mut self, number: u32, names: &[Name]) {
        self.numbered(NAME, number, |out| {
            out.extend(u32::try_from(names.len()).unwrap_or(0).to_be_bytes());
            for name in names {
                put_string(out, &name.name);
                put_string(out, &name.long);
                name.attributes.write(out);
            }
        });
    }

    /// Numbers, as the extensions answer.
    pub fn extended(&mut self, number: u32, values: &[u64]) {
        self.numbered(EXTENDED, number, |out| {
            out.extend(values.iter().flat_map(|value| value.to_be_bytes()))
        });
    }

    /// Up to `len` bytes, read straight to where they are sent from; nothing is answered where there are
    /// none. How many there were.
    pub fn data(
        &mut self,
        number: u32,
        len: usize,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let begin = self.0.len();
        self.0.extend([0; 4]);
        self.0.push(DATA);
        self.0.extend(number.to_be_bytes());
        let head = self.0.len();
        self.0.resize(head + 4 + len, 0);
        let outcome = read(&mut self.0[head + 4..]);
        let count = *outcome.as_ref().unwrap_or(&0);
        if count == 0 {
            self.0.truncate(begin);
            return outcome;
        }
        self.0.truncate(head + 4 + count);
        self.0[head..head + 4].copy_from_slice(&length(count));
        self.close(begin);
        outcome
    }

    fn numbered(&mut self, kind: u8, number: u32, body: impl FnOnce(&mut Vec<u8>)) {
        self.packet(kind, |out| {
            out.extend(number.to_be_bytes());
            body(out);
        });
    }

    fn packet(&mut self, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
        let begin = self.0.len();
        self.0.extend([0; 4]);
        self.0.push(kind);
        body(&mut self.0);
        self.close(begin);
    }

    /// Writes a packet's length, now that it is known.
    fn close(&mut self, begin: usize) {
        let len = length(self.0.len() - begin - 4);
        self.0[begin..begin + 4].copy_from_slice(&len);
    }
}

fn length(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes()
}

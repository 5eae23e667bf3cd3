//! How a request went, for the client.

use std::io;

use rustix::io::Errno;

use crate::fail;

/// The protocol's codes, `SSH_FX_OK` and so on.
pub const OK: u32 = 0;
/// Nothing more to read.
pub const EOF: u32 = 1;
const NO_SUCH_FILE: u32 = 2;
const PERMISSION_DENIED: u32 = 3;
const FAILURE: u32 = 4;
const BAD_MESSAGE: u32 = 5;
const UNSUPPORTED: u32 = 8;

/// A code, and the system's words: the codes are too few to tell a full disk from a folder that is not
/// empty.
#[derive(Debug)]
pub struct Status {
    /// One of the protocol's, which clients act on.
    pub code: u32,
    /// For people; not every client shows it.
    pub message: String,
}

impl Status {
    pub fn ok() -> Self {
        Self {
            code: OK,
            message: "Success".into(),
        }
    }

    /// Of a file that was read to its end, or a folder.
    pub fn eof() -> Self {
        Self {
            code: EOF,
            message: "End of file".into(),
        }
    }

    /// Of a request that is not served.
    pub fn unsupported() -> Self {
        Self {
            code: UNSUPPORTED,
            message: "Operation unsupported".into(),
        }
    }

    /// Where the system has no word for it.
    pub fn failure(message: &str) -> Self {
        Self {
            code: FAILURE,
            message: message.into(),
        }
    }

    pub fn no_such_handle() -> Self {
        Self::failure("No such handle")
    }
}

impl From<Errno> for Status {
    fn from(error: Errno) -> Self {
        io::Error::from(error).into()
    }
}

/// The codes as OpenSSH's server chooses them.
impl From<io::Error> for Status {
    fn from(error: io::Error) -> Self {
        let code = match Errno::from_io_error(&error) {
            Some(Errno::NOENT | Errno::NOTDIR | Errno::BADF | Errno::LOOP) => NO_SUCH_FILE,
            Some(Errno::PERM | Errno::ACCESS | Errno::FAULT) => PERMISSION_DENIED,
            Some(Errno::NAMETOOLONG | Errno::INVAL) => BAD_MESSAGE,
            Some(Errno::NOSYS) => UNSUPPORTED,
            // A path with a zero in it, which the system never sees.
            None if error.kind() == io::ErrorKind::InvalidInput => BAD_MESSAGE,
            _ => FAILURE,
        };
        Self {
            code,
            message: fail::words(&error),
        }
    }
}

//! What pages show and forms send: plain data, shared by server and browser, one noun a file.
//!
//! Times are i64 microseconds since the Unix epoch (`_at`), memory MiB (`_mib`), disk GiB (`_gib`).

#![warn(missing_docs)]

mod account;
mod count;
mod error;
mod event;
mod image;
mod live;
mod log;
mod matches;
mod name;
mod node;
mod shell;
mod shell_share;
mod ssh;
mod user;
mod vm;

pub use account::*;
pub use count::*;
pub use error::*;
pub use event::*;
pub use image::*;
pub use live::*;
pub use log::*;
pub use matches::*;
pub use name::*;
pub use node::*;
pub use shell::*;
pub use shell_share::*;
pub use ssh::*;
pub use user::*;
pub use vm::*;

//! The public JSON API: serde types, one noun a file, and nothing else. docs/api.md tells how to use
//! it; the server's own `/api/openapi.json` lists every call.
//!
//! Times are i64 microseconds since the Unix epoch, UTC (`_at`); memory is MiB (`_mib`), disk GiB
//! (`_gib`), CPU thousandths of a core (`_millis`). Requests refuse fields they do not know; answers
//! may gain fields, so clients ignore those that they do not know.

#![warn(missing_docs)]

pub mod account;
pub mod event;
pub mod flavor;
pub mod image;
pub mod log;
pub mod node;
pub mod page;
pub mod problem;
pub mod shell;
pub mod shell_share;
pub mod ssh;
pub mod ssh_key;
pub mod token;
pub mod user;
pub mod vm;

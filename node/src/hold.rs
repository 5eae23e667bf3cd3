//! The holder: a small process beside the node that owns the engine's streams of shells, so that a restart
//! or an end of the node ends no shell (docs/decisions/0011).
//!
//! - `HolderClient` is the node's side: it finds or starts the holder, opens terminals there and takes
//!   up again what is there already.
//! - [`run`] is the process, `minicloud-node hold`; [`serve`] what it does, on a listener.
//!
//! Inside: `wire` is what both say, `peer` who may say it; `process` the process: its lock, its socket, its
//! start; `server` takes connections and knows when it is over, `shell` is one held shell, `drawings` the
//! screens of all of them, `line` the connection of a shell's node; `client` and `stream` are the node's side
//! of the two kinds of connections.

mod client;
mod drawings;
mod line;
mod peer;
mod process;
mod server;
mod shell;
mod stream;
pub mod wire;

pub use self::{
    client::HolderConfig,
    process::{HoldArgs, run},
    server::{Limits, serve},
};
pub(crate) use self::{
    client::{Found, HolderClient},
    stream::{HeldInput, Taken},
};

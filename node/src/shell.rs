//! Shells: PTYs in VMs that live on the node until they exit or are closed, whoever looks.
//!
//! What the rest of the node uses:
//! - [`ShellRegistry::new`]`(driver) -> Arc<ShellRegistry>` (`with_limits` for other [`ShellLimits`],
//!   `with_holder` for shells that outlive the node)
//! - `create(vm_id, ShellCreate).await`, idempotent by id; `list(vm_id)`; `close(id).await`, which
//!   ends all its processes and is idempotent; `count()`
//! - `vm_stopped(vm_id)`: its shells end, their viewers are closed with 4010
//! - `events()`: `ShellOpened`, `ShellClosed` and `ShellLost`
//! - `adopt().await`: takes up what the holder has kept, before anything else is asked
//! - `shutdown().await`: leaves all shells to the holder when the node ends, or ends them (at most 6 s)
//! - [`router`]`(Arc<ShellRegistry>)`: mounts the WebSocket of `GET /v1/shells/{id}/attach`. Its
//!   connections want TCP_NODELAY.
//!
//! Inside: `registry` makes and sweeps shells; `session` is one shell, its task and its state; `pty` where
//! its PTY is, here or with the holder (`crate::hold`);
//! `ring` its recent output, `screen` and `vt` what its terminal shows, `input` what was typed,
//! `size` who owns the size; `commons` what all shells share; `attach` and `viewer` are a viewer's socket, `frame` and `close` its
//! words, `pace` its rhythm. The wire is docs/shell-protocol.md.

mod attach;
mod close;
mod commons;
pub mod frame;
mod input;
pub mod limits;
mod pace;
mod pty;
mod registry;
mod ring;
mod screen;
mod session;
mod size;
mod viewer;
pub mod vt;

use std::sync::Arc;

use axum::{Router, routing::get};
use node_api::path;

pub(crate) use self::{
    input::{ClientId, Queue},
    pace::Pace,
    pty::{FromPty, Pty, PtyInput, PtyOutput},
    ring::Ring,
    session::lock,
};
pub use self::{limits::ShellLimits, registry::ShellRegistry};

/// `GET /v1/shells/{id}/attach`.
pub fn router(shells: Arc<ShellRegistry>) -> Router {
    Router::new()
        .route(path::SHELL_ATTACH, get(attach::attach))
        .with_state(shells)
}

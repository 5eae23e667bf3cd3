//! Shells: PTYs in VMs that live on the node until they exit or are closed, whoever looks.
//!
//! What the rest of the node uses:
//! - [`ShellRegistry::new`]`(driver) -> Arc<ShellRegistry>` (`with_limits` for other [`ShellLimits`])
//! - `create(vm_id, ShellCreate).await`, idempotent by id; `list(vm_id)`; `close(id).await`, which
//!   ends all its processes and is idempotent; `count()`
//! - `vm_stopped(vm_id)`: its shells end, their viewers are closed with 4010
//! - `events()`: `ShellOpened` and `ShellClosed`
//! - `shutdown().await`: ends all shells when the node ends (at most 6 s)
//! - [`router`]`(Arc<ShellRegistry>)`: mounts the WebSocket of `GET /v1/shells/{id}/attach`. Its
//!   connections want TCP_NODELAY.
//!
//! Inside: `registry` makes and sweeps shells; `session` is one shell, its task and its state;
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

pub use self::{limits::ShellLimits, registry::ShellRegistry};

/// `GET /v1/shells/{id}/attach`.
pub fn router(shells: Arc<ShellRegistry>) -> Router {
    Router::new()
        .route(path::SHELL_ATTACH, get(attach::attach))
        .with_state(shells)
}

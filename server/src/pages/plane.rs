//! `app`'s traits, implemented for one request: the state, and who asks.

use std::sync::Arc;

use app::control_plane::{ControlPlane, Plane};

use crate::{auth::Caller, state::AppState};

/// What pages and server functions of one request may do, bound to its caller.
#[derive(Clone)]
pub struct RequestPlane {
    pub state: AppState,
    pub caller: Caller,
}

impl RequestPlane {
    /// As the context that pages and server functions ask.
    pub fn plane(state: AppState, caller: Caller) -> Plane {
        Arc::new(Self { state, caller })
    }
}

impl ControlPlane for RequestPlane {}

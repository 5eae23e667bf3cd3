//! The live streams: events and log records.

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};

use crate::{
    sse::{self, Origin, Start},
    state::AppState,
};

/// What happens to VMs, from now on for a new caller.
pub async fn events(State(state): State<AppState>, headers: HeaderMap) -> Response {
    sse::follow(state.events.clone(), &headers, Start::Now, origin(&state)).into_response()
}

/// What the node logs; a new caller gets what is kept, too.
pub async fn logs(State(state): State<AppState>, headers: HeaderMap) -> Response {
    sse::follow(state.logs.clone(), &headers, Start::Oldest, origin(&state)).into_response()
}

fn origin(state: &AppState) -> Origin {
    Origin {
        boot_id: state.boot_id.clone(),
        shutdown: state.shutdown.clone(),
    }
}

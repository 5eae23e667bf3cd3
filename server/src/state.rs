//! What every handler gets: handles, all cheap to clone.

use std::sync::Arc;

use axum::extract::FromRef;
use server_api::ssh::SshHost;
use tokio_util::sync::CancellationToken;

use crate::{
    api::{Patience, Readers},
    auth::Auth,
    config::Config,
    control::Control,
    db::Db,
    log::LogHub,
};

/// Everything that lives as long as the server.
#[derive(Clone)]
pub struct AppState {
    pub config: Arc<Config>,
    pub db: Db,
    pub auth: Auth,
    pub control: Control,
    /// The server's and its nodes' newest records.
    pub logs: LogHub,
    /// The build of the bundled pages, which their script's names carry; None: there are none.
    pub site_build: Option<Arc<str>>,
    /// How to connect by SSH; None: it is switched off.
    pub ssh: Option<Arc<SshHost>>,
    /// What the demo's shell endpoints read ahead.
    pub readers: Readers,
    /// How long answers wait for what others have still to do.
    pub patience: Patience,
    /// Cancelled when the server is to stop: sockets that would stay open end themselves.
    pub stop: CancellationToken,
}

/// For the layer in front, which needs nothing else.
impl FromRef<AppState> for Auth {
    fn from_ref(state: &AppState) -> Self {
        state.auth.clone()
    }
}

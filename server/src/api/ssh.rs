//! How to connect by SSH.

use app::model::{AppError, ErrorKind};
use axum::Json;
use server_api::ssh::SshHost;

use super::{
    input::Own,
    problem::{Answer, ApiError},
};

/// Where the SSH gateway is, and how to know it; 404 where it is switched off.
#[utoipa::path(get, path = "/api/v1/ssh", tag = "me", responses((status = 200, body = SshHost)))]
pub async fn ssh_host(own: Own) -> Answer<SshHost> {
    let off = || {
        let words = "SSH is switched off on this MiniCloud. Ask an admin.";
        ApiError::from(AppError::new(ErrorKind::NotFound, "ssh_off", words))
    };
    let host = own.plane.state.ssh.as_ref().ok_or_else(off)?;
    Ok(Json(host.as_ref().clone()))
}

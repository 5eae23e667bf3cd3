//! Shells of one's VMs.

use leptos::prelude::*;

use super::Dated;
use crate::model::{AppError, ShellPage};
#[cfg(feature = "ssr")]
use crate::response::plane;

/// The VM's newest live shell, the one named, or a new one. POST, because it may start one.
#[server(prefix = "/api", endpoint = "shell_open")]
pub async fn shell_open(
    vm: String,
    shell: Option<String>,
    #[server(default)] new: bool,
) -> Result<Dated<ShellPage>, AppError> {
    Ok(Dated::now(
        plane()?.shell_open(&vm, shell.as_deref(), new).await?,
    ))
}

/// Ends a shell and everything started in it.
#[server(prefix = "/api", endpoint = "shell_close")]
pub async fn shell_close(id: String) -> Result<(), AppError> {
    plane()?.shell_close(&id).await
}

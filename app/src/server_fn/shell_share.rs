//! Shells that one user shares with another.

use leptos::{prelude::*, server_fn::codec::GetUrl};

use super::Dated;
#[cfg(feature = "ssr")]
use super::land;
use crate::model::{
    AppError, SharedShell, ShellGrantView, ShellInvitationMade, ShellInvitationView, ShellMode,
    ShellShare,
};
#[cfg(feature = "ssr")]
use crate::response::plane;

/// Makes a link to one of the caller's shells; answers it, to be shown once.
#[server(prefix = "/api", endpoint = "shell_invitation_create")]
pub async fn shell_invitation_create(
    shell: String,
    mode: ShellMode,
) -> Result<ShellInvitationMade, AppError> {
    plane()?.shell_invitation_create(&shell, mode).await
}

/// Withdraws one of the caller's links.
#[server(prefix = "/api", endpoint = "shell_invitation_delete")]
pub async fn shell_invitation_delete(id: String) -> Result<(), AppError> {
    plane()?.shell_invitation_delete(&id).await
}

/// What a link leads to. POST, so that its token stands in no query; it changes nothing.
#[server(prefix = "/api", endpoint = "shell_invitation_get")]
pub async fn shell_invitation_get(token: String) -> Result<Dated<ShellInvitationView>, AppError> {
    Ok(Dated::now(plane()?.shell_invitation_get(&token).await?))
}

/// With whom one of the caller's shells is shared, and who of them is in it.
#[server(prefix = "/api", endpoint = "shell_share_get", input = GetUrl)]
pub async fn shell_share_get(shell: String) -> Result<Dated<ShellShare>, AppError> {
    Ok(Dated::now(plane()?.shell_share_get(&shell).await?))
}

/// Accepts an invitation; answers the page of the shell.
#[server(prefix = "/api", endpoint = "shell_grant_create")]
pub async fn shell_grant_create(token: String) -> Result<String, AppError> {
    let grant = plane()?.shell_grant_create(&token).await?;
    Ok(land(&format!("/shared/{}", grant.id)))
}

/// Takes a grant back, as the owner of the VM, or leaves, as who has it.
#[server(prefix = "/api", endpoint = "shell_grant_delete")]
pub async fn shell_grant_delete(id: String) -> Result<(), AppError> {
    plane()?.shell_grant_delete(&id).await?;
    land("/");
    Ok(())
}

/// The shells that others share with the caller.
#[server(prefix = "/api", endpoint = "shell_shared_list", input = GetUrl)]
pub async fn shell_shared_list() -> Result<Dated<Vec<ShellGrantView>>, AppError> {
    Ok(Dated::now(plane()?.shell_shared_list().await?))
}

/// One of them, to connect to.
#[server(prefix = "/api", endpoint = "shell_shared_get", input = GetUrl)]
pub async fn shell_shared_get(id: String) -> Result<SharedShell, AppError> {
    plane()?.shell_shared_get(&id).await
}

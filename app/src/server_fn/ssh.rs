//! SSH keys of one's own.

use leptos::{prelude::*, server_fn::codec::GetUrl};

use super::Dated;
#[cfg(feature = "ssr")]
use super::land;
use crate::model::{AppError, SshAccess};
#[cfg(feature = "ssr")]
use crate::response::plane;

/// The caller's keys, and how to connect.
#[server(prefix = "/api", endpoint = "ssh_access_get", input = GetUrl)]
pub async fn ssh_access_get() -> Result<Dated<SshAccess>, AppError> {
    Ok(Dated::now(plane()?.ssh_access_get().await?))
}

/// Adds a key by its public half; `comment` empty: the one behind the key.
#[server(prefix = "/api", endpoint = "ssh_key_add")]
pub async fn ssh_key_add(
    public_key: String,
    #[server(default)] comment: String,
) -> Result<(), AppError> {
    let comment = Some(comment.trim()).filter(|comment| !comment.is_empty());
    plane()?.ssh_key_add(public_key.trim(), comment).await?;
    land("/account#ssh");
    Ok(())
}

/// Removes a key; what is open by it ends.
#[server(prefix = "/api", endpoint = "ssh_key_delete")]
pub async fn ssh_key_delete(id: String) -> Result<(), AppError> {
    plane()?.ssh_key_delete(&id).await?;
    land("/account#ssh");
    Ok(())
}

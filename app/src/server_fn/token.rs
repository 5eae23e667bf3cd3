//! API tokens of one's own.

use leptos::{prelude::*, server_fn::codec::GetUrl};

use super::Dated;
#[cfg(feature = "ssr")]
use super::land;
use crate::model::{AppError, TokenView};
#[cfg(feature = "ssr")]
use crate::{
    model::ErrorKind,
    response::{is_plain_form, once, plane},
};

/// The caller's tokens, without their secrets.
#[server(prefix = "/api", endpoint = "token_list", input = GetUrl)]
pub async fn token_list() -> Result<Dated<Vec<TokenView>>, AppError> {
    Ok(Dated::now(plane()?.token_list().await?))
}

/// Makes a token; answers its secret, to be shown once. `days` empty: it does not end by itself. A plain
/// form's page gets the secret by [`once`].
#[server(prefix = "/api", endpoint = "token_create")]
pub async fn token_create(
    name: String,
    scopes: String,
    #[server(default)] days: String,
) -> Result<String, AppError> {
    let secret = plane()?
        .token_create(name.trim(), &scopes, days_read(&days)?)
        .await?;
    if is_plain_form() {
        once::keep("/account", &secret);
        land("/account#tokens");
    }
    Ok(secret)
}

/// Revokes a token.
#[server(prefix = "/api", endpoint = "token_delete")]
pub async fn token_delete(id: String) -> Result<(), AppError> {
    plane()?.token_delete(&id).await?;
    land("/account#tokens");
    Ok(())
}

#[cfg(feature = "ssr")]
fn days_read(days: &str) -> Result<Option<u32>, AppError> {
    if days.is_empty() {
        return Ok(None);
    }
    days.parse().map(Some).map_err(|_| {
        let message = "Choose for how many days it is good.";
        AppError::new(ErrorKind::Invalid, "days_invalid", message).at("days")
    })
}

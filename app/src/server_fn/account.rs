//! Accounts, passwords, login sessions, theme.

use leptos::{prelude::*, server_fn::codec::GetUrl};

use super::Dated;
#[cfg(feature = "ssr")]
use super::land;
use crate::model::{AppError, LoginSessionView, PasswordStrength, Theme};
#[cfg(feature = "ssr")]
use crate::{
    model::{ErrorKind, Role},
    nav::local_path,
    response::plane,
};

/// Signs in; answers the path to land on.
#[server(prefix = "/api", endpoint = "login")]
pub async fn login(
    name: String,
    password: String,
    #[server(default)] next: String,
) -> Result<String, AppError> {
    let role = plane()?.login(name.trim(), &password).await?;
    let home = if role == Role::Admin { "/admin" } else { "/" };
    Ok(land(local_path(&next).unwrap_or(home)))
}

/// Makes an account and signs it in; answers the path to land on.
#[server(prefix = "/api", endpoint = "account_create")]
pub async fn account_create(
    name: String,
    password: String,
    #[server(default)] invite: String,
    #[server(default)] next: String,
) -> Result<String, AppError> {
    let invite = Some(invite.trim()).filter(|invite| !invite.is_empty());
    plane()?
        .account_create(name.trim(), &password, invite)
        .await?;
    Ok(land(local_path(&next).unwrap_or("/")))
}

/// Signs out of this login session.
#[server(prefix = "/api", endpoint = "logout")]
pub async fn logout() -> Result<String, AppError> {
    plane()?.logout().await?;
    Ok(land("/login?done=logout"))
}

/// How good a password would be. POST, because a password has no place in an address.
#[server(name = PasswordStrengthAsk, prefix = "/api", endpoint = "password_strength")]
pub async fn password_strength(
    #[server(default)] name: String,
    password: String,
) -> Result<PasswordStrength, AppError> {
    plane()?.password_strength(&name, &password).await
}

/// Changes the password; answers the path to land on.
#[server(prefix = "/api", endpoint = "password_change")]
pub async fn password_change(current: String, new: String) -> Result<String, AppError> {
    let plane = plane()?;
    let viewer = plane.viewer().await?;
    plane.password_change(&current, &new).await?;
    let first = viewer.filter(|viewer| viewer.must_change_password);
    Ok(land(match first.map(|viewer| viewer.role) {
        Some(Role::Admin) => "/admin",
        Some(Role::Member) => "/",
        None => "/account?done=password",
    }))
}

/// Where one is signed in.
#[server(prefix = "/api", endpoint = "login_session_list", input = GetUrl)]
pub async fn login_session_list() -> Result<Dated<Vec<LoginSessionView>>, AppError> {
    Ok(Dated::now(plane()?.login_session_list().await?))
}

/// Signs one of one's login sessions out.
#[server(prefix = "/api", endpoint = "login_session_delete")]
pub async fn login_session_delete(id: String) -> Result<(), AppError> {
    plane()?.login_session_delete(&id).await
}

/// Removes the account and its VMs; `confirm` is YES.
#[server(prefix = "/api", endpoint = "account_delete")]
pub async fn account_delete(confirm: String) -> Result<String, AppError> {
    plane()?.account_delete(confirm.trim()).await?;
    Ok(land("/login?done=account"))
}

/// Chooses the theme of this browser, kept for a year in the cookie `theme`.
#[server(prefix = "/api", endpoint = "theme_set")]
pub async fn theme_set(theme: Theme) -> Result<Theme, AppError> {
    let word = match theme {
        Theme::System => "system",
        Theme::Light => "light",
        Theme::Dark => "dark",
    };
    let cookie = format!("theme={word}; Path=/; Max-Age=31536000; SameSite=Lax");
    let cookie = http::HeaderValue::from_str(&cookie)
        .map_err(|error| AppError::new(ErrorKind::Internal, "internal", error.to_string()))?;
    let response = expect_response()?;
    response.append_header(http::header::SET_COOKIE, cookie);
    Ok(theme)
}

#[cfg(feature = "ssr")]
fn expect_response() -> Result<leptos_axum::ResponseOptions, AppError> {
    use_context::<leptos_axum::ResponseOptions>().ok_or_else(|| {
        AppError::new(
            ErrorKind::Internal,
            "internal",
            "The theme was set outside of a request.",
        )
    })
}

//! Users; for admins.

use reqwest::Method;
use serde::Serialize;
use server_api::{
    account::Role,
    user::{User, UserDisable, UserPassword, UserQuota, UserRole},
};

use super::{Client, segment};
use crate::error::CliError;

const USERS: &str = "/api/v1/admin/users";

impl Client {
    pub async fn user_list(&self) -> Result<Vec<User>, CliError> {
        self.list(USERS, usize::MAX).await
    }

    pub async fn user_disable(&self, name: &str, disabled: bool) -> Result<User, CliError> {
        self.user_put(name, "disabled", &UserDisable { disabled })
            .await
    }

    pub async fn user_role(&self, name: &str, role: Role) -> Result<User, CliError> {
        self.user_put(name, "role", &UserRole { role }).await
    }

    pub async fn user_quota(&self, name: &str, quota: &UserQuota) -> Result<User, CliError> {
        self.user_put(name, "quota", quota).await
    }

    /// A new one-time password.
    pub async fn user_password_reset(&self, name: &str) -> Result<UserPassword, CliError> {
        let path = format!("{USERS}/{}/password-reset", segment(name));
        self.change(Method::POST, &path, None::<&()>).await
    }

    async fn user_put(
        &self,
        name: &str,
        what: &str,
        body: &impl Serialize,
    ) -> Result<User, CliError> {
        let path = format!("{USERS}/{}/{what}", segment(name));
        self.change(Method::PUT, &path, Some(body)).await
    }
}

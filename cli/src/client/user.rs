//! Users; for admins.

use reqwest::{
    Method,
    header::{self, HeaderValue},
};
use serde::Serialize;
use server_api::{
    account::Role,
    user::{User, UserCreate, UserCreated, UserDisable, UserPassword, UserQuota, UserRole},
};

use super::{ANSWER_DEADLINE, Client, segment};
use crate::error::CliError;

const USERS: &str = "/api/v1/admin/users";

impl Client {
    /// All of them, by name.
    pub async fn user_list(&self) -> Result<Vec<User>, CliError> {
        self.list(USERS, usize::MAX).await
    }

    /// Refused where the name is taken. The answer has the one-time password.
    pub async fn user_create(&self, name: &str) -> Result<UserCreated, CliError> {
        let name = name.to_owned();
        self.create(USERS, Some(&UserCreate { name })).await
    }

    /// Signs them out and stops their VMs, or lets them in again. Refused for the last admin.
    pub async fn user_disable(&self, name: &str, disabled: bool) -> Result<User, CliError> {
        self.user_put(name, "disabled", &UserDisable { disabled })
            .await
    }

    /// What they have open ends. Refused for the last admin.
    pub async fn user_role(&self, name: &str, role: Role) -> Result<User, CliError> {
        self.user_put(name, "role", &UserRole { role }).await
    }

    /// One user, and the version that a change can be made of.
    pub async fn user_get(&self, name: &str) -> Result<(User, Option<HeaderValue>), CliError> {
        let path = format!("{USERS}/{}", segment(name));
        let answer = self.get_whole(&path).await?;
        let version = answer.headers().get(header::ETAG).cloned();
        Ok((self.read(answer).await?, version))
    }

    /// Sets all of a quota, where the user is still of that version.
    pub async fn user_quota(
        &self,
        name: &str,
        quota: &UserQuota,
        version: Option<HeaderValue>,
    ) -> Result<User, CliError> {
        let path = format!("{USERS}/{}/quota", segment(name));
        let mut request = self.request(Method::PUT, &path).json(quota);
        if let Some(version) = version {
            request = request.header(header::IF_MATCH, version);
        }
        let answer = self.send(request.timeout(ANSWER_DEADLINE)).await?;
        self.read(answer).await
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

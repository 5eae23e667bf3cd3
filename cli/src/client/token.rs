//! API tokens.

use reqwest::Method;
use server_api::token::{Token, TokenCreate, TokenCreated};

use super::{ANSWER_DEADLINE, Client, segment};
use crate::{error::CliError, secret::Secret};

const TOKENS: &str = "/api/v1/me/tokens";

impl Client {
    /// One's own, newest first; those that have expired too.
    pub async fn token_list(&self) -> Result<Vec<Token>, CliError> {
        self.get(TOKENS).await
    }

    /// The secret is in this answer, and nowhere else. The new token has no more scopes than the one that
    /// makes it.
    pub async fn token_create(&self, wish: &TokenCreate) -> Result<TokenCreated, CliError> {
        self.create(TOKENS, Some(wish)).await
    }

    /// Makes a token with name and password: the only call that takes these.
    pub async fn token_create_first(
        &self,
        user: &str,
        password: &Secret,
        wish: &TokenCreate,
    ) -> Result<TokenCreated, CliError> {
        let request = self
            .request(Method::POST, TOKENS)
            .timeout(ANSWER_DEADLINE)
            .basic_auth(user, Some(password.expose()))
            .json(wish);
        let answer = self.send(request).await?;
        self.read(answer).await
    }

    /// Revokes it; what is open under it ends.
    pub async fn token_delete(&self, id: &str) -> Result<(), CliError> {
        self.delete(&format!("{TOKENS}/{}", segment(id))).await
    }
}

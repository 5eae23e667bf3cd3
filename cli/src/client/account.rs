//! The caller's own account.

use server_api::account::Me;

use super::Client;
use crate::error::CliError;

impl Client {
    /// Who the token signs in, with role and quota; by it `login` finds out whether a token is good.
    pub async fn me(&self) -> Result<Me, CliError> {
        self.get("/api/v1/me").await
    }
}

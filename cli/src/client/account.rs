//! The caller's own account.

use server_api::account::Me;

use super::Client;
use crate::error::CliError;

impl Client {
    pub async fn me(&self) -> Result<Me, CliError> {
        self.get("/api/v1/me").await
    }
}

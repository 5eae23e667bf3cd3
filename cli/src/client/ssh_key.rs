//! SSH keys.

use server_api::ssh_key::{SshKey, SshKeyAdd};

use super::{Client, segment};
use crate::error::CliError;

const KEYS: &str = "/api/v1/me/keys";

impl Client {
    pub async fn ssh_key_list(&self) -> Result<Vec<SshKey>, CliError> {
        self.get(KEYS).await
    }

    pub async fn ssh_key_add(&self, wish: &SshKeyAdd) -> Result<SshKey, CliError> {
        self.create(KEYS, Some(wish)).await
    }

    pub async fn ssh_key_delete(&self, id: &str) -> Result<(), CliError> {
        self.delete(&format!("{KEYS}/{}", segment(id))).await
    }
}

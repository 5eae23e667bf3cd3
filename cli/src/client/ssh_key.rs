//! SSH keys, and where they open.

use server_api::{
    ssh::SshHost,
    ssh_key::{SshKey, SshKeyAdd},
};

use super::{Client, segment};
use crate::error::CliError;

const KEYS: &str = "/api/v1/me/keys";

impl Client {
    /// How to connect by SSH.
    pub async fn ssh_host(&self) -> Result<SshHost, CliError> {
        self.get("/api/v1/ssh").await
    }

    /// One's own, newest first.
    pub async fn ssh_key_list(&self) -> Result<Vec<SshKey>, CliError> {
        self.get(KEYS).await
    }

    /// The server looks at the key, and refuses what is weak, private or there already.
    pub async fn ssh_key_add(&self, wish: &SshKeyAdd) -> Result<SshKey, CliError> {
        self.create(KEYS, Some(wish)).await
    }

    /// Connections that were made with it end.
    pub async fn ssh_key_delete(&self, id: &str) -> Result<(), CliError> {
        self.delete(&format!("{KEYS}/{}", segment(id))).await
    }
}

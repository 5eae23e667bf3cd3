//! Shells.

use server_api::shell::Shell;

use super::{Client, segment, vm::vm_path};
use crate::error::CliError;

const SHELLS: &str = "/api/v1/shells";

impl Client {
    /// The live shells of a VM, newest first.
    pub async fn shell_list(&self, vm: &str) -> Result<Vec<Shell>, CliError> {
        self.get(&format!("{}/shells", vm_path(vm))).await
    }

    /// Opens a new shell in a VM.
    pub async fn shell_create(&self, vm: &str) -> Result<Shell, CliError> {
        let path = format!("{}/shells", vm_path(vm));
        self.create(&path, None::<&()>).await
    }

    /// Ends the shell and what runs in it; "not found" where it has ended already.
    pub async fn shell_delete(&self, id: &str) -> Result<(), CliError> {
        self.delete(&format!("{SHELLS}/{}", segment(id))).await
    }
}

//! Shells that are shared.

use server_api::shell_share::{
    ShellGrant, ShellInvitationCreate, ShellInvitationCreated, ShellInvitationLink, ShellMode,
    ShellShare,
};

use super::{Client, segment};
use crate::error::CliError;

const GRANTS: &str = "/api/v1/me/shell-grants";

impl Client {
    /// A new link to a shell.
    pub async fn shell_invitation_create(
        &self,
        shell: &str,
        mode: ShellMode,
    ) -> Result<ShellInvitationCreated, CliError> {
        let path = format!("/api/v1/shells/{}/invitations", segment(shell));
        self.create(&path, Some(&ShellInvitationCreate { mode }))
            .await
    }

    /// Withdraws a link of one's own that nobody has accepted.
    pub async fn shell_invitation_delete(&self, id: &str) -> Result<(), CliError> {
        self.delete(&format!("/api/v1/shell-invitations/{}", segment(id)))
            .await
    }

    /// With whom a shell is shared.
    pub async fn shell_share_get(&self, shell: &str) -> Result<ShellShare, CliError> {
        self.get(&format!("/api/v1/shells/{}/share", segment(shell)))
            .await
    }

    /// Accepts an invitation.
    pub async fn shell_grant_create(&self, link: &str) -> Result<ShellGrant, CliError> {
        let link = link.to_owned();
        self.create(GRANTS, Some(&ShellInvitationLink { link }))
            .await
    }

    /// Takes a grant back, as its owner, or leaves, as who has it.
    pub async fn shell_grant_delete(&self, id: &str) -> Result<(), CliError> {
        self.delete(&format!("/api/v1/shell-grants/{}", segment(id)))
            .await
    }

    /// What others share.
    pub async fn shell_shared_list(&self) -> Result<Vec<ShellGrant>, CliError> {
        self.get(GRANTS).await
    }
}

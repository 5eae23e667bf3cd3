//! Shared shells, as pages use them: the caller's right, then control.

use app::{
    control_plane::{Answer, SharePlane},
    model::{
        SharedShell, ShellGrantView, ShellInvitationMade, ShellInvitationView, ShellMode,
        ShellShare,
    },
};
use async_trait::async_trait;

use super::RequestPlane;
use crate::control::ControlError;

impl RequestPlane {
    /// The address of the page that a link with this token leads to.
    fn invitation_link(&self, token: &str) -> String {
        let caller = &self.caller;
        let pages = self.state.config.address_for(&caller.host, caller.secure);
        format!("{pages}/invitations/{token}")
    }

    /// A new link under an id that the caller chose (UUIDv7); None where one of that id was made before, whose
    /// link nobody has any more.
    pub async fn shell_invitation_create_as(
        &self,
        id: &str,
        shell: &str,
        mode: ShellMode,
    ) -> Answer<Option<ShellInvitationMade>> {
        let actor = self.caller.require()?;
        let control = &self.state.control;
        let made = control.shell_invitation_create_as(actor, id, shell, mode);
        let (invitation, token) = match made.await {
            Err(ControlError::Db(error)) if error.is_made() => return Ok(None),
            made => self.control_answer(made)?,
        };
        Ok(Some(ShellInvitationMade {
            invitation,
            link: self.invitation_link(token.expose()),
        }))
    }

    /// Accepts a link, under an id that the caller chose.
    pub async fn shell_grant_create_as(&self, id: &str, token: &str) -> Answer<ShellGrantView> {
        let actor = self.caller.require()?;
        self.invitation_count()?;
        let control = &self.state.control;
        self.control_answer(control.shell_grant_create_as(actor, id, token).await)
    }

    fn invitation_count(&self) -> Answer<()> {
        self.account_answer(self.state.auth.invitation_count(&self.caller))
    }
}

#[async_trait]
impl SharePlane for RequestPlane {
    async fn shell_invitation_create(
        &self,
        shell: &str,
        mode: ShellMode,
    ) -> Answer<ShellInvitationMade> {
        let actor = self.caller.require()?;
        let control = &self.state.control;
        let made = control.shell_invitation_create(actor, shell, mode).await;
        let (invitation, token) = self.control_answer(made)?;
        Ok(ShellInvitationMade {
            invitation,
            link: self.invitation_link(token.expose()),
        })
    }

    async fn shell_invitation_delete(&self, id: &str) -> Answer<()> {
        let actor = self.caller.require()?;
        self.control_answer(self.state.control.shell_invitation_delete(actor, id).await)
    }

    async fn shell_invitation_get(&self, token: &str) -> Answer<ShellInvitationView> {
        let actor = self.caller.require()?;
        self.invitation_count()?;
        self.control_answer(self.state.control.shell_invitation_get(actor, token).await)
    }

    async fn shell_share_get(&self, shell: &str) -> Answer<ShellShare> {
        let actor = self.caller.require()?;
        self.control_answer(self.state.control.shell_share_get(actor, shell).await)
    }

    async fn shell_grant_create(&self, token: &str) -> Answer<ShellGrantView> {
        let id = uuid::Uuid::now_v7().to_string();
        self.shell_grant_create_as(&id, token).await
    }

    async fn shell_grant_delete(&self, id: &str) -> Answer<()> {
        let actor = self.caller.require()?;
        self.control_answer(self.state.control.shell_grant_delete(actor, id).await)
    }

    async fn shell_shared_list(&self) -> Answer<Vec<ShellGrantView>> {
        let actor = self.caller.require()?;
        self.control_answer(self.state.control.shell_shared_list(actor).await)
    }

    async fn shell_shared_get(&self, id: &str) -> Answer<SharedShell> {
        let actor = self.caller.require()?;
        self.control_answer(self.state.control.shell_shared_get(actor, id).await)
    }
}

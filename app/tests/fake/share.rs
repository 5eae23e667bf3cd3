//! Shared shells: bob shares one with ann, and invites whoever has the link `open`.

use app::{
    control_plane::{Answer, SharePlane},
    model::*,
};
use async_trait::async_trait;

use super::{Fake, now};

const HOUR: i64 = 3_600_000_000;
const GRANT: &str = "0197c1d4-6a3e-7c31-9f52-0000000grant";

fn invitation(owner: &str) -> ShellInvitationView {
    ShellInvitationView {
        id: "0197c1d4-6a3e-7c31-9f52-00invitation".into(),
        shell_id: "0197c1d4-6a3e-7c31-9f52-0000000shell".into(),
        vm: "lab".into(),
        owner: owner.into(),
        mode: ShellMode::Watch,
        created_at: now() - HOUR,
        expires_at: now() + 23 * HOUR,
    }
}

fn grant(owner: &str, user: &str) -> ShellGrantView {
    ShellGrantView {
        id: GRANT.into(),
        shell_id: "0197c1d4-6a3e-7c31-9f52-0000000shell".into(),
        vm: "lab".into(),
        owner: owner.into(),
        user: user.into(),
        mode: ShellMode::Watch,
        created_at: now() - HOUR,
        present: true,
    }
}

#[async_trait]
impl SharePlane for Fake {
    async fn shell_invitation_create(
        &self,
        _: &str,
        mode: ShellMode,
    ) -> Answer<ShellInvitationMade> {
        let invitation = ShellInvitationView {
            mode,
            ..invitation(self.name()?)
        };
        Ok(ShellInvitationMade {
            invitation,
            link: "http://localhost:5555/invitations/open".into(),
        })
    }

    async fn shell_invitation_delete(&self, _: &str) -> Answer<()> {
        self.name().map(drop)
    }

    async fn shell_invitation_get(&self, token: &str) -> Answer<ShellInvitationView> {
        self.note("shell_invitation_get");
        self.name()?;
        match token {
            "open" => Ok(invitation("bob")),
            _ => Err(AppError::new(
                ErrorKind::NotFound,
                "invitation_closed",
                "This invitation is not open any more. Ask whoever sent it for a new one.",
            )),
        }
    }

    async fn shell_share_get(&self, _: &str) -> Answer<ShellShare> {
        let owner = self.name()?;
        Ok(ShellShare {
            invitations: vec![invitation(owner)],
            grants: vec![grant(owner, "bob")],
        })
    }

    async fn shell_grant_create(&self, token: &str) -> Answer<ShellGrantView> {
        self.shell_invitation_get(token).await?;
        Ok(grant("bob", self.name()?))
    }

    async fn shell_grant_delete(&self, id: &str) -> Answer<()> {
        self.remove(id)
    }

    async fn shell_shared_list(&self) -> Answer<Vec<ShellGrantView>> {
        self.note("shell_shared_list");
        match self.name()? {
            "ann" => Ok(vec![grant("bob", "ann")]),
            _ => Ok(Vec::new()),
        }
    }

    async fn shell_shared_get(&self, id: &str) -> Answer<SharedShell> {
        self.note("shell_shared_get");
        match (self.name()?, id) {
            ("ann", GRANT) => Ok(SharedShell {
                attach: "/shells/0197c1d4-6a3e-7c31-9f52-0000000shell/attach".into(),
                grant: grant("bob", "ann"),
            }),
            _ => Err(AppError::not_found("grant", id)),
        }
    }
}

//! Invitations: links by which the owner of a VM lets somebody else into one of its shells. A link
//! gives no right by itself: a signed-in user accepts it, once, and a grant comes of it.

use app::model::{ShellInvitationView, ShellMode, ShellShare};

use super::{Control, ControlError};
use crate::{
    actor::Actor,
    clock,
    clock::SECOND,
    db::{
        event::{NewEvent, SubjectKind, event_insert},
        shell::{ShellRow, shell_get, shell_lock},
        shell_grant::shell_grant_list,
        shell_invitation::{
            ShellInvitationRow, shell_invitation_delete, shell_invitation_expire,
            shell_invitation_find, shell_invitation_insert, shell_invitation_list,
            shell_share_count,
        },
    },
    secret::Secret,
};

/// How long a link can be accepted.
const OPEN: i64 = 24 * 3600 * SECOND;
/// How often a VM's shells may be shared: links that can be accepted yet, and grants.
const SHARES_MAX: usize = 32;

impl Control {
    /// A new link to one of the actor's shells: the invitation, and the token that is in the link and
    /// nowhere else.
    pub async fn shell_invitation_create(
        &self,
        actor: &Actor,
        shell_id: &str,
        mode: ShellMode,
    ) -> Result<(ShellInvitationView, Secret), ControlError> {
        let id = uuid::Uuid::now_v7().to_string();
        self.shell_invitation_create_as(actor, &id, shell_id, mode)
            .await
    }

    /// The same under an id that the caller chose (UUIDv7), so that a repeat makes no other
    /// ([`DbError::is_made`]).
    ///
    /// [`DbError::is_made`]: crate::db::DbError::is_made
    pub async fn shell_invitation_create_as(
        &self,
        actor: &Actor,
        id: &str,
        shell_id: &str,
        mode: ShellMode,
    ) -> Result<(ShellInvitationView, Secret), ControlError> {
        let shell = self.shell_own(actor, shell_id).await?;
        let vm = self.vm_any(&shell.vm_id).await?;
        let live = self.shell_ids(&vm).await?;
        if !live.iter().any(|shell| shell == shell_id) {
            return Err(ControlError::not_found("shell", shell_id));
        }
        let token = Secret::random().map_err(ControlError::Random)?;
        let now = clock::now();
        let row = ShellInvitationRow {
            id: id.to_owned(),
            shell_id: shell.id,
            vm_id: vm.id,
            vm: vm.name,
            owner_id: vm.owner_id,
            owner: vm.owner,
            mode,
            created_at: now,
            expires_at: now + OPEN,
        };
        let mut tx = self.0.db.write_exclusive().await?;
        if !shell_lock(&mut tx, shell_id).await? {
            return Err(ControlError::not_found("shell", shell_id));
        }
        shell_invitation_expire(&mut tx, shell_id, now).await?;
        if shell_share_count(&mut tx, &row.vm_id, &live, now).await? >= SHARES_MAX {
            return Err(shares_max(&row.vm));
        }
        shell_invitation_insert(&mut tx, &row, &token.hash()).await?;
        event_insert(&mut tx, &event("shell_invitation_create", actor, &row)).await?;
        tx.commit().await?;
        self.tell(Some(&row.owner_id));
        Ok((view(row), token))
    }

    /// With whom one of the actor's shells is shared, and who of them is in it.
    pub async fn shell_share_get(
        &self,
        actor: &Actor,
        shell_id: &str,
    ) -> Result<ShellShare, ControlError> {
        let shell = self.shell_own(actor, shell_id).await?;
        let invitations = shell_invitation_list(&self.0.db, &shell.id, clock::now()).await?;
        let grants = shell_grant_list(&self.0.db, &shell.id).await?;
        Ok(ShellShare {
            invitations: invitations.into_iter().map(view).collect(),
            grants: grants
                .iter()
                .map(|row| self.shell_grant_view(row))
                .collect(),
        })
    }

    /// Withdraws one of the actor's links; grants that came of others stay.
    pub async fn shell_invitation_delete(
        &self,
        actor: &Actor,
        id: &str,
    ) -> Result<(), ControlError> {
        let mut tx = self.0.db.write().await?;
        let row = shell_invitation_delete(&mut tx, &actor.user_id, id).await?;
        let row = row.ok_or_else(|| ControlError::not_found("invitation", id))?;
        event_insert(&mut tx, &event("shell_invitation_delete", actor, &row)).await?;
        tx.commit().await?;
        self.tell(Some(&row.owner_id));
        Ok(())
    }

    /// What a link leads to; changes nothing.
    pub async fn shell_invitation_get(
        &self,
        _actor: &Actor,
        token: &str,
    ) -> Result<ShellInvitationView, ControlError> {
        let hash = Secret::new(token).hash();
        Ok(view(self.shell_invitation_open(&hash).await?))
    }

    /// The invitation behind a token's hash, while it can be accepted and leads to a shell.
    pub(super) async fn shell_invitation_open(
        &self,
        hash: &Secret,
    ) -> Result<ShellInvitationRow, ControlError> {
        let row = shell_invitation_find(&self.0.db, hash, clock::now()).await?;
        let row = row.ok_or(ControlError::InvitationClosed)?;
        match self.shell_may_live(&row.vm_id, &row.shell_id).await {
            true => Ok(row),
            false => Err(ControlError::InvitationClosed),
        }
    }

    async fn shell_own(&self, actor: &Actor, id: &str) -> Result<ShellRow, ControlError> {
        shell_get(&self.0.db, &actor.user_id, id)
            .await?
            .ok_or_else(|| ControlError::not_found("shell", id))
    }
}

/// What the mode lets somebody do, for the sentence of an event.
pub(super) fn mode_words(mode: ShellMode) -> &'static str {
    match mode {
        ShellMode::Watch => "to watch",
        ShellMode::Type => "to type",
    }
}

fn shares_max(vm: &str) -> ControlError {
    let words = format!(
        "Shells of {vm} are shared {SHARES_MAX} times already. Withdraw a link or take a right back first."
    );
    ControlError::conflict("shell_shares_max", words)
}

fn event(kind: &'static str, actor: &Actor, row: &ShellInvitationRow) -> NewEvent {
    NewEvent::new(kind, Some(actor), SubjectKind::Vm, &row.vm_id, &row.vm)
        .owner(&row.owner_id)
        .detail(mode_words(row.mode))
}

fn view(row: ShellInvitationRow) -> ShellInvitationView {
    ShellInvitationView {
        id: row.id,
        shell_id: row.shell_id,
        vm: row.vm,
        owner: row.owner,
        mode: row.mode,
        created_at: row.created_at,
        expires_at: row.expires_at,
    }
}

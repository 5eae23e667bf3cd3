//! Grants: who else may watch, or type in, a shell. Nothing else of the VM is theirs.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use app::model::{SharedShell, ShellGrantView, ShellMode};
use futures_util::future::join_all;
use tokio::time::timeout;

use super::{Control, ControlError, ShellPlace, shell_invitation::mode_words};
use crate::{
    actor::Actor,
    clock,
    db::{
        event::{NewEvent, SubjectKind, event_insert},
        shell::shell_get_any,
        shell_grant::{
            ShellGrantRow, shell_grant_delete, shell_grant_find, shell_grant_get,
            shell_grant_list_by_user, shell_grant_put,
        },
        shell_invitation::{ShellInvitationRow, shell_invitation_lock, shell_invitation_take},
        user::user_lock,
        vm::vm_get_any,
    },
    secret::Secret,
};

/// How long the list of what others share waits for nodes: it stands on the first page, which comes whole.
/// A shell whose node is late is listed, and found to have ended when it is opened.
const LIVE_WAIT: Duration = Duration::from_millis(500);

/// A place at a shell, and the right to it.
#[derive(Clone)]
pub struct ShellSeat {
    pub place: ShellPlace,
    /// None: the shell is the actor's own, or the actor an admin.
    pub grant: Option<ShellGrantRow>,
}

impl ShellSeat {
    /// What may be done from it.
    pub fn mode(&self) -> ShellMode {
        self.grant
            .as_ref()
            .map_or(ShellMode::Type, |grant| grant.mode)
    }
}

impl Control {
    /// Accepts the invitation that a link with this token leads to: it is used up, and the actor may do
    /// in the shell what it says, in place of what they could there before.
    pub async fn shell_grant_create(
        &self,
        actor: &Actor,
        token: &str,
    ) -> Result<ShellGrantView, ControlError> {
        let id = uuid::Uuid::now_v7().to_string();
        self.shell_grant_create_as(actor, &id, token).await
    }

    /// The same under an id that the caller chose (UUIDv7), so that a repeat is harmless: the actor's grant
    /// that has the id already is the answer.
    pub async fn shell_grant_create_as(
        &self,
        actor: &Actor,
        id: &str,
        token: &str,
    ) -> Result<ShellGrantView, ControlError> {
        let made = shell_grant_get(&self.0.db, id).await?;
        if let Some(row) = made.filter(|row| row.user_id == actor.user_id) {
            return Ok(self.shell_grant_view(&row));
        }
        let hash = Secret::new(token).hash();
        // To no shell: a link that leads nowhere is not used up.
        self.shell_invitation_open(&hash).await?;
        let now = clock::now();
        let mut tx = self.0.db.write().await?;
        if !shell_invitation_lock(&mut tx, &hash, now).await? {
            return Err(ControlError::InvitationClosed);
        }
        if !user_lock(&mut tx, &actor.user_id).await? {
            return Err(ControlError::NoAccount);
        }
        let invitation = shell_invitation_take(&mut tx, &hash, now).await?;
        let invitation = invitation.ok_or(ControlError::InvitationClosed)?;
        if invitation.owner_id == actor.user_id {
            let words = "This is your own invitation. Send its link to somebody else.";
            return Err(ControlError::conflict("invitation_own", words));
        }
        let row = row_new(actor, id, invitation, now);
        let before = shell_grant_put(&mut tx, &row).await?;
        let event = event("shell_grant_create", actor, &row).detail(mode_words(row.mode));
        event_insert(&mut tx, &event).await?;
        tx.commit().await?;
        if let Some(before) = before {
            self.0.visits.end(&before);
        }
        self.tell(Some(&row.owner_id));
        Ok(self.shell_grant_view(&row))
    }

    /// Ends a grant: its owner takes it back, or who has it leaves. Who is in the shell by it is out.
    pub async fn shell_grant_delete(&self, actor: &Actor, id: &str) -> Result<(), ControlError> {
        let row = shell_grant_get(&self.0.db, id).await?;
        let is_theirs =
            |row: &ShellGrantRow| [&row.owner_id, &row.user_id].contains(&&actor.user_id);
        let not_found = || ControlError::not_found("grant", id);
        let row = row.filter(is_theirs).ok_or_else(not_found)?;
        let event = match row.user_id == actor.user_id {
            true => event("shell_grant_leave", actor, &row),
            false => event("shell_grant_delete", actor, &row).detail(row.user.as_str()),
        };
        let mut tx = self.0.db.write().await?;
        if !shell_grant_delete(&mut tx, &row.id).await? {
            return Err(not_found());
        }
        event_insert(&mut tx, &event).await?;
        tx.commit().await?;
        self.0.visits.end(&row.id);
        self.tell(Some(&row.owner_id));
        Ok(())
    }

    /// The shells that others share with the actor, newest first; those that have ended are left out, where
    /// their nodes say so at once.
    pub async fn shell_shared_list(
        &self,
        actor: &Actor,
    ) -> Result<Vec<ShellGrantView>, ControlError> {
        let rows = shell_grant_list_by_user(&self.0.db, &actor.user_id).await?;
        let vms: HashSet<String> = rows.iter().map(|row| row.vm_id.clone()).collect();
        let asked = vms.into_iter().map(|vm_id| async move {
            let shells = self.shell_ids_live(&vm_id).await;
            (vm_id, shells)
        });
        let live: HashMap<String, Option<Vec<String>>> =
            join_all(asked).await.into_iter().collect();
        let lives = |row: &&ShellGrantRow| {
            let shells = live.get(&row.vm_id).and_then(Option::as_ref);
            shells.is_none_or(|shells| shells.contains(&row.shell_id))
        };
        let rows = rows.iter().filter(lives);
        Ok(rows.map(|row| self.shell_grant_view(row)).collect())
    }

    /// What the page of a shell needs that is shared with the actor.
    pub async fn shell_shared_get(
        &self,
        actor: &Actor,
        id: &str,
    ) -> Result<SharedShell, ControlError> {
        let row = shell_grant_get(&self.0.db, id).await?;
        let row = row.filter(|row| row.user_id == actor.user_id);
        let row = row.ok_or_else(|| ControlError::not_found("grant", id))?;
        let vm = self.vm_any(&row.vm_id).await?;
        if !self.shell_lives(&vm, &row.shell_id).await? {
            let words = format!(
                "This shell of {} has ended. Ask {} to share another one.",
                row.vm, row.owner
            );
            return Err(ControlError::conflict("shell_ended", words));
        }
        Ok(SharedShell {
            attach: format!("/shells/{}/attach", row.shell_id),
            grant: self.shell_grant_view(&row),
        })
    }

    /// A seat at a shell for whoever may be in it. A grant counts before an admin's right, so that it can
    /// be taken back from an admin, too, and means what it says; the page of such a shell says that one
    /// watches ([`Control::shell_watches`]).
    pub async fn shell_seat(&self, actor: &Actor, id: &str) -> Result<ShellSeat, ControlError> {
        let grant = shell_grant_find(&self.0.db, id, &actor.user_id).await?;
        let place = match &grant {
            Some(grant) => {
                let shell = shell_get_any(&self.0.db, &grant.shell_id).await?;
                let shell = shell.ok_or_else(|| ControlError::not_found("shell", id))?;
                self.shell_place(&shell).await?
            }
            None => self.shell_find(actor, id).await?,
        };
        Ok(ShellSeat { place, grant })
    }

    /// Errs with NotFound once the right to the seat is gone, or another one has taken its place: also where
    /// an admin who sits here as such has accepted an invitation.
    pub async fn shell_seat_check(
        &self,
        actor: &Actor,
        seat: &ShellSeat,
    ) -> Result<(), ControlError> {
        let shell_id = &seat.place.shell_id;
        let now = shell_grant_find(&self.0.db, shell_id, &actor.user_id).await?;
        match (&now, &seat.grant) {
            (None, None) => self.shell_find(actor, shell_id).await.map(drop),
            (Some(now), Some(then)) if now.id == then.id => Ok(()),
            _ => Err(ControlError::not_found("shell", shell_id)),
        }
    }

    /// True for who was invited to watch this shell, and so may not type in it, as an admin neither.
    pub(super) async fn shell_watches(
        &self,
        actor: &Actor,
        shell_id: &str,
    ) -> Result<bool, ControlError> {
        let grant = shell_grant_find(&self.0.db, shell_id, &actor.user_id).await?;
        Ok(grant.is_some_and(|grant| grant.mode == ShellMode::Watch))
    }

    /// With whether its user is in the shell now.
    pub(super) fn shell_grant_view(&self, row: &ShellGrantRow) -> ShellGrantView {
        ShellGrantView {
            id: row.id.clone(),
            shell_id: row.shell_id.clone(),
            vm: row.vm.clone(),
            owner: row.owner.clone(),
            user: row.user.clone(),
            mode: row.mode,
            created_at: row.created_at,
            present: self.0.visits.is_in(&row.id),
        }
    }

    /// False once the shell has ended, where its node says so at once.
    pub async fn shell_may_live(&self, vm_id: &str, shell_id: &str) -> bool {
        let live = self.shell_ids_live(vm_id).await;
        live.is_none_or(|live| live.iter().any(|live| live == shell_id))
    }

    /// Ids of a VM's live shells; None: nobody knows, or says so in time.
    async fn shell_ids_live(&self, vm_id: &str) -> Option<Vec<String>> {
        let asked = async {
            let row = vm_get_any(&self.0.db, vm_id).await.ok()??;
            self.shell_ids(&row).await.ok()
        };
        timeout(LIVE_WAIT, asked).await.ok()?
    }
}

/// What comes of an invitation that the actor has accepted.
fn row_new(actor: &Actor, id: &str, invitation: ShellInvitationRow, now: i64) -> ShellGrantRow {
    ShellGrantRow {
        id: id.to_owned(),
        shell_id: invitation.shell_id,
        vm_id: invitation.vm_id,
        vm: invitation.vm,
        owner_id: invitation.owner_id,
        owner: invitation.owner,
        user_id: actor.user_id.clone(),
        user: actor.name.clone(),
        mode: invitation.mode,
        created_at: now,
    }
}

/// About the VM; its owner reads it.
pub(super) fn event(kind: &'static str, actor: &Actor, row: &ShellGrantRow) -> NewEvent {
    NewEvent::new(kind, Some(actor), SubjectKind::Vm, &row.vm_id, &row.vm).owner(&row.owner_id)
}

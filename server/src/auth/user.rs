//! Users, as admins manage them. The last admin who can sign in stays one: every change that could
//! end that runs in an exclusive transaction and looks for another first.

use app::model::{QuotaForm, QuotaUsage, Role, UserView};
use sha2::{Digest as _, Sha256};

use super::{Auth, AuthError, Caller, Revoked, caller::not_for_you, password::one_time_password};
use crate::{
    actor::Actor,
    db::{
        Tx,
        event::{NewEvent, SubjectKind, event_insert},
        login_session::login_session_delete_all,
        user::{
            User, role_text, user_disabled_set, user_get_by_name, user_get_in, user_list,
            user_other_admin, user_password_set, user_quota_set, user_role_set,
        },
        vm::vm_stop_by_owner,
    },
};

/// The largest quota that can be set: beyond it a figure is a slip of the hand.
const QUOTA_MAX: QuotaForm = QuotaForm {
    vms: 1_000,
    cpu_millis: 1_000_000,
    memory_mib: 4_194_304,
    disk_gib: 1_048_576,
};

impl Auth {
    /// All users, by name.
    pub async fn user_list(&self, caller: &Caller) -> Result<Vec<UserView>, AuthError> {
        let admin = caller.require_admin()?;
        let users = user_list(&self.0.db).await?;
        Ok(users.into_iter().map(|user| view(user, admin)).collect())
    }

    /// Takes a user's access away, or gives it back. Taken: login sessions and shells end within
    /// 5 s and the VMs are stopped; given back: the VMs stay stopped. Answers the nodes that have
    /// VMs to stop now as well: wake their reconcilers.
    pub async fn user_disable(
        &self,
        caller: &Caller,
        name: &str,
        disabled: bool,
    ) -> Result<(UserView, Vec<String>), AuthError> {
        let admin = caller.require_admin()?;
        let mut tx = self.write_as(admin).await?;
        let user = user_found(&mut tx, name).await?;
        unchanged(caller, &user)?;
        let mut nodes = Vec::new();
        if user.disabled != disabled {
            user_disabled_set(&mut tx, &user.id, disabled).await?;
            if disabled {
                still_an_admin(&mut tx, &user).await?;
                login_session_delete_all(&mut tx, &user.id, None).await?;
                nodes = vm_stop_by_owner(&mut tx, &user.id, Some(admin)).await?;
            }
            let kind = if disabled {
                "user_disable"
            } else {
                "user_enable"
            };
            event_insert(&mut tx, &event(kind, admin, &user)).await?;
            tx.commit().await?;
        }
        if disabled {
            self.revoke(Revoked::User(user.id));
        }
        Ok((self.user_view(admin, name).await?, nodes))
    }

    /// Makes a user an admin, or a member again.
    pub async fn user_role(
        &self,
        caller: &Caller,
        name: &str,
        role: Role,
    ) -> Result<UserView, AuthError> {
        let admin = caller.require_admin()?;
        let mut tx = self.write_as(admin).await?;
        let user = user_found(&mut tx, name).await?;
        unchanged(caller, &user)?;
        if user.role != role {
            user_role_set(&mut tx, &user.id, role).await?;
            if role == Role::Member {
                still_an_admin(&mut tx, &user).await?;
            }
            let event = event("user_role", admin, &user).detail(role_text(role));
            event_insert(&mut tx, &event).await?;
            tx.commit().await?;
            // What is open was opened under the old role.
            self.revoke(Revoked::User(user.id));
        }
        self.user_view(admin, name).await
    }

    /// Sets what a user may have. What they have beyond it already stays.
    pub async fn user_quota(
        &self,
        caller: &Caller,
        name: &str,
        quota: QuotaForm,
    ) -> Result<UserView, AuthError> {
        let admin = caller.require_admin()?;
        quota_check(quota)?;
        let mut tx = self.write_as(admin).await?;
        let user = user_found(&mut tx, name).await?;
        unchanged(caller, &user)?;
        user_quota_set(&mut tx, &user.id, quota).await?;
        let words = format!(
            "{} VMs, {} vCPU, {} MiB memory, {} GiB disk",
            quota.vms,
            f64::from(quota.cpu_millis) / 1000.0,
            quota.memory_mib,
            quota.disk_gib
        );
        event_insert(&mut tx, &event("user_quota", admin, &user).detail(words)).await?;
        tx.commit().await?;
        self.user_view(admin, name).await
    }

    /// Gives a user a one-time password, to be shown once, and ends their login sessions.
    pub async fn user_password_reset(
        &self,
        caller: &Caller,
        name: &str,
    ) -> Result<String, AuthError> {
        let admin = caller.require_admin()?;
        let password = one_time_password()?;
        let hash = self.0.passwords.hash(&password).await?;
        let mut tx = self.write_as(admin).await?;
        let user = user_found(&mut tx, name).await?;
        user_password_set(&mut tx, &user.id, None, &hash, true).await?;
        login_session_delete_all(&mut tx, &user.id, None).await?;
        event_insert(&mut tx, &event("user_password_reset", admin, &user)).await?;
        tx.commit().await?;
        self.revoke(Revoked::User(user.id));
        Ok(password.expose().to_owned())
    }

    /// As [`Db::write_as`](crate::db::Db::write_as); refused as any page of admins is to others.
    pub(super) async fn write_as(&self, actor: &Actor) -> Result<Tx, AuthError> {
        let tx = self.0.db.write_as(actor).await?;
        Ok(tx.ok_or_else(not_for_you)?)
    }

    async fn user_view(&self, admin: &Actor, name: &str) -> Result<UserView, AuthError> {
        let user = user_get_by_name(&self.0.db, name).await?;
        user.map(|user| view(user, admin))
            .ok_or_else(|| AuthError::NoUser(name.to_owned()))
    }
}

pub(super) async fn user_found(tx: &mut Tx, name: &str) -> Result<User, AuthError> {
    user_get_in(tx, name)
        .await?
        .ok_or_else(|| AuthError::NoUser(name.to_owned()))
}

/// Errors when the caller looked at another version than there is now.
fn unchanged(caller: &Caller, user: &User) -> Result<(), AuthError> {
    let now = user_version(user.role, user.disabled, &user.quota);
    match &caller.if_match {
        Some(seen) if *seen != now && seen != "*" => Err(AuthError::Changed(user.name.clone())),
        _ => Ok(()),
    }
}

/// Changes whenever an admin changes something about a user, and at nothing else.
fn user_version(role: Role, disabled: bool, quota: &QuotaUsage) -> String {
    let limits = [
        quota.vms_max,
        quota.cpu_millis_max,
        quota.memory_mib_max,
        quota.disk_gib_max,
    ];
    let text = format!("{role:?} {disabled} {limits:?}");
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Errors when this change leaves nobody who can administer. Dropping the transaction undoes it.
pub(super) async fn still_an_admin(tx: &mut Tx, user: &User) -> Result<(), AuthError> {
    let was_one = user.role == Role::Admin && !user.disabled;
    if was_one && !user_other_admin(tx, &user.id).await? {
        return Err(AuthError::LastAdmin(user.name.clone()));
    }
    Ok(())
}

fn quota_check(quota: QuotaForm) -> Result<(), AuthError> {
    let max = QUOTA_MAX;
    let fits = quota.vms <= max.vms
        && quota.cpu_millis <= max.cpu_millis
        && quota.memory_mib <= max.memory_mib
        && quota.disk_gib <= max.disk_gib;
    if fits {
        return Ok(());
    }
    Err(AuthError::QuotaTooLarge(format!(
        "A quota is at most {} VMs, {} vCPU, {} MiB of memory and {} GiB of disk. Set less.",
        max.vms,
        max.cpu_millis / 1000,
        max.memory_mib,
        max.disk_gib
    )))
}

/// An event about a user by an admin.
pub(super) fn event(kind: &'static str, admin: &Actor, user: &User) -> NewEvent {
    NewEvent::new(kind, Some(admin), SubjectKind::User, &user.id, &user.name).owner(&user.id)
}

/// A user as this admin sees them.
pub(super) fn view(user: User, admin: &Actor) -> UserView {
    UserView {
        is_viewer: user.id == admin.user_id,
        version: user_version(user.role, user.disabled, &user.quota),
        name: user.name,
        role: user.role,
        disabled: user.disabled,
        must_change_password: user.must_change_password,
        quota: user.quota,
        created_at: user.created_at,
        active_at: user.active_at,
    }
}

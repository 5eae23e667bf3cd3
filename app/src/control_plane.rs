//! What pages need of the server, as traits that `server` implements and gives as context, bound to
//! the caller of the request. So pages know no SQL and no nodes, cannot name a caller other than
//! the one who asks, and can run against a fake.
//!
//! Names are noun first and the same in every layer. All answers are already authorised: another
//! user's thing is [`ErrorKind::NotFound`](crate::model::ErrorKind), equal to one that is not there.

#![warn(missing_docs)]

use std::sync::Arc;

use async_trait::async_trait;

use crate::model::*;

/// What a call answers: the thing, or how to say no to the person (with the HTTP status).
pub type Answer<T> = Result<T, AppError>;

/// The whole of it, one object a request.
pub type Plane = Arc<dyn ControlPlane>;

/// Everything pages can ask. All errors below stand beside [`ErrorKind::Unavailable`](crate::model::ErrorKind)
/// (the database, or a node, does not answer) and `Unauthenticated` (nobody is signed in), which any call can give.
pub trait ControlPlane: AccountPlane + VmPlane + SharePlane + AdminPlane {}

/// Accounts and login sessions. Cookies are set and cleared by the implementation.
#[async_trait]
pub trait AccountPlane: Send + Sync {
    /// Who is signed in, if anybody.
    async fn viewer(&self) -> Answer<Option<Viewer>>;
    /// From the cookie `theme`.
    fn theme(&self) -> Theme;
    /// What the installation lets people do; for anybody.
    async fn site(&self) -> Answer<Site>;
    /// Makes an account and signs it in.
    async fn account_create(&self, name: &str, password: &str, invite: Option<&str>) -> Answer<()>;
    /// Signs in; the role says where to land.
    async fn login(&self, name: &str, password: &str) -> Answer<Role>;
    /// Ends the login session that asks; fine when nobody is signed in.
    async fn logout(&self) -> Answer<()>;
    /// For anybody: zxcvbn, with the name among what is too easy.
    async fn password_strength(&self, name: &str, password: &str) -> Answer<PasswordStrength>;
    /// Ends the user's other login sessions too.
    async fn password_change(&self, current: &str, new: &str) -> Answer<()>;
    /// Last used first.
    async fn login_session_list(&self) -> Answer<Vec<LoginSessionView>>;
    /// The one that asks, too: that signs out.
    async fn login_session_delete(&self, id: &str) -> Answer<()>;
    /// Newest first.
    async fn token_list(&self) -> Answer<Vec<TokenView>>;
    /// `scopes` are words apart by spaces; answers the secret, which is nowhere to be had again.
    async fn token_create(&self, name: &str, scopes: &str, days: Option<u32>) -> Answer<String>;
    /// What is open under it ends within 5 s.
    async fn token_delete(&self, id: &str) -> Answer<()>;
    /// The caller's keys, and how to connect.
    async fn ssh_access_get(&self) -> Answer<SshAccess>;
    /// `public_key` is the line of a `.pub` file; `comment` None: the one in that line.
    async fn ssh_key_add(&self, public_key: &str, comment: Option<&str>) -> Answer<()>;
    /// What is open by it ends within 5 s.
    async fn ssh_key_delete(&self, id: &str) -> Answer<()>;
    /// `confirm` must be YES. Removes the user and their VMs.
    async fn account_delete(&self, confirm: &str) -> Answer<()>;
}

/// The caller's own VMs and shells.
#[async_trait]
pub trait VmPlane: Send + Sync {
    /// With the quota.
    async fn vm_list(&self) -> Answer<VmList>;
    /// Everything the VM's page shows; without what its node does not tell within 2 s.
    async fn vm_get(&self, name: &str) -> Answer<VmDetail>;
    /// What the form for a new VM offers now.
    async fn vm_offer(&self) -> Answer<VmOffer>;
    /// Ok when a VM of that name could be made; else what is wrong with the name.
    async fn vm_name_check(&self, name: &str) -> Answer<()>;
    /// Answers once the row is committed; the VM comes alive after that. `ssh_publish`: its own port 22
    /// on a port of its node, refused where the image has no SSH server or the caller no key.
    async fn vm_create(
        &self,
        name: &str,
        flavor: &str,
        image: &str,
        ssh_publish: bool,
    ) -> Answer<VmView>;
    /// Answers once it is written down; fine where it runs already. A failed one is tried again.
    async fn vm_start(&self, name: &str) -> Answer<VmView>;
    /// The same: graceful, its disk is kept. `Conflict` where it has failed.
    async fn vm_stop(&self, name: &str) -> Answer<VmView>;
    /// The same: down and up again.
    async fn vm_restart(&self, name: &str) -> Answer<VmView>;
    /// Tries a failed VM again, on the same node if it was there already, else placed anew.
    async fn vm_retry(&self, name: &str) -> Answer<VmView>;
    /// For good, and with its files. Fine where it is going already.
    async fn vm_delete(&self, name: &str) -> Answer<()>;
    /// Newest first, 50 a page; `before` is [`EventPage::next`] of the page before.
    async fn vm_event_list(&self, name: &str, before: Option<i64>) -> Answer<EventPage>;
    /// The VM's newest live shell, or the one named, or a new one when asked for or none is there.
    async fn shell_open(&self, vm: &str, shell: Option<&str>, new: bool) -> Answer<ShellPage>;
    /// Ends its processes.
    async fn shell_close(&self, id: &str) -> Answer<()>;
}

/// Shells that one user shares with another.
#[async_trait]
pub trait SharePlane: Send + Sync {
    /// A new link to one of the caller's shells.
    async fn shell_invitation_create(
        &self,
        shell: &str,
        mode: ShellMode,
    ) -> Answer<ShellInvitationMade>;
    /// Withdraws one of the caller's links.
    async fn shell_invitation_delete(&self, id: &str) -> Answer<()>;
    /// What a link leads to, by the token in it; changes nothing.
    async fn shell_invitation_get(&self, token: &str) -> Answer<ShellInvitationView>;
    /// With whom one of the caller's shells is shared, and who of them is in it.
    async fn shell_share_get(&self, shell: &str) -> Answer<ShellShare>;
    /// Accepts an invitation, by the token in its link.
    async fn shell_grant_create(&self, token: &str) -> Answer<ShellGrantView>;
    /// Takes a grant back, as its owner, or leaves, as who has it.
    async fn shell_grant_delete(&self, id: &str) -> Answer<()>;
    /// The shells that others share with the caller.
    async fn shell_shared_list(&self) -> Answer<Vec<ShellGrantView>>;
    /// One of them, by the grant's id, to connect to.
    async fn shell_shared_get(&self, id: &str) -> Answer<SharedShell>;
}

/// What only admins may; others get NotFound.
#[async_trait]
pub trait AdminPlane: Send + Sync {
    /// What there is, and what is wrong now.
    async fn overview(&self) -> Answer<Overview>;
    /// Oldest first.
    async fn node_list(&self) -> Answer<Vec<NodeView>>;
    /// By its name.
    async fn node_get(&self, name: &str) -> Answer<NodeView>;
    /// `address` is `http://127.0.0.1:PORT` or `https://HOST:PORT`; the latter needs the
    /// certificate's SHA-256 fingerprint (hex).
    async fn node_add(
        &self,
        name: &str,
        address: &str,
        credential: &str,
        fingerprint: Option<&str>,
    ) -> Answer<NodeView>;
    /// Gives it no new VMs, or some again; those it has stay.
    async fn node_cordon(&self, name: &str, cordoned: bool) -> Answer<NodeView>;
    /// Refused while it has VMs unless `confirm` is its name; the error lists which would be lost.
    async fn node_remove(&self, name: &str, confirm: Option<&str>) -> Answer<()>;
    /// By name.
    async fn user_list(&self) -> Answer<Vec<UserView>>;
    /// Makes an account, also where registration is closed. `Invalid`, or `Conflict` where the name is
    /// taken, beside the field `name`.
    async fn user_create(&self, name: &str) -> Answer<UserCreated>;
    /// Signs them out and stops their VMs, or lets them in again. `Conflict` for the last admin.
    async fn user_disable(&self, name: &str, disabled: bool) -> Answer<UserView>;
    /// `seen` is the version it was decided on; another one now is refused as [`CHANGED`].
    async fn user_role(&self, name: &str, role: Role, seen: Option<&str>) -> Answer<UserView>;
    /// `seen` as in `user_role`.
    async fn user_quota(
        &self,
        name: &str,
        quota: QuotaForm,
        seen: Option<&str>,
    ) -> Answer<UserView>;
    /// Gives a one-time password that must be changed at the next sign-in; shown once.
    async fn user_password_reset(&self, name: &str) -> Answer<String>;
    /// Everybody's VMs.
    async fn admin_vm_list(&self) -> Answer<VmList>;
    /// As `vm_get`, of anybody's, by its id.
    async fn admin_vm_get(&self, id: &str) -> Answer<VmDetail>;
    /// As `vm_start`; an event that the owner sees, as the two below.
    async fn admin_vm_start(&self, id: &str) -> Answer<VmView>;
    /// As `vm_stop`.
    async fn admin_vm_stop(&self, id: &str) -> Answer<VmView>;
    /// As `vm_delete`.
    async fn admin_vm_delete(&self, id: &str) -> Answer<()>;
    /// An event that the owner sees.
    async fn admin_shell_open(
        &self,
        vm_id: &str,
        shell: Option<&str>,
        new: bool,
    ) -> Answer<ShellPage>;
    /// The newest 500 that match, of the ring in memory.
    async fn log_list(&self, filter: &LogFilter) -> Answer<LogPage>;
    /// Newest first, 50 a page.
    async fn event_list(&self, filter: &EventFilter) -> Answer<EventPage>;
    /// The catalogue, oldest first.
    async fn image_list(&self) -> Answer<Vec<ImageView>>;
    /// `reference` is what the engine pulls: `debian:12`. `Invalid` beside the field where the name is taken.
    async fn image_add(
        &self,
        name: &str,
        reference: &str,
        summary: &str,
        ssh_server: Option<SshServer>,
    ) -> Answer<ImageView>;
    /// VMs made from it stay. `Conflict` for the last one.
    async fn image_remove(&self, name: &str) -> Answer<()>;
    /// Makes it the one chosen already in the form.
    async fn image_default(&self, name: &str) -> Answer<ImageView>;
}

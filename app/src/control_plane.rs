//! What pages need of the server, as traits that `server` implements and gives as context, bound to
//! the caller of the request. So pages know no SQL and no nodes, cannot name a caller other than
//! the one who asks, and can run against a fake.
//!
//! Names are noun first and the same in every layer. All answers are already authorised: another
//! user's thing is [`ErrorKind::NotFound`](crate::model::ErrorKind), equal to one that is not there.

use std::sync::Arc;

use async_trait::async_trait;

use crate::model::*;

pub type Answer<T> = Result<T, AppError>;

/// The whole of it, one object a request.
pub type Plane = Arc<dyn ControlPlane>;

pub trait ControlPlane: AccountPlane + VmPlane + AdminPlane {}

/// Accounts and login sessions. Cookies are set and cleared by the implementation.
#[async_trait]
pub trait AccountPlane: Send + Sync {
    /// Who is signed in, if anybody.
    async fn viewer(&self) -> Answer<Option<Viewer>>;
    fn theme(&self) -> Theme;
    async fn site(&self) -> Answer<Site>;
    /// Makes an account and signs it in.
    async fn account_create(&self, name: &str, password: &str, invite: Option<&str>) -> Answer<()>;
    /// Signs in; the role says where to land.
    async fn login(&self, name: &str, password: &str) -> Answer<Role>;
    async fn logout(&self) -> Answer<()>;
    async fn password_strength(&self, name: &str, password: &str) -> Answer<PasswordStrength>;
    /// Ends the user's other login sessions too.
    async fn password_change(&self, current: &str, new: &str) -> Answer<()>;
    async fn login_session_list(&self) -> Answer<Vec<LoginSessionView>>;
    async fn login_session_delete(&self, id: &str) -> Answer<()>;
    async fn token_list(&self) -> Answer<Vec<TokenView>>;
    /// `scopes` are words apart by spaces; answers the secret, which is nowhere to be had again.
    async fn token_create(&self, name: &str, scopes: &str, days: Option<u32>) -> Answer<String>;
    async fn token_delete(&self, id: &str) -> Answer<()>;
    async fn ssh_access_get(&self) -> Answer<SshAccess>;
    /// `public_key` is the line of a `.pub` file; `comment` None: the one in that line.
    async fn ssh_key_add(&self, public_key: &str, comment: Option<&str>) -> Answer<()>;
    async fn ssh_key_delete(&self, id: &str) -> Answer<()>;
    /// `confirm` must be YES. Removes the user and their VMs.
    async fn account_delete(&self, confirm: &str) -> Answer<()>;
}

/// The caller's own VMs and shells.
#[async_trait]
pub trait VmPlane: Send + Sync {
    async fn vm_list(&self) -> Answer<VmList>;
    async fn vm_get(&self, name: &str) -> Answer<VmDetail>;
    async fn vm_offer(&self) -> Answer<VmOffer>;
    /// Ok when a VM of that name could be made; else what is wrong with the name.
    async fn vm_name_check(&self, name: &str) -> Answer<()>;
    /// Answers once the row is committed; the VM comes alive after that.
    async fn vm_create(&self, name: &str, flavor: &str, image: &str) -> Answer<VmView>;
    async fn vm_start(&self, name: &str) -> Answer<VmView>;
    async fn vm_stop(&self, name: &str) -> Answer<VmView>;
    async fn vm_restart(&self, name: &str) -> Answer<VmView>;
    /// Tries a failed VM again, on the same node if it was there already, else placed anew.
    async fn vm_retry(&self, name: &str) -> Answer<VmView>;
    async fn vm_delete(&self, name: &str) -> Answer<()>;
    async fn vm_event_list(&self, name: &str, before: Option<i64>) -> Answer<EventPage>;
    /// The VM's newest live shell, or the one named, or a new one when asked for or none is there.
    async fn shell_open(&self, vm: &str, shell: Option<&str>, new: bool) -> Answer<ShellPage>;
    async fn shell_close(&self, id: &str) -> Answer<()>;
}

/// What only admins may; others get NotFound.
#[async_trait]
pub trait AdminPlane: Send + Sync {
    async fn overview(&self) -> Answer<Overview>;
    async fn node_list(&self) -> Answer<Vec<NodeView>>;
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
    async fn node_cordon(&self, name: &str, cordoned: bool) -> Answer<NodeView>;
    /// Refused while it has VMs unless `confirm` is its name; the error lists which would be lost.
    async fn node_remove(&self, name: &str, confirm: Option<&str>) -> Answer<()>;
    async fn user_list(&self) -> Answer<Vec<UserView>>;
    async fn user_disable(&self, name: &str, disabled: bool) -> Answer<UserView>;
    async fn user_role(&self, name: &str, role: Role) -> Answer<UserView>;
    async fn user_quota(&self, name: &str, quota: QuotaForm) -> Answer<UserView>;
    /// Gives a one-time password that must be changed at the next sign-in; shown once.
    async fn user_password_reset(&self, name: &str) -> Answer<String>;
    /// Everybody's VMs.
    async fn admin_vm_list(&self) -> Answer<VmList>;
    async fn admin_vm_get(&self, id: &str) -> Answer<VmDetail>;
    async fn admin_vm_start(&self, id: &str) -> Answer<VmView>;
    async fn admin_vm_stop(&self, id: &str) -> Answer<VmView>;
    async fn admin_vm_delete(&self, id: &str) -> Answer<()>;
    /// An event that the owner sees.
    async fn admin_shell_open(
        &self,
        vm_id: &str,
        shell: Option<&str>,
        new: bool,
    ) -> Answer<ShellPage>;
    async fn log_list(&self, filter: &LogFilter) -> Answer<LogPage>;
    async fn event_list(&self, filter: &EventFilter) -> Answer<EventPage>;
    async fn image_list(&self) -> Answer<Vec<ImageView>>;
    async fn image_add(&self, name: &str, reference: &str, summary: &str) -> Answer<ImageView>;
    async fn image_remove(&self, name: &str) -> Answer<()>;
    async fn image_default(&self, name: &str) -> Answer<ImageView>;
}

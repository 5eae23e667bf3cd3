//! What only admins may. Others get the answer of a page that does not exist.

use app::{
    control_plane::{AdminPlane, Answer},
    model::{
        EventFilter, EventPage, ImageView, LogFilter, LogPage, NodeView, Overview, QuotaForm, Role,
        ShellPage, SshServer, UserCreated, UserView, VmDetail, VmList, VmView,
    },
};
use async_trait::async_trait;

use super::RequestPlane;
use crate::auth::Caller;

/// Calls control for the signed-in admin, and puts what it refused into words.
macro_rules! for_admin {
    ($plane:ident, $call:ident ( $($argument:expr),* )) => {{
        let admin = $plane.caller.require_admin()?;
        $plane.control_answer($plane.state.control.$call(admin, $($argument),*).await)
    }};
}

/// Calls auth, which asks for an admin itself.
macro_rules! auth {
    ($plane:ident, $call:ident ( $($argument:expr),* )) => {
        $plane.account_answer($plane.state.auth.$call(&$plane.caller, $($argument),*).await)
    };
}

impl RequestPlane {
    /// The caller, with the version that a form names; else the one of the request's If-Match.
    fn caller_who_saw(&self, seen: Option<&str>) -> Caller {
        let mut caller = self.caller.clone();
        if let Some(seen) = seen {
            caller.if_match = Some(seen.to_owned());
        }
        caller
    }
}

#[async_trait]
impl AdminPlane for RequestPlane {
    async fn overview(&self) -> Answer<Overview> {
        self.caller.require_admin()?;
        self.control_answer(self.state.control.overview().await)
    }

    async fn node_list(&self) -> Answer<Vec<NodeView>> {
        for_admin!(self, node_list())
    }

    async fn node_get(&self, name: &str) -> Answer<NodeView> {
        for_admin!(self, node_get(name))
    }

    async fn node_add(
        &self,
        name: &str,
        address: &str,
        credential: &str,
        fingerprint: Option<&str>,
    ) -> Answer<NodeView> {
        for_admin!(self, node_add(name, address, credential, fingerprint))
    }

    async fn node_cordon(&self, name: &str, cordoned: bool) -> Answer<NodeView> {
        for_admin!(self, node_cordon(name, cordoned))
    }

    async fn node_remove(&self, name: &str, confirm: Option<&str>) -> Answer<()> {
        for_admin!(self, node_remove(name, confirm))
    }

    async fn user_list(&self) -> Answer<Vec<UserView>> {
        auth!(self, user_list())
    }

    async fn user_create(&self, name: &str) -> Answer<UserCreated> {
        let id = uuid::Uuid::now_v7().to_string();
        auth!(self, user_create(&id, name))
    }

    async fn user_disable(&self, name: &str, disabled: bool) -> Answer<UserView> {
        let (user, nodes) = auth!(self, user_disable(name, disabled))?;
        self.state.control.wake_nodes(&nodes);
        Ok(user)
    }

    async fn user_role(&self, name: &str, role: Role, seen: Option<&str>) -> Answer<UserView> {
        let caller = self.caller_who_saw(seen);
        self.account_answer(self.state.auth.user_role(&caller, name, role).await)
    }

    async fn user_quota(
        &self,
        name: &str,
        quota: QuotaForm,
        seen: Option<&str>,
    ) -> Answer<UserView> {
        let caller = self.caller_who_saw(seen);
        self.account_answer(self.state.auth.user_quota(&caller, name, quota).await)
    }

    async fn user_password_reset(&self, name: &str) -> Answer<String> {
        auth!(self, user_password_reset(name))
    }

    async fn admin_vm_list(&self) -> Answer<VmList> {
        for_admin!(self, admin_vm_list())
    }

    async fn admin_vm_get(&self, id: &str) -> Answer<VmDetail> {
        for_admin!(self, admin_vm_get(id))
    }

    async fn admin_vm_start(&self, id: &str) -> Answer<VmView> {
        for_admin!(self, admin_vm_start(id))
    }

    async fn admin_vm_stop(&self, id: &str) -> Answer<VmView> {
        for_admin!(self, admin_vm_stop(id))
    }

    async fn admin_vm_delete(&self, id: &str) -> Answer<()> {
        for_admin!(self, admin_vm_delete(id))
    }

    async fn admin_shell_open(
        &self,
        vm_id: &str,
        shell: Option<&str>,
        new: bool,
    ) -> Answer<ShellPage> {
        let new = new && self.may_open_new();
        for_admin!(self, admin_shell_open(vm_id, shell, new))
    }

    async fn log_list(&self, filter: &LogFilter) -> Answer<LogPage> {
        self.caller.require_admin()?;
        Ok(self.state.logs.list(filter))
    }

    async fn event_list(&self, filter: &EventFilter) -> Answer<EventPage> {
        for_admin!(self, event_list(filter))
    }

    async fn image_list(&self) -> Answer<Vec<ImageView>> {
        for_admin!(self, image_list())
    }

    async fn image_add(
        &self,
        name: &str,
        reference: &str,
        summary: &str,
        ssh_server: Option<SshServer>,
    ) -> Answer<ImageView> {
        for_admin!(self, image_add(name, reference, summary, ssh_server))
    }

    async fn image_remove(&self, name: &str) -> Answer<()> {
        for_admin!(self, image_remove(name))
    }

    async fn image_default(&self, name: &str) -> Answer<ImageView> {
        for_admin!(self, image_default(name))
    }
}

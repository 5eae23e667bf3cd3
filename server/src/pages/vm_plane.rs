//! VMs and shells, as pages use them: the caller's right, then control.

use app::{
    control_plane::{Answer, VmPlane},
    model::{EventPage, ShellPage, VmDetail, VmList, VmOffer, VmView},
};
use async_trait::async_trait;

use super::RequestPlane;
use crate::control::ControlError;

impl RequestPlane {
    /// The words for what control refused.
    pub fn control_answer<T>(&self, done: Result<T, ControlError>) -> Answer<T> {
        done.map_err(|error| error.answer(&self.caller.request_id))
    }

    /// Whether the page that opens a new shell does: to open one changes something, which a link of another site's
    /// page must not. Such a link leads to the newest
    /// shell, and opens one only where none is.
    pub(super) fn may_open_new(&self) -> bool {
        !self.caller.led_here
    }
}

/// Calls control for the signed-in user, and puts what it refused into words.
macro_rules! for_actor {
    ($plane:ident, $call:ident ( $($argument:expr),* )) => {
        $plane.control_answer($plane.state.control.$call($plane.caller.require()?, $($argument),*).await)
    };
}

#[async_trait]
impl VmPlane for RequestPlane {
    async fn vm_list(&self) -> Answer<VmList> {
        for_actor!(self, vm_list())
    }

    async fn vm_get(&self, name: &str) -> Answer<VmDetail> {
        let mut detail = for_actor!(self, vm_get(name))?;
        let VmView { name, owner, .. } = &detail.vm;
        detail.ssh = self.ssh_gateway().map(|ssh| ssh.command(owner, name));
        Ok(detail)
    }

    async fn vm_offer(&self) -> Answer<VmOffer> {
        for_actor!(self, vm_offer())
    }

    async fn vm_name_check(&self, name: &str) -> Answer<()> {
        for_actor!(self, vm_name_check(name))
    }

    async fn vm_create(
        &self,
        name: &str,
        flavor: &str,
        image: &str,
        ssh_publish: bool,
    ) -> Answer<VmView> {
        for_actor!(self, vm_create(name, flavor, image, ssh_publish))
    }

    async fn vm_start(&self, name: &str) -> Answer<VmView> {
        for_actor!(self, vm_start(name))
    }

    async fn vm_stop(&self, name: &str) -> Answer<VmView> {
        for_actor!(self, vm_stop(name))
    }

    async fn vm_restart(&self, name: &str) -> Answer<VmView> {
        for_actor!(self, vm_restart(name))
    }

    async fn vm_retry(&self, name: &str) -> Answer<VmView> {
        for_actor!(self, vm_retry(name))
    }

    async fn vm_delete(&self, name: &str) -> Answer<()> {
        for_actor!(self, vm_delete(name))
    }

    async fn vm_event_list(&self, name: &str, before: Option<i64>) -> Answer<EventPage> {
        for_actor!(self, vm_event_list(name, before))
    }

    async fn shell_open(&self, vm: &str, shell: Option<&str>, new: bool) -> Answer<ShellPage> {
        let new = new && self.may_open_new();
        for_actor!(self, shell_open(vm, shell, new))
    }

    async fn shell_close(&self, id: &str) -> Answer<()> {
        for_actor!(self, shell_close(id))
    }
}

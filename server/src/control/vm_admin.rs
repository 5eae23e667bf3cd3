//! Everybody's VMs, for admins. The owner sees in the events who did what.

use app::model::{QuotaUsage, VmDetail, VmList, VmView};

use super::{Control, ControlError, request::Verb};
use crate::{
    actor::Actor,
    clock,
    db::vm::{VmRow, vm_get_any, vm_list_any},
};

impl Control {
    /// All VMs. The quota is the sum over all users of what they use; nobody's limits.
    pub async fn admin_vm_list(&self, _admin: &Actor) -> Result<VmList, ControlError> {
        let rows = vm_list_any(&self.0.db).await?;
        let mut quota = QuotaUsage::default();
        for row in &rows {
            quota.vms += 1;
            quota.cpu_millis += row.cpu_millis;
            quota.memory_mib += row.memory_mib;
            quota.disk_gib += row.disk_gib;
        }
        Ok(VmList {
            vms: rows.iter().map(|row| self.vm_view(row)).collect(),
            quota,
            as_of: clock::now(),
        })
    }

    /// Everything about one, by its id.
    pub async fn admin_vm_get(&self, _admin: &Actor, id: &str) -> Result<VmDetail, ControlError> {
        let row = self.vm_any(id).await?;
        self.vm_detail(&row).await
    }

    /// As [`Control::vm_start`], by its id.
    pub async fn admin_vm_start(&self, admin: &Actor, id: &str) -> Result<VmView, ControlError> {
        self.vm_ask_any(admin, id, Verb::Start).await
    }

    /// As [`Control::vm_stop`], by its id.
    pub async fn admin_vm_stop(&self, admin: &Actor, id: &str) -> Result<VmView, ControlError> {
        self.vm_ask_any(admin, id, Verb::Stop).await
    }

    /// As [`Control::vm_delete`], by its id.
    pub async fn admin_vm_delete(&self, admin: &Actor, id: &str) -> Result<(), ControlError> {
        self.vm_ask_any(admin, id, Verb::Delete).await.map(drop)
    }

    /// The row of a VM, whoever's it is.
    pub(super) async fn vm_any(&self, id: &str) -> Result<VmRow, ControlError> {
        vm_get_any(&self.0.db, id)
            .await?
            .ok_or_else(|| ControlError::not_found("VM", id))
    }

    async fn vm_ask_any(
        &self,
        admin: &Actor,
        id: &str,
        verb: Verb,
    ) -> Result<VmView, ControlError> {
        for _ in 0..5 {
            let row = self.vm_any(id).await?;
            if let Some(after) = self.vm_change(admin, &row, verb).await? {
                return Ok(self.vm_view(&after));
            }
        }
        Err(ControlError::Raced(id.to_owned()))
    }
}

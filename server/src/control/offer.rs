//! What the New VM form offers: a free name, sizes with why not, images.

use app::model::{FlavorView, QuotaUsage, VmOffer};

use super::{Control, ControlError};
use crate::{
    actor::Actor,
    config::FlavorConfig,
    db::vm::{VmRow, vm_list},
};

/// Two words that make a name; tried so often.
const NAMES_TRIED: usize = 20;

impl Control {
    /// Nothing is promised by it: quota and room are looked at again when the VM is made.
    pub async fn vm_offer(&self, actor: &Actor) -> Result<VmOffer, ControlError> {
        let quota = self.quota(actor).await?;
        let mine = vm_list(&self.0.db, &actor.user_id).await?;
        Ok(VmOffer {
            suggested_name: suggest(&mine),
            flavors: self.flavor_views(&quota),
            images: self.image_views().await?,
            ssh_unavailable: self.ssh_unavailable(actor).await?,
            quota,
        })
    }

    /// Sizes that some node's cores could hold, each with why it cannot be chosen now.
    fn flavor_views(&self, quota: &QuotaUsage) -> Vec<FlavorView> {
        let cores = self.cores_max();
        let flavors = self.0.config.flavors.iter();
        flavors
            .filter(|flavor| cores.is_none_or(|cores| flavor.cpu_millis <= cores * 1000))
            .map(|flavor| flavor_view(flavor, unavailable(flavor, quota)))
            .collect()
    }

    /// The most cores of any node; None while no node has said.
    fn cores_max(&self) -> Option<u32> {
        let nodes = self.0.registry.list();
        let cores = nodes.iter().filter_map(|entry| {
            entry.with_state(|state| Some(state.status.as_ref()?.capacity.cores))
        });
        cores.filter(|cores| *cores > 0).max()
    }
}

/// A size as the form offers it.
fn flavor_view(flavor: &FlavorConfig, unavailable: Option<String>) -> FlavorView {
    FlavorView {
        name: flavor.name.clone(),
        cpu_millis: flavor.cpu_millis,
        memory_mib: flavor.memory_mib,
        disk_gib: flavor.disk_gib,
        unavailable,
    }
}

/// Why the user's quota does not hold another of that size.
fn unavailable(flavor: &FlavorConfig, quota: &QuotaUsage) -> Option<String> {
    if quota.vms >= quota.vms_max {
        return Some(format!("you have {} of {} VMs", quota.vms, quota.vms_max));
    }
    let vcpu = |millis: u32| format!("{} vCPU", f64::from(millis) / 1000.0);
    let mib = |mib: u32| match mib % 1024 {
        0 if mib > 0 => format!("{} GiB memory", mib / 1024),
        _ => format!("{mib} MiB memory"),
    };
    let gib = |gib: u32| format!("{gib} GiB disk");
    short(
        flavor.memory_mib,
        quota.memory_mib_max,
        quota.memory_mib,
        mib,
    )
    .or_else(|| {
        short(
            flavor.cpu_millis,
            quota.cpu_millis_max,
            quota.cpu_millis,
            vcpu,
        )
    })
    .or_else(|| short(flavor.disk_gib, quota.disk_gib_max, quota.disk_gib, gib))
}

fn short(need: u32, max: u32, used: u32, words: impl Fn(u32) -> String) -> Option<String> {
    let left = max.saturating_sub(used);
    (need > left).then(|| format!("needs {}, you have {} left", words(need), words(left)))
}

/// A name the user has not got yet.
fn suggest(mine: &[VmRow]) -> String {
    let free = |name: &String| {
        app::model::name_check(name).is_ok() && !mine.iter().any(|row| row.name == *name)
    };
    let words = (0..NAMES_TRIED).filter_map(|_| petname::petname(2, "-"));
    let numbers = (1..).map(|n: u32| format!("vm-{n}"));
    words.chain(numbers).find(free).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::testing::row;

    fn quota(vms: u32, memory_mib: u32) -> QuotaUsage {
        QuotaUsage {
            vms,
            vms_max: 5,
            cpu_millis: 0,
            cpu_millis_max: 4000,
            memory_mib,
            memory_mib_max: 4096,
            disk_gib: 0,
            disk_gib_max: 20,
        }
    }

    #[test]
    fn a_size_over_the_quota_says_what_it_needs_and_what_is_left() {
        let large = FlavorConfig {
            name: "large".into(),
            cpu_millis: 2000,
            memory_mib: 2048,
            disk_gib: 16,
        };
        assert_eq!(unavailable(&large, &quota(0, 0)), None);
        let words = unavailable(&large, &quota(1, 3072)).unwrap();
        assert_eq!(words, "needs 2 GiB memory, you have 1 GiB memory left");
        assert_eq!(
            unavailable(&large, &quota(5, 0)).unwrap(),
            "you have 5 of 5 VMs"
        );
    }

    #[test]
    fn a_suggested_name_is_a_good_and_free_one() {
        for _ in 0..50 {
            let name = suggest(&[row()]);
            assert!(app::model::name_check(&name).is_ok(), "{name}");
            assert_ne!(name, row().name);
        }
    }
}

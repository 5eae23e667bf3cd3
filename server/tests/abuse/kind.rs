//! What is done in the VM, and how it is seen to be in force.

use crate::{VM, engine, tenant::Tenant, viewer::Viewer};

/// Of 256 that a VM may have.
const FULL: u64 = 240;
/// Of its share of the CPU, which may be all that the host has.
const BUSY_PERCENT: u64 = 60;
const MIB: u64 = 1024 * 1024;

/// Those that end with their shell.
pub const ABUSES: [Abuse; 3] = [Abuse::Flood, Abuse::Memory, Abuse::Cpu];

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Abuse {
    Flood,
    Memory,
    Cpu,
    Forks,
}

impl Abuse {
    pub fn name(self) -> &'static str {
        match self {
            Self::Flood => "output flood",
            Self::Memory => "memory hog",
            Self::Cpu => "240 CPU burners",
            Self::Forks => "fork bomb",
        }
    }

    /// What is typed. The usual bomb (`f() { f | f & }; f`) ends itself in a BusyBox's shell, which ends where it
    /// cannot fork; each of these begins anew there, and tries again.
    pub fn line(self) -> &'static str {
        match self {
            Self::Flood => "yes\r",
            Self::Memory => "while :; do tail /dev/zero; done\r",
            Self::Cpu => "n=0; while [ $n -lt 240 ]; do while :; do :; done & n=$((n+1)); done\r",
            Self::Forks => {
                "printf '%s\\n' \"trap 'exec sh /root/bomb' EXIT\" 'while :; do sh /root/bomb & done' >/root/bomb; \
                 sh /root/bomb >/dev/null 2>&1 &\r"
            }
        }
    }

    pub fn unit(self) -> &'static str {
        match self {
            Self::Flood => "bytes came to its viewer",
            Self::Memory => "is the newest event of a kill for want of memory",
            Self::Cpu => "% of its share",
            Self::Forks => "processes",
        }
    }

    pub async fn measure(self, owner: &Tenant, viewer: &Viewer) -> u64 {
        match self {
            Self::Flood => viewer.bytes(),
            Self::Memory => owner.newest_event(VM, "vm_oom").await,
            Self::Cpu => {
                let percent = owner.vm(VM).await["cpu_percent"].as_f64();
                percent.unwrap_or_default() as u64
            }
            Self::Forks => engine::processes(&owner.vm_id(VM).await).await,
        }
    }

    /// By what was measured at first, and later.
    pub fn is_in_force(self, before: u64, now: u64) -> bool {
        match self {
            Self::Flood => now > before + MIB,
            Self::Memory => now > before,
            Self::Cpu => now >= BUSY_PERCENT,
            Self::Forks => now >= FULL,
        }
    }
}

//! Flavors: the sizes a VM can have.

use serde::{Deserialize, Serialize};

/// A size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Flavor {
    /// What a new VM names it by.
    pub name: String,
    /// Thousandths of a core.
    pub cpu_millis: u32,
    /// Memory.
    pub memory_mib: u32,
    /// Disk.
    pub disk_gib: u32,
    /// Why the caller cannot have another of it now.
    pub unavailable: Option<String>,
}

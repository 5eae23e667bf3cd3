//! Where the engine keeps what it has, and whether that storage holds a VM to its disk size.

use std::path::{Path, PathBuf};

use bollard::models::SystemInfo;

use super::capacity::{Disk, disk};

/// How an engine says that images and VMs' disks are containerd's, as from version 29 on by default.
const CONTAINERD: &str = "io.containerd.snapshotter.v1";
/// A containerd of the system's own, which the engine was told of (so on Ubuntu). One that the engine starts is in
/// the engine's folder.
const SYSTEMS: [&str; 2] = [
    "/run/containerd/containerd.sock",
    "/var/run/containerd/containerd.sock",
];
/// Where that keeps its own, unless its configuration says otherwise.
const SYSTEMS_ROOT: &str = "/var/lib/containerd";
const SYSTEMS_CONFIG: &str = "/etc/containerd/config.toml";

/// Folders whose disks fill up.
#[derive(Clone, Debug, Default)]
pub(super) struct Storage {
    /// With VMs' disks and images.
    vms: PathBuf,
    /// With what the engine notes of them; mostly the same disk.
    engine: PathBuf,
    /// Whether it can hold a VM to its disk size.
    pub limit_hard: bool,
}

impl Storage {
    pub(super) fn of(info: &SystemInfo) -> Self {
        let engine = info.docker_root_dir.as_deref();
        let engine = PathBuf::from(engine.unwrap_or("/var/lib/docker"));
        Self {
            vms: if is_of_system(info) {
                systems_root()
            } else {
                engine.clone()
            },
            limit_hard: limit_hard(info, &engine),
            engine,
        }
    }

    /// The disk that VMs' disks are on.
    pub(super) fn vms_disk(&self) -> Option<Disk> {
        disk(&self.vms)
    }

    /// The fuller one of its disks.
    pub(super) fn fuller_disk(&self) -> Option<Disk> {
        let disks = [&self.vms, &self.engine].map(|folder| disk(folder));
        disks
            .into_iter()
            .flatten()
            .min_by_key(|disk| disk.free_percent)
    }
}

fn has_status(info: &SystemInfo, key: &str, value: &str) -> bool {
    let mut lines = info.driver_status.iter().flatten();
    lines.any(|line| matches!(line.as_slice(), [of, is] if of == key && is == value))
}

fn is_containerds(info: &SystemInfo) -> bool {
    has_status(info, "driver-type", CONTAINERD)
}

fn is_of_system(info: &SystemInfo) -> bool {
    let containerd = info.containerd.as_ref();
    let address = containerd.and_then(|containerd| containerd.address.as_deref());
    is_containerds(info) && address.is_some_and(|address| SYSTEMS.contains(&address))
}

fn systems_root() -> PathBuf {
    let config = std::fs::read_to_string(SYSTEMS_CONFIG).unwrap_or_default();
    configured_root(&config).unwrap_or(SYSTEMS_ROOT).into()
}

/// What stands behind the first table's head is not containerd's own.
fn configured_root(config: &str) -> Option<&str> {
    let own = config.lines().map(str::trim);
    let mut own = own.take_while(|line| !line.starts_with('['));
    let root = own.find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "root").then(|| value.trim().trim_matches(['"', '\'']))
    });
    root.filter(|root| root.starts_with('/'))
}

/// btrfs, zfs, or overlay2 on xfs with project quotas. containerd takes a size without a word, and holds nobody to it.
fn limit_hard(info: &SystemInfo, root: &Path) -> bool {
    match info.driver.as_deref() {
        _ if is_containerds(info) => false,
        Some("btrfs" | "zfs") => true,
        Some("overlay2") => {
            has_status(info, "Backing Filesystem", "xfs") && has_project_quota(root)
        }
        _ => false,
    }
}

fn has_project_quota(root: &Path) -> bool {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let words = mounts
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>());
    words
        .filter(|words| words.len() > 3 && root.starts_with(words[1]))
        .max_by_key(|words| words[1].len())
        .is_some_and(|words| {
            words[3]
                .split(',')
                .any(|option| option == "pquota" || option == "prjquota")
        })
}

#[cfg(test)]
mod tests {
    use bollard::models::ContainerdInfo;

    use super::*;

    fn info(driver: &str, driver_type: Option<&str>, address: &str) -> SystemInfo {
        let of_type = driver_type.map(|name| vec!["driver-type".to_owned(), name.to_owned()]);
        SystemInfo {
            docker_root_dir: Some("/srv/docker".into()),
            driver: Some(driver.into()),
            driver_status: Some(of_type.into_iter().collect()),
            containerd: Some(ContainerdInfo {
                address: Some(address.into()),
                namespaces: None,
            }),
            ..Default::default()
        }
    }

    #[test]
    fn vms_are_where_the_engine_is_unless_the_systems_containerd_has_them() {
        let own = "/var/run/docker/containerd/containerd.sock";
        for (info, vms) in [
            (info("overlay2", None, SYSTEMS[0]), "/srv/docker"),
            (info("overlayfs", Some(CONTAINERD), own), "/srv/docker"),
        ] {
            assert_eq!(Storage::of(&info).vms, Path::new(vms), "{info:?}");
        }
        let systems = Storage::of(&info("overlayfs", Some(CONTAINERD), SYSTEMS[0]));
        assert_ne!(systems.vms, systems.engine);
        assert_eq!(systems.engine, Path::new("/srv/docker"));
        assert!(systems.fuller_disk().is_some());
    }

    #[test]
    fn containerds_root_is_read_from_its_configuration() {
        let config = "version = 2\n# root = \"/a\"\n root = '/mnt/big'\n[plugins]\nroot = \"/b\"\n";
        assert_eq!(configured_root(config), Some("/mnt/big"));
        assert_eq!(configured_root("[plugins]\nroot = \"/b\"\n"), None);
        assert_eq!(configured_root("root = \"\"\n"), None);
    }

    #[test]
    fn no_size_is_promised_where_containerd_keeps_vms() {
        assert!(Storage::of(&info("btrfs", None, "")).limit_hard);
        assert!(!Storage::of(&info("btrfs", Some(CONTAINERD), "")).limit_hard);
        assert!(!Storage::of(&info("vfs", None, "")).limit_hard);
    }
}

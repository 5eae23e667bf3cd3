//! Labels on what is ours.

/// The VM's UUID.
pub(super) const VM: &str = "org.minicloud.vm";
/// The owner's UUID; on containers and networks.
pub(super) const OWNER: &str = "org.minicloud.owner";
/// The name of the node that made it.
pub(super) const NODE: &str = "org.minicloud.node";
/// The whole `VmSpec` as JSON.
pub(super) const SPEC: &str = "org.minicloud.spec";
/// On networks: the network's name (20.10 allows two networks of one name, so it is found by this).
pub(super) const NETWORK: &str = "org.minicloud.network";
/// On the container that tries whether the engine can start things: the node's name.
pub(super) const TRIAL: &str = "org.minicloud.trial";

/// A filter of the engine's for a label and its value.
pub(super) fn filter(label: &str, value: &str) -> std::collections::HashMap<String, Vec<String>> {
    [("label".to_owned(), vec![format!("{label}={value}")])].into()
}

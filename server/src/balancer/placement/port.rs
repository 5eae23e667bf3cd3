//! A port of a node for a VM's SSH.

use super::Candidate;

/// The first free port of the node from the `from`th of its range on, counted round; None where it
/// publishes none, or all are taken. Where to begin is the VM's own: the port of one that was deleted
/// is seldom the next one's, whose host key would not be what clients remember.
pub fn free(node: &Candidate, from: u32) -> Option<u16> {
    let (first, last) = node.ssh_ports?;
    let count = u32::from(last.checked_sub(first)?) + 1;
    (0..count)
        .filter_map(|at| u16::try_from((from % count + at) % count).ok())
        .map(|offset| first + offset)
        .find(|port| !node.ssh_ports_taken.contains(port))
}

//! Which of the nodes that fit.

use super::{Candidate, Need};
use crate::config::Strategy;

/// The node that the strategy likes best; ties go to the one placed on longest ago, then by the
/// order they came in.
pub fn pick<'a>(nodes: &[&'a Candidate], need: &Need, strategy: Strategy) -> Option<&'a Candidate> {
    let score = |node: &Candidate| match strategy {
        Strategy::RoundRobin => 0,
        Strategy::Spread => used_after(node, need),
        Strategy::BinPack => -used_after(node, need),
    };
    nodes
        .iter()
        .copied()
        .min_by_key(|node| (score(node), node.placed_seq))
}

/// Memory promised once the VM is there, in millionths of what the node has.
fn used_after(node: &Candidate, need: &Need) -> i64 {
    let promised = i64::from(node.memory_mib_allocated) + i64::from(need.memory_mib);
    promised * 1_000_000 / i64::from(node.memory_mib.max(1))
}

/// The choice in words.
pub fn reason(
    node: &Candidate,
    need: &Need,
    strategy: Strategy,
    fitting: usize,
    all: usize,
) -> String {
    let name = &node.name;
    let free = node.memory_mib.saturating_sub(node.memory_mib_allocated);
    let why = match strategy {
        Strategy::RoundRobin => format!("Round robin: {name} was next"),
        Strategy::Spread => format!("Spread: {name} is the least filled, {free} MiB were free"),
        Strategy::BinPack => format!(
            "Bin pack: {name} is the fullest that still has {} MiB, {free} MiB were free",
            need.memory_mib
        ),
    };
    match (fitting, all) {
        (1, 1) => format!("{why}; it is the only node."),
        (1, _) => format!("{why}; 1 of {all} nodes fits."),
        _ => format!("{why}; {fitting} of {all} nodes fit."),
    }
}

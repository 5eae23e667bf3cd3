//! How a node is doing, from its answers to the polls. Pure.

use app::model::NodeHealth;
use node_api::status::{EngineStatus, NodeStatus};

use crate::clock::SECOND;

/// Missed polls after which a node is suspect, and unreachable.
const SUSPECT: u32 = 2;
const UNREACHABLE: u32 = 5;
/// How far around the polls that saw an engine away its outage may have reached.
const OUTAGE_MARGIN: i64 = 5 * SECOND;
/// An engine that was killed ends what it left running when it is back: so long after its start an end may be
/// its doing.
const ENGINE_BEGINS: i64 = 60 * SECOND;

/// What is known of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeState {
    pub health: NodeHealth,
    /// What it said last.
    pub status: Option<NodeStatus>,
    /// When it last answered.
    pub seen_at: Option<i64>,
    /// Since when its health is what it is.
    pub since: i64,
    misses: u32,
    /// The last time its engine was away, as far as polls saw: from, to (to: still).
    outage: Option<(i64, Option<i64>)>,
}

impl NodeState {
    /// A node that was never asked.
    pub fn new(now: i64) -> Self {
        Self {
            health: NodeHealth::Unreachable {
                reason: "it has not answered yet".into(),
            },
            status: None,
            seen_at: None,
            since: now,
            misses: 0,
            outage: None,
        }
    }

    /// Takes in the outcome of a poll.
    pub fn poll(&mut self, outcome: Result<NodeStatus, String>, now: i64) {
        let before = self.health.clone();
        match outcome {
            Ok(status) => self.answered(status, now),
            Err(reason) => self.missed(reason),
        }
        if std::mem::discriminant(&before) != std::mem::discriminant(&self.health) {
            self.since = now;
        }
    }

    fn answered(&mut self, status: NodeStatus, now: i64) {
        self.misses = 0;
        self.seen_at = Some(now);
        self.health = match &status.engine.degraded {
            None => NodeHealth::Ready,
            Some(reason) => NodeHealth::Degraded {
                reason: reason.clone(),
            },
        };
        // A node that has just begun has not looked at its engine yet: that is no outage.
        if status.engine.kind != EngineStatus::UNKNOWN {
            self.outage = match (self.outage, status.engine.degraded.is_some()) {
                (Some((from, None)), true) => Some((from, None)),
                (_, true) => Some((now, None)),
                (Some((from, None)), false) => Some((from, Some(now))),
                (ended, false) => ended,
            };
        }
        self.status = Some(status);
    }

    fn missed(&mut self, reason: String) {
        self.misses = self.misses.saturating_add(1);
        self.health = if self.seen_at.is_none() || self.misses >= UNREACHABLE {
            NodeHealth::Unreachable { reason }
        } else if self.misses >= SUSPECT && self.health == NodeHealth::Ready {
            NodeHealth::Suspect
        } else {
            return;
        };
    }

    /// True where new VMs may be placed; a suspect node takes none.
    pub fn is_ready(&self) -> bool {
        self.health == NodeHealth::Ready
    }

    /// Since when the node runs that takes VMs now, by its own clock; None where none does. Another one has
    /// begun anew, perhaps between two polls.
    pub fn ready_run(&self) -> Option<i64> {
        let status = self.status.as_ref().filter(|_| self.is_ready());
        status.map(|status| status.started_at)
    }

    /// Why nothing is known of its VMs now, as a sentence; None when it is.
    pub fn trouble(&self, name: &str) -> Option<String> {
        match &self.health {
            NodeHealth::Ready | NodeHealth::Suspect => None,
            NodeHealth::Unreachable { reason } => {
                Some(format!("{name} does not answer: {reason}."))
            }
            NodeHealth::Degraded { reason } => {
                Some(format!("{name} cannot use its engine: {reason}."))
            }
        }
    }

    /// False while the node has begun so lately that it knows nothing of its engine.
    pub fn knows_engine(&self) -> bool {
        let status = self.status.as_ref();
        status.is_some_and(|status| status.engine.kind != EngineStatus::UNKNOWN)
    }

    /// True when a VM that ended at that time ended with its engine or host, and not by itself: the
    /// engine was away then, as the node or the polls saw; or the node was not running, and the engine is not
    /// known to have run all the while.
    pub fn was_out(&self, at: i64) -> bool {
        let told = self.status.as_ref().and_then(|status| status.outage);
        let told = told.map(|outage| (outage.from, outage.to));
        let unseen = self
            .status
            .as_ref()
            .is_some_and(|status| at < status.started_at && !ran_on(&status.engine, at));
        unseen
            || [told, self.outage]
                .into_iter()
                .flatten()
                .any(|outage| covers(outage, at))
    }
}

/// True when the engine of now is the one that ran then.
fn ran_on(engine: &EngineStatus, at: i64) -> bool {
    engine
        .started_at
        .is_some_and(|began| at > began + ENGINE_BEGINS)
}

fn covers((from, to): (i64, Option<i64>), at: i64) -> bool {
    at >= from - OUTAGE_MARGIN && to.is_none_or(|to| at <= to + OUTAGE_MARGIN)
}

#[cfg(test)]
pub mod tests {
    use node_api::status::{Capacity, EngineOutage, NodeUsage};

    use super::*;

    /// A status as a healthy node gives it.
    pub fn status(degraded: Option<&str>) -> NodeStatus {
        NodeStatus {
            name: "node-1".into(),
            version: "1".into(),
            boot_id: "b".into(),
            pid: 1,
            started_at: 100 * SECOND,
            engine: EngineStatus {
                kind: "sim".into(),
                version: None,
                degraded: degraded.map(str::to_owned),
                id: None,
                started_at: None,
            },
            capacity: Capacity {
                cpu_millis: 8000,
                cores: 2,
                memory_mib: 4096,
                disk_gib: 100,
            },
            usage: NodeUsage {
                disk_free_percent: 50,
                ..NodeUsage::default()
            },
            images: vec!["alpine:3".into()],
            disk_limit_hard: true,
            ssh_ports: None,
            outage: None,
            reach_open: None,
        }
    }

    fn missed(state: &mut NodeState, times: u32) {
        (0..times).for_each(|_| state.poll(Err("connection refused".into()), 0));
    }

    #[test]
    fn a_node_is_suspect_after_two_misses_unreachable_after_five_and_ready_at_one_answer() {
        let mut state = NodeState::new(0);
        state.poll(Ok(status(None)), 1);
        missed(&mut state, 1);
        assert_eq!(state.health, NodeHealth::Ready);
        missed(&mut state, 1);
        assert_eq!(state.health, NodeHealth::Suspect);
        missed(&mut state, 2);
        assert_eq!(state.health, NodeHealth::Suspect);
        assert_eq!(state.trouble("node-1"), None);
        missed(&mut state, 1);
        assert!(
            state
                .trouble("node-1")
                .is_some_and(|words| words.contains("refused"))
        );
        state.poll(Ok(status(None)), 9);
        assert_eq!((state.health.clone(), state.since), (NodeHealth::Ready, 9));
    }

    #[test]
    fn a_node_that_never_answered_is_unreachable_at_once() {
        let mut state = NodeState::new(0);
        assert!(!state.is_ready());
        missed(&mut state, 1);
        let reason = "connection refused".to_owned();
        assert_eq!(state.health, NodeHealth::Unreachable { reason });
    }

    #[test]
    fn a_degraded_node_that_stops_answering_stays_degraded_until_it_is_unreachable() {
        let mut state = NodeState::new(0);
        state.poll(Ok(status(Some("no engine"))), 1);
        missed(&mut state, 4);
        assert!(matches!(state.health, NodeHealth::Degraded { .. }));
        missed(&mut state, 1);
        assert!(matches!(state.health, NodeHealth::Unreachable { .. }));
    }

    #[test]
    fn an_exit_while_the_engine_or_the_node_was_away_is_told_apart() {
        let mut state = NodeState::new(0);
        state.poll(Ok(status(None)), 200 * SECOND);
        state.poll(Ok(status(Some("away"))), 300 * SECOND);
        state.poll(Ok(status(Some("away"))), 310 * SECOND);
        state.poll(Ok(status(None)), 320 * SECOND);
        for (at, out) in [
            (50, true),
            (150, false),
            (290, false),
            (297, true),
            (315, true),
            (324, true),
            (330, false),
        ] {
            assert_eq!(state.was_out(at * SECOND), out, "at {at} s");
        }
    }

    #[test]
    fn an_exit_while_the_node_was_down_is_the_vms_own_where_the_engine_ran_on() {
        // The node began at 100 s.
        for (engine, at, out) in [
            (None, 99, true),
            (Some(20), 10, true),
            // It may still have been ending what another engine had left.
            (Some(20), 79, true),
            (Some(20), 81, false),
            (Some(20), 99, false),
            (Some(99), 98, true),
        ] {
            let mut status = status(None);
            status.engine.started_at = engine.map(|at: i64| at * SECOND);
            let mut state = NodeState::new(0);
            state.poll(Ok(status), 200 * SECOND);
            assert_eq!(state.was_out(at * SECOND), out, "{engine:?}, at {at} s");
        }
    }

    #[test]
    fn a_node_that_has_not_looked_at_its_engine_yet_tells_of_no_outage() {
        let mut state = NodeState::new(0);
        assert!(!state.knows_engine());
        let mut first = status(Some("not yet"));
        first.engine.kind = EngineStatus::UNKNOWN.into();
        state.poll(Ok(first), 101 * SECOND);
        assert!(!state.knows_engine() && !state.is_ready());
        assert!(!state.was_out(101 * SECOND));
        state.poll(Ok(status(None)), 103 * SECOND);
        assert!(state.knows_engine() && !state.was_out(101 * SECOND));
    }

    #[test]
    fn a_node_that_began_anew_between_two_polls_is_told_from_the_one_before() {
        let mut state = NodeState::new(0);
        assert_eq!(state.ready_run(), None);
        let mut seen = status(None);
        state.poll(Ok(seen.clone()), 101 * SECOND);
        assert_eq!(state.ready_run(), Some(100 * SECOND));
        seen.started_at = 102 * SECOND;
        state.poll(Ok(seen), 103 * SECOND);
        assert_eq!(state.ready_run(), Some(102 * SECOND));
        state.poll(Ok(status(Some("away"))), 105 * SECOND);
        assert_eq!(state.ready_run(), None);
    }

    #[test]
    fn an_outage_that_no_poll_saw_is_known_from_the_node() {
        let mut state = NodeState::new(0);
        let outage = EngineOutage {
            from: 300 * SECOND,
            to: Some(301 * SECOND),
        };
        state.poll(
            Ok(NodeStatus {
                outage: Some(outage),
                ..status(None)
            }),
            302 * SECOND,
        );
        assert!(state.is_ready());
        for (at, out) in [(290, false), (300, true), (301, true), (310, false)] {
            assert_eq!(state.was_out(at * SECOND), out, "at {at} s");
        }
    }
}

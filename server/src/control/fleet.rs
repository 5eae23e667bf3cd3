//! What nodes said last, in memory: reports, recent usage, progress. Lost with the process, and
//! filled again by the first look.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use app::model::VmProgress;
use node_api::vm::VmReport;
use uuid::Uuid;

use crate::clock::SECOND;

/// A VM in which memory runs out again and again is told of so often, or its events would be all there are.
const OOM_TOLD: i64 = 60 * SECOND;
/// CPU samples kept for a VM: two minutes of them.
const HISTORY: usize = 24;

/// What all nodes said last, behind a lock that is never held over an await.
#[derive(Default)]
pub struct Fleet(Mutex<State>);

#[derive(Default)]
struct State {
    nodes: HashMap<String, NodeFacts>,
    vms: HashMap<String, VmFacts>,
}

/// What a node's last list said.
#[derive(Default)]
struct NodeFacts {
    reports: HashMap<Uuid, VmReport>,
    listed_at: Option<i64>,
    alarm: Option<String>,
}

/// What is known of a VM beside its row.
#[derive(Clone, Debug, Default)]
pub struct VmFacts {
    /// CPU in percent of its share, oldest first.
    pub history: VecDeque<u8>,
    /// What is being done for it now, such as a pull.
    pub progress: Option<VmProgress>,
    sampled_at: i64,
    oom_kills: Option<u64>,
    /// When it was told last that the memory limit has killed something.
    oom_told_at: Option<i64>,
}

/// What a new list changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// VMs with a new usage sample.
    pub sampled: Vec<Uuid>,
    /// VMs in which the memory limit has killed something, each told once in [`OOM_TOLD`].
    pub out_of_memory: Vec<Uuid>,
}

impl Fleet {
    /// Takes in a node's whole list. `newer` tells of VMs that were acted on since it was asked
    /// for: of those, what the act answered stays.
    pub fn list(
        &self,
        node_id: &str,
        list: Vec<VmReport>,
        newer: impl Fn(&Uuid) -> bool,
        now: i64,
    ) -> Listed {
        let mut state = self.lock();
        let mut listed = Listed::default();
        for report in &list {
            state.take_figures(report, now, &mut listed);
        }
        let node = state.nodes.entry(node_id.to_owned()).or_default();
        let mut reports: HashMap<Uuid, VmReport> = list
            .into_iter()
            .map(|report| (report.spec.id, report))
            .filter(|(id, _)| !newer(id))
            .collect();
        for (id, report) in node.reports.drain().filter(|(id, _)| newer(id)) {
            reports.insert(id, report);
        }
        node.reports = reports;
        node.listed_at = Some(now);
        listed
    }

    /// Takes in the answer of a call about one VM.
    pub fn report(&self, node_id: &str, report: VmReport) {
        let mut state = self.lock();
        let facts = state.vms.entry(report.spec.id.to_string()).or_default();
        facts.oom_kills.get_or_insert(report.oom_kills);
        let node = state.nodes.entry(node_id.to_owned()).or_default();
        node.reports.insert(report.spec.id, report);
    }

    /// What the node said last of a VM.
    pub fn get(&self, node_id: &str, id: Uuid) -> Option<VmReport> {
        self.lock().nodes.get(node_id)?.reports.get(&id).cloned()
    }

    /// VMs that have written more than their disks hold, by name. Soft limits are kept by nobody else.
    pub fn over_disk(&self) -> Vec<VmReport> {
        let state = self.lock();
        let reports = state.nodes.values().flat_map(|node| node.reports.values());
        let over = reports.filter(|report| disk_over(report).is_some());
        let mut over: Vec<VmReport> = over.cloned().collect();
        over.sort_by(|a, b| (&a.spec.name, a.spec.id).cmp(&(&b.spec.name, b.spec.id)));
        over
    }

    /// When the node last told of its VMs.
    pub fn listed_at(&self, node_id: &str) -> Option<i64> {
        self.lock().nodes.get(node_id)?.listed_at
    }

    /// Nothing known yet is an empty history.
    pub fn facts(&self, vm_id: &str) -> VmFacts {
        self.lock().vms.get(vm_id).cloned().unwrap_or_default()
    }

    /// What is being done for a VM, for its page; true when that is new.
    pub fn progress(&self, vm_id: &str, progress: Option<VmProgress>) -> bool {
        let mut state = self.lock();
        match (state.vms.get_mut(vm_id), progress) {
            (Some(facts), progress) if facts.progress == progress => false,
            (Some(facts), progress) => {
                facts.progress = progress;
                true
            }
            (None, None) => false,
            (None, progress) => {
                let facts = VmFacts {
                    progress,
                    ..VmFacts::default()
                };
                state.vms.insert(vm_id.to_owned(), facts);
                true
            }
        }
    }

    /// Forgets a VM on a node: it is gone, or has moved.
    pub fn forget(&self, node_id: &str, vm_id: &str) {
        let mut state = self.lock();
        state.vms.remove(vm_id);
        if let (Some(node), Ok(id)) = (state.nodes.get_mut(node_id), vm_id.parse()) {
            node.reports.remove(&id);
        }
    }

    /// Its reports and its alarm; what is known of its VMs goes with each of them.
    pub fn forget_node(&self, node_id: &str) {
        self.lock().nodes.remove(node_id);
    }

    /// Something about a node's containers that an admin must see; true when that is new.
    pub fn set_alarm(&self, node_id: &str, alarm: Option<String>) -> bool {
        let mut state = self.lock();
        let node = state.nodes.entry(node_id.to_owned()).or_default();
        let new = node.alarm != alarm;
        node.alarm = alarm;
        new
    }

    /// As [`Fleet::set_alarm`] left it; the overview shows it to admins.
    pub fn alarm(&self, node_id: &str) -> Option<String> {
        self.lock().nodes.get(node_id)?.alarm.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take_figures(&mut self, report: &VmReport, now: i64, listed: &mut Listed) {
        let id = report.spec.id;
        let facts = self.vms.entry(id.to_string()).or_default();
        let before = *facts.oom_kills.get_or_insert(report.oom_kills);
        let is_quiet = facts
            .oom_told_at
            .is_some_and(|at| (0..OOM_TOLD).contains(&(now - at)));
        if report.oom_kills > before && !is_quiet {
            listed.out_of_memory.push(id);
            (facts.oom_kills, facts.oom_told_at) = (Some(report.oom_kills), Some(now));
        } else if report.oom_kills < before {
            // It was started anew.
            facts.oom_kills = Some(report.oom_kills);
        }
        let Some(usage) = report.usage.filter(|usage| usage.at != facts.sampled_at) else {
            return;
        };
        facts.sampled_at = usage.at;
        if facts.history.len() == HISTORY {
            facts.history.pop_front();
        }
        facts
            .history
            .push_back(cpu_percent(usage.cpu_millis, report.spec.cpu_millis) as u8);
        listed.sampled.push(id);
    }
}

/// Use of a CPU share in percent, 0..=100.
pub fn cpu_percent(used_millis: u32, share_millis: u32) -> f32 {
    (used_millis as f32 * 100.0 / share_millis.max(1) as f32).min(100.0)
}

/// Bytes that a VM has written, where that is more than its disk.
pub fn disk_over(report: &VmReport) -> Option<u64> {
    let limit = u64::from(report.spec.disk_gib) << 30;
    report.usage?.disk_bytes.filter(|used| *used > limit)
}

#[cfg(test)]
mod tests {
    use node_api::{usage::UsageSample, vm::PowerState};

    use super::*;
    use crate::control::testing::report;

    fn sampled(at: i64, cpu_millis: u32, oom_kills: u64) -> VmReport {
        let usage = UsageSample {
            at,
            cpu_millis,
            memory_mib: 1.0,
            rx_bytes: 0,
            tx_bytes: 0,
            disk_bytes: None,
            processes: 1,
        };
        VmReport {
            usage: Some(usage),
            oom_kills,
            ..report(PowerState::Running)
        }
    }

    #[test]
    fn cpu_is_kept_in_percent_of_the_share_each_sample_once() {
        let fleet = Fleet::default();
        for (at, millis) in [(1, 250), (1, 250), (2, 600)] {
            fleet.list("n1", vec![sampled(at, millis, 0)], |_| false, at);
        }
        let id = sampled(0, 0, 0).spec.id.to_string();
        assert_eq!(fleet.facts(&id).history, [50, 100]);
        for at in 3..100 {
            fleet.list("n1", vec![sampled(at, 0, 0)], |_| false, at);
        }
        assert_eq!(fleet.facts(&id).history.len(), HISTORY);
    }

    #[test]
    fn a_disk_is_over_when_more_was_written_than_it_holds() {
        let fleet = Fleet::default();
        let written = |bytes| {
            let mut report = sampled(1, 0, 0);
            report.spec.disk_gib = 2;
            report.usage = report.usage.map(|usage| UsageSample {
                disk_bytes: bytes,
                ..usage
            });
            fleet.list("n1", vec![report], |_| false, 1);
            fleet.over_disk().len()
        };
        assert_eq!(
            [
                written(None),
                written(Some(2 << 30)),
                written(Some((2 << 30) + 1))
            ],
            [0, 0, 1]
        );
    }

    #[test]
    fn a_kill_for_memory_is_told_once_and_one_from_before_is_not() {
        let fleet = Fleet::default();
        let killed = |at, kills| {
            fleet
                .list("n1", vec![sampled(at, 0, kills)], |_| false, at)
                .out_of_memory
                .len()
        };
        assert_eq!(
            [
                killed(1, 2),
                killed(2, 2),
                killed(3, 3),
                killed(4, 3),
                killed(5, 0)
            ],
            [0, 0, 1, 0, 0]
        );
    }

    #[test]
    fn a_vm_in_which_memory_runs_out_all_the_time_is_told_of_once_a_minute_and_no_kill_is_forgotten()
     {
        let fleet = Fleet::default();
        let told = |at: i64, kills| {
            let list = vec![sampled(at * SECOND, 0, kills)];
            let listed = fleet.list("n1", list, |_| false, at * SECOND);
            !listed.out_of_memory.is_empty()
        };
        let at: Vec<i64> = (0..200).filter(|at| told(*at, *at as u64)).collect();
        assert_eq!(at, [1, 61, 121, 181]);
        // None since, but those before it were not told.
        assert!(!told(200, 200) && told(241, 200));
        assert!(!told(300, 0) && told(301, 1));
    }

    #[test]
    fn a_list_does_not_undo_what_was_learned_after_it_was_asked_for() {
        let fleet = Fleet::default();
        let ended = report(PowerState::Exited);
        let id = ended.spec.id;
        fleet.report("n1", ended);
        fleet.list("n1", vec![report(PowerState::Running)], |_| true, 1);
        assert_eq!(fleet.get("n1", id).unwrap().power, PowerState::Exited);
        fleet.list("n1", Vec::new(), |_| false, 2);
        assert_eq!(fleet.get("n1", id), None);
    }
}

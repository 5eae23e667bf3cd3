//! Rows and reports as pages show them: the one place where a node's trouble turns a VM's state
//! into `Unknown`.

use app::{
    format::bytes,
    model::{UsagePoint, VmProgress, VmState, VmView},
};
use node_api::{usage::UsageSample, vm::VmReport};

use super::{
    Control,
    fleet::{cpu_percent, disk_over},
};
use crate::{clock, clock::SECOND, db::vm::VmRow};

/// A node that answers polls but has not told of its VMs for so long is not believed.
const STALE: i64 = 12 * SECOND;

impl Control {
    /// A VM as its owner, or an admin, sees it now.
    pub(super) fn vm_view(&self, row: &VmRow) -> VmView {
        let report = self.vm_report(row);
        let facts = self.0.fleet.facts(&row.id);
        let (state, reason) = self.vm_state(row);
        let runs = state == VmState::Running;
        let usage = report
            .as_ref()
            .and_then(|report| report.usage)
            .filter(|_| runs);
        VmView {
            id: row.id.clone(),
            name: row.name.clone(),
            owner: row.owner.clone(),
            state,
            reason,
            progress: progress(state, facts.progress),
            flavor: row.flavor.clone(),
            cpu_millis: row.cpu_millis,
            memory_mib: row.memory_mib,
            disk_gib: row.disk_gib,
            image: row.image.clone(),
            node: row.node.clone(),
            created_at: row.created_at,
            changed_at: row.changed_at,
            started_at: row.started_at.filter(|_| runs),
            cpu_percent: usage.map(|usage| cpu_percent(usage.cpu_millis, row.cpu_millis)),
            memory_used_mib: usage.map(|usage| usage.memory_mib),
            cpu_history: facts.history.into_iter().collect(),
            ssh_published: self.ssh_published(row, state),
        }
    }

    /// What its node said last of a VM.
    pub(super) fn vm_report(&self, row: &VmRow) -> Option<VmReport> {
        self.0
            .fleet
            .get(row.node_id.as_deref()?, row.id.parse().ok()?)
    }

    /// The state to show, and a sentence for it. Nobody knows what a VM does whose node is silent;
    /// what is being made or removed, or has failed, is so all the same.
    fn vm_state(&self, row: &VmRow) -> (VmState, Option<String>) {
        let trouble = row.node_id.as_deref().and_then(|id| self.node_trouble(id));
        match (row.state, trouble) {
            (VmState::Failed, _) | (_, None) => {
                let notice = || self.notice(row).or_else(|| self.disk_notice(row));
                (row.state, row.reason.clone().or_else(notice))
            }
            (VmState::Creating | VmState::Deleting, Some(trouble)) => (row.state, Some(trouble)),
            (_, Some(trouble)) => (VmState::Unknown, Some(trouble)),
        }
    }

    /// Why nothing is known of a node's VMs now; None when it is.
    pub(super) fn node_trouble(&self, node_id: &str) -> Option<String> {
        let Some(entry) = self.0.registry.get(node_id) else {
            return Some("Its node is not connected to this server.".into());
        };
        let trouble = entry.with_state(|state| state.trouble(&entry.name));
        trouble.or_else(|| {
            let listed_at = self.0.fleet.listed_at(node_id).unwrap_or(self.0.began);
            let silent = (clock::now() - listed_at) / SECOND;
            (silent * SECOND > STALE)
                .then(|| format!("{} has not told of its VMs for {silent} s.", entry.name))
        })
    }

    /// Said of a stopped VM before it goes.
    fn notice(&self, row: &VmRow) -> Option<String> {
        let kept = self.0.retention.filter(|_| row.state == VmState::Stopped)?;
        kept.notice(row.changed_at, clock::now())
    }

    /// Said of a VM that has written more than its disk.
    fn disk_notice(&self, row: &VmRow) -> Option<String> {
        let used = disk_over(&self.vm_report(row)?)?;
        Some(format!(
            "It uses {} of its disk of {} GiB: delete files that you do not need.",
            bytes(used as f32),
            row.disk_gib
        ))
    }
}

fn progress(state: VmState, known: Option<VmProgress>) -> Option<VmProgress> {
    let words = |words: &str| {
        Some(VmProgress {
            percent: None,
            words: words.into(),
        })
    };
    match state {
        VmState::Creating => known.or_else(|| words("Creating")),
        VmState::Starting => words("Starting"),
        VmState::Stopping => words("Shutting down"),
        VmState::Deleting => words("Deleting"),
        _ => None,
    }
}

/// The points of the usage charts: rates are between one sample and the next.
pub(super) fn usage_points(samples: &[UsageSample], share_millis: u32) -> Vec<UsagePoint> {
    let first = samples.first().copied();
    let before = first.into_iter().chain(samples.iter().copied());
    before
        .zip(samples)
        .map(|(before, sample)| UsagePoint {
            at: sample.at,
            cpu_percent: cpu_percent(sample.cpu_millis, share_millis),
            memory_mib: sample.memory_mib,
            rx_rate: rate(before.rx_bytes, sample.rx_bytes, sample.at - before.at),
            tx_rate: rate(before.tx_bytes, sample.tx_bytes, sample.at - before.at),
        })
        .collect()
}

/// Bytes a second; 0 where a counter began anew.
fn rate(before: u64, after: u64, micros: i64) -> f32 {
    if micros <= 0 {
        return 0.0;
    }
    after.saturating_sub(before) as f32 * SECOND as f32 / micros as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_bytes_a_second_and_a_counter_that_began_anew_is_no_rate() {
        let sample = |at: i64, rx_bytes| UsageSample {
            at: at * SECOND,
            cpu_millis: 250,
            memory_mib: 9.0,
            rx_bytes,
            tx_bytes: 0,
            disk_bytes: None,
            processes: 1,
        };
        let points = usage_points(&[sample(0, 100), sample(5, 600), sample(10, 50)], 500);
        let rates: Vec<f32> = points.iter().map(|point| point.rx_rate).collect();
        assert_eq!(rates, [0.0, 100.0, 0.0]);
        assert_eq!(points[0].cpu_percent, 50.0);
    }
}

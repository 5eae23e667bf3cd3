//! What VMs use: one sample of each running VM every 5 s, 15 minutes of them kept.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use node_api::{
    usage::UsageSample,
    vm::{PowerState, VmReport},
};
use tokio::time::{Interval, MissedTickBehavior};
use uuid::Uuid;

use crate::{
    clock::now_us,
    driver::{Driver, UsageReading},
    state::NodeState,
};

/// Time between two samples.
const EVERY: Duration = Duration::from_secs(5);
/// 15 minutes of samples.
const KEPT: usize = 180;
/// VMs that are asked at once; more would make the engine slow for others.
const AT_ONCE: usize = 8;
/// A sample this old (µs) is no longer what a VM uses now.
const STALE_US: i64 = 10_000_000;
/// Time between two looks at disks.
const DISKS_EVERY: Duration = Duration::from_secs(60);

/// Samples by VM.
#[derive(Default)]
pub struct UsageStore(Mutex<HashMap<Uuid, History>>);

#[derive(Default)]
struct History {
    samples: VecDeque<UsageSample>,
    last: Option<UsageReading>,
    disk_bytes: Option<u64>,
}

impl UsageStore {
    /// All samples of a VM, oldest first.
    pub fn history(&self, id: Uuid) -> Vec<UsageSample> {
        self.lock().get(&id).map_or_else(Vec::new, |history| {
            history.samples.iter().copied().collect()
        })
    }

    /// Fills in what running VMs use now.
    pub fn attach(&self, vms: &mut [VmReport]) {
        let store = self.lock();
        let oldest = now_us() - STALE_US;
        for vm in vms.iter_mut().filter(|vm| vm.power == PowerState::Running) {
            vm.usage = store
                .get(&vm.spec.id)
                .and_then(|history| history.samples.back().copied())
                .filter(|sample| sample.at >= oldest);
        }
    }

    /// Takes a reading; the first of a run has nothing to be compared with and gives no sample.
    fn record(&self, id: Uuid, reading: UsageReading) {
        let mut store = self.lock();
        let history = store.entry(id).or_default();
        if let Some(last) = history.last.replace(reading) {
            let sample = sample(&last, &reading, history.disk_bytes);
            history.samples.extend(sample);
            while history.samples.len() > KEPT {
                history.samples.pop_front();
            }
        }
    }

    fn record_disk(&self, id: Uuid, bytes: Option<u64>) {
        self.lock().entry(id).or_default().disk_bytes = bytes;
    }

    /// Forgets VMs that are gone, and the last reading of those that do not run.
    fn keep(&self, vms: &[VmReport]) {
        let power: HashMap<Uuid, PowerState> =
            vms.iter().map(|vm| (vm.spec.id, vm.power)).collect();
        self.lock().retain(|id, history| match power.get(id) {
            Some(PowerState::Running) => true,
            Some(_) => {
                history.last = None;
                true
            }
            None => false,
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, History>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// None where the VM was started anew between the two, or no time has passed.
fn sample(last: &UsageReading, now: &UsageReading, disk_bytes: Option<u64>) -> Option<UsageSample> {
    let elapsed_us = u64::try_from(now.at - last.at).ok().filter(|us| *us > 0)?;
    let cpu_ns = now.cpu_ns.checked_sub(last.cpu_ns)?;
    Some(UsageSample {
        at: now.at,
        // ns per µs is thousandths of a core
        cpu_millis: u32::try_from(cpu_ns / elapsed_us).unwrap_or(u32::MAX),
        memory_mib: (now.memory_bytes as f64 / (1024.0 * 1024.0)) as f32,
        rx_bytes: now.rx_bytes,
        tx_bytes: now.tx_bytes,
        disk_bytes,
        processes: now.processes,
    })
}

/// Samples until the node ends.
pub async fn run(state: Arc<NodeState>) {
    let every = ticks(EVERY);
    let disks = ticks(DISKS_EVERY);
    // Apart, so that slow disks never delay the samples.
    tokio::join!(
        run_rounds(&state, every, Round::Usage),
        run_rounds(&state, disks, Round::Disks)
    );
}

#[derive(Clone, Copy)]
enum Round {
    Usage,
    Disks,
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

async fn run_rounds(state: &NodeState, mut ticks: Interval, round: Round) {
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = state.shutdown.cancelled() => return,
        }
        look(state, round).await;
    }
}

async fn look(state: &NodeState, round: Round) {
    let vms = match state.driver.vm_list().await {
        Ok(vms) => vms,
        // Status and the caller of `GET /v1/vms` say so already.
        Err(error) => return tracing::debug!("no usage sampled: {error}"),
    };
    let running: Vec<Uuid> = vms
        .iter()
        .filter(|vm| vm.power == PowerState::Running)
        .map(|vm| vm.spec.id)
        .collect();
    match round {
        Round::Usage => {
            state.usage.keep(&vms);
            read_all(state.driver.as_ref(), &state.usage, &running).await;
        }
        Round::Disks => read_disks(state.driver.as_ref(), &state.usage, &running).await,
    }
}

async fn read_all(driver: &dyn Driver, store: &UsageStore, ids: &[Uuid]) {
    stream::iter(ids.iter().copied())
        .for_each_concurrent(AT_ONCE, |id| async move {
            match driver.vm_usage(id).await {
                Ok(reading) => store.record(id, reading),
                Err(error) => tracing::debug!(%id, "no usage read: {error}"),
            }
        })
        .await;
}

/// One after the other: a look at a disk walks its files on some engines.
async fn read_disks(driver: &dyn Driver, store: &UsageStore, ids: &[Uuid]) {
    for id in ids.iter().copied() {
        match driver.vm_disk_bytes(id).await {
            Ok(bytes) => store.record_disk(id, bytes),
            Err(error) => tracing::debug!(%id, "no disk use read: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(at: i64, cpu_ns: u64) -> UsageReading {
        UsageReading {
            at,
            cpu_ns,
            memory_bytes: 3 << 20,
            ..Default::default()
        }
    }

    #[test]
    fn half_a_core_for_five_seconds_is_500_millis() {
        let store = UsageStore::default();
        let id = Uuid::from_u128(1);
        store.record(id, reading(1_000_000, 0));
        store.record(id, reading(6_000_000, 2_500_000_000));
        let samples = store.history(id);
        assert_eq!(samples.len(), 1);
        assert_eq!((samples[0].cpu_millis, samples[0].memory_mib), (500, 3.0));
    }

    #[test]
    fn a_restart_between_two_readings_gives_no_sample() {
        assert_eq!(sample(&reading(1, 900), &reading(2, 100), None), None);
        assert_eq!(sample(&reading(2, 100), &reading(2, 100), None), None);
    }

    #[test]
    fn only_fifteen_minutes_are_kept() {
        let store = UsageStore::default();
        let id = Uuid::from_u128(1);
        (0..400).for_each(|i| store.record(id, reading(i * 5_000_000, 0)));
        assert_eq!(store.history(id).len(), KEPT);
    }
}

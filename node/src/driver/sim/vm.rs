//! A container of the simulated engine.

use std::collections::BTreeMap;

use node_api::{
    ssh::SshServe,
    vm::{PowerState, VmExit, VmReport, VmSpec},
};
use uuid::Uuid;

use super::{process::ProcessHandle, tty::TtyHandle};
use crate::{
    clock::now_us,
    driver::{UsageReading, authorized_keys},
};

const AUTHORIZED_KEYS: &str = "/root/.ssh/authorized_keys";
const HOST_KEY: &str = "/etc/dropbear/dropbear_ed25519_host_key";

/// What it is, what is on its disk, what runs in it.
pub(super) struct SimVm {
    pub spec: VmSpec,
    /// The node whose label it carries.
    pub node: String,
    pub power: PowerState,
    /// Microseconds since the Unix epoch; set while it runs.
    pub started_at: Option<i64>,
    pub exit: Option<VmExit>,
    pub oom_kills: u64,
    /// Its disk, by path.
    pub files: BTreeMap<String, String>,
    /// Opened since it started.
    pub ttys: Vec<TtyHandle>,
    /// Begun since it started; some have ended.
    pub processes: Vec<ProcessHandle>,
    /// What it uses of a core, thousandths.
    pub load_millis: u32,
    /// Its place in its network, 0..=28; its address comes from it.
    pub host: u8,
    /// Its SSH server runs.
    pub ssh_serves: bool,
}

impl SimVm {
    /// Created, and never started.
    pub(super) fn new(spec: VmSpec, node: &str, host: u8) -> Self {
        Self {
            spec,
            node: node.to_owned(),
            power: PowerState::Created,
            started_at: None,
            exit: None,
            oom_kills: 0,
            files: BTreeMap::new(),
            ttys: Vec::new(),
            processes: Vec::new(),
            load_millis: 5,
            host,
            ssh_serves: false,
        }
    }

    /// It runs, and how it ended before is forgotten.
    pub(super) fn start(&mut self) {
        self.power = PowerState::Running;
        self.started_at = Some(now_us());
        self.exit = None;
    }

    /// Ends it, and every terminal and command in it.
    pub(super) fn end(&mut self, code: i64, oom_killed: bool) {
        self.power = PowerState::Exited;
        self.started_at = None;
        self.ssh_serves = false;
        self.exit = Some(VmExit {
            code,
            oom_killed,
            finished_at: now_us(),
            error: String::new(),
        });
        self.ttys.drain(..).for_each(|tty| tty.end(137));
        self.processes
            .drain(..)
            .for_each(|process| process.end(137));
    }

    /// Keys in place, host keys made once, the server started.
    pub(super) fn ssh_serve(&mut self, serve: &SshServe) {
        let file = self.files.entry(AUTHORIZED_KEYS.to_owned()).or_default();
        *file = authorized_keys::merge(file, &serve.keys);
        let made = || format!("host key {}\n", Uuid::now_v7());
        self.files.entry(HOST_KEY.to_owned()).or_insert_with(made);
        self.ssh_serves = true;
    }

    pub(super) fn report(&self) -> VmReport {
        VmReport {
            spec: self.spec.clone(),
            power: self.power,
            engine_id: engine_id(self.spec.id),
            started_at: self.started_at,
            exit: self.exit.clone(),
            address: self.started_at.and_then(|_| self.address()),
            oom_kills: self.oom_kills,
            usage: None,
        }
    }

    /// Made up: `load_millis` of a core all the time, and a quarter of its memory.
    pub(super) fn usage(&self) -> UsageReading {
        let at = now_us();
        let run_us = u64::try_from(at - self.started_at.unwrap_or(at)).unwrap_or(0);
        UsageReading {
            at,
            // thousandths of a core for a µs are ns
            cpu_ns: run_us * u64::from(self.load_millis),
            memory_bytes: u64::from(self.spec.memory_mib) << 18,
            rx_bytes: run_us / 1000,
            tx_bytes: run_us / 2000,
            processes: 2 + u32::try_from(self.ttys.len()).unwrap_or(u32::MAX - 2),
        }
    }

    fn address(&self) -> Option<String> {
        let (base, _) = self.spec.network.subnet.split_once('/')?;
        let base: std::net::Ipv4Addr = base.parse().ok()?;
        Some(std::net::Ipv4Addr::from(u32::from(base) + 2 + u32::from(self.host)).to_string())
    }
}

/// 12 hex digits, as an engine would give.
fn engine_id(id: Uuid) -> String {
    let hex = id.simple().to_string();
    hex[hex.len() - 12..].to_owned()
}

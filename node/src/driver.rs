//! What a node needs of a container engine. `docker` is the real one, `sim` lives in memory; one
//! conformance suite holds both (tests/conformance.rs).

pub mod authorized_keys;
pub mod docker;
pub mod health;
mod signal;
pub mod sim;

pub use signal::ProcessSignal;

use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use node_api::{
    error::NodeErrorCode,
    exec::{ExecOutput, ExecRequest, ExecStart},
    image::ImageReport,
    ssh::SshServe,
    status::{Capacity, EngineOutage, EngineStatus, NodeUsage},
    vm::{VmReport, VmSpec},
};
use tokio::{io::AsyncWrite, sync::broadcast};
use uuid::Uuid;

/// A fault of the driver, with the engine's own words where it had some.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct DriverError {
    /// For the caller to act on; the API answers with its status.
    pub code: NodeErrorCode,
    /// A sentence for people: what happened, to what.
    pub message: String,
}

impl DriverError {
    pub fn new(code: NodeErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// No such VM on this node.
    pub fn vm_not_found(id: Uuid) -> Self {
        Self::new(
            NodeErrorCode::NotFound,
            format!("there is no VM {id} on this node"),
        )
    }
}

/// Something happened to a VM; a hint to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriverEvent {
    pub vm_id: Uuid,
    pub kind: node_api::event::NodeEventKind,
}

/// What an engine tells of itself.
#[derive(Clone, Debug)]
pub struct EngineReport {
    pub engine: EngineStatus,
    /// This node's share of what the engine has.
    pub capacity: Capacity,
    /// `shells` is 0: the node counts those.
    pub usage: NodeUsage,
    /// References present here, with their tags; those tagged `latest` also without.
    pub images: Vec<String>,
    /// True where the engine's storage holds a VM to its disk size.
    pub disk_limit_hard: bool,
}

/// Raw figures of one look at a VM; the sampler turns two of them into a `UsageSample`.
#[derive(Clone, Copy, Debug, Default)]
pub struct UsageReading {
    /// Microseconds since the Unix epoch, by the node's clock.
    pub at: i64,
    /// CPU time used since the VM started, nanoseconds.
    pub cpu_ns: u64,
    /// Working set: without page cache that nobody has touched lately, where the engine tells.
    pub memory_bytes: u64,
    /// Received since the VM started, over all its networks.
    pub rx_bytes: u64,
    /// Sent, as `rx_bytes`.
    pub tx_bytes: u64,
    /// Processes and threads.
    pub processes: u32,
}

/// What a PTY prints, raw; ends when the program does.
pub type TtyOutput = Pin<Box<dyn Stream<Item = Result<Bytes, DriverError>> + Send>>;
/// Where what is typed goes.
pub type TtyInput = Pin<Box<dyn AsyncWrite + Send>>;

/// A terminal in a VM: the engine's end of a PTY.
pub struct Tty {
    pub output: TtyOutput,
    pub input: TtyInput,
    /// Dropping it ends nothing that runs in the terminal; `kill` does.
    pub control: Box<dyn TtyControl>,
}

/// How a terminal begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TtySpec {
    /// Both in 1..=500; right from the first prompt on.
    pub cols: u16,
    /// As `cols`.
    pub rows: u16,
    /// What root's login shell runs in place of a login.
    pub command: Option<String>,
    /// Added to the environment, or in place of what it sets.
    pub env: Vec<(String, String)>,
    /// In the environment of everything that runs in it (`MC_TTY`), so that it can be found; unlike any
    /// other's.
    pub mark: String,
}

impl TtySpec {
    /// A login shell of that size.
    pub fn login(cols: u16, rows: u16) -> Self {
        Self {
            cols,
            rows,
            command: None,
            env: Vec::new(),
            mark: Uuid::now_v7().simple().to_string(),
        }
    }
}

/// A command in a VM with its streams apart.
pub struct Process {
    /// What it prints, raw; ends when nobody can print there any more. Nothing is read ahead of the
    /// reader: a slow one slows the command.
    pub output: Pin<Box<dyn Stream<Item = Result<Piece, DriverError>> + Send>>,
    /// To be shut down when there is no more input.
    pub input: Pin<Box<dyn AsyncWrite + Send>>,
    /// Dropping it ends nothing: who is done with a command that runs kills it.
    pub control: Box<dyn ProcessControl>,
}

/// Some output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Stdout(Bytes),
    Stderr(Bytes),
}

/// What can be done to a program beside reading and writing.
#[async_trait]
pub trait ProcessControl: Send + Sync {
    /// Its exit code once it has ended, 128 + n for a signal; None while it runs.
    async fn exit_code(&self) -> Result<Option<i32>, DriverError>;
    /// Sends a signal to every process of its session.
    async fn signal(&self, signal: ProcessSignal) -> Result<(), DriverError>;
    /// Ends every process of its session (HUP, then KILL), background jobs included.
    async fn kill(&self) -> Result<(), DriverError>;
}

/// What can be done to a terminal, too.
#[async_trait]
pub trait TtyControl: ProcessControl {
    /// Sets the PTY's size; both in 1..=500.
    async fn resize(&self, cols: u16, rows: u16) -> Result<(), DriverError>;
}

/// The engine, as a node uses it. Every call is idempotent and keeps a deadline of its own
/// (list 10 s, create 60, start 30, stop 10 + 10, exec its own); what is not ours is never touched.
#[async_trait]
pub trait Driver: Send + Sync + 'static {
    /// What the engine is and holds; never fails: an engine that is away is `degraded`.
    async fn engine(&self) -> EngineReport;
    /// All VMs of this node (labelled with its name), whatever they do now.
    async fn vm_list(&self) -> Result<Vec<VmReport>, DriverError>;
    /// Fresh from the engine; `NotFound` where it is not this node's.
    async fn vm_get(&self, id: Uuid) -> Result<VmReport, DriverError>;
    /// Waits until nothing creates or deletes the VM any more: what one finds then is so.
    async fn vm_settled(&self, id: Uuid);
    /// Creates the VM's network and container where they are missing, and starts it when asked (in
    /// one call, so that it is looked at once). A VM that is there already is left as it is, but
    /// for the start; one that never ran and has another published port is made anew.
    /// `PortTaken` where something else on the host has the port, `ImageMissing` where the image is not here; `NoRoom` where its memory does
    /// not fit beside what is promised already.
    async fn vm_create(&self, spec: &VmSpec, start: bool) -> Result<VmReport, DriverError>;
    /// Answers with a fresh report; fine where it runs. `PortTaken` where its published port is in use,
    /// `NoRoom` where its owner's network has no address left.
    async fn vm_start(&self, id: Uuid) -> Result<VmReport, DriverError>;
    /// Graceful: TERM, 10 s, KILL. Waits for the end.
    async fn vm_stop(&self, id: Uuid) -> Result<VmReport, DriverError>;
    /// Removes it for good, and the owner's network with the last VM in it. Fine if it is not there.
    async fn vm_delete(&self, id: Uuid) -> Result<(), DriverError>;
    /// Puts the keys into root's `authorized_keys`, in place of those put there before (what else is
    /// in it stays), makes host keys where there are none, and starts the SSH server unless something
    /// listens on port 22. `Conflict` where the VM is not such that this can be done.
    async fn vm_ssh_serve(&self, id: Uuid, serve: &SshServe) -> Result<(), DriverError>;
    /// Runs a command of root to its end and keeps up to 1 MiB of each stream; no shell is run. `Timeout` after
    /// `timeout_s`: the command is left running.
    async fn vm_exec(&self, id: Uuid, request: &ExecRequest) -> Result<ExecOutput, DriverError>;
    /// Starts a command as root in the image's own folder; no shell is run.
    async fn vm_process(&self, id: Uuid, start: &ExecStart) -> Result<Process, DriverError>;
    /// Connects to a TCP port of the VM, from inside its own network: its 127.0.0.1 included. What
    /// comes is the process's output; the end of its input closes that half.
    async fn vm_connect(&self, id: Uuid, port: u16) -> Result<Process, DriverError>;
    /// `Conflict` where it does not run.
    async fn vm_usage(&self, id: Uuid) -> Result<UsageReading, DriverError>;
    /// Bytes written over the image (slow on some engines; asked once a minute at most).
    async fn vm_disk_bytes(&self, id: Uuid) -> Result<Option<u64>, DriverError>;
    /// A shell of root in /root on a PTY.
    async fn vm_tty(&self, id: Uuid, spec: &TtySpec) -> Result<Tty, DriverError>;
    /// The marks of the terminals and commands that run in the VM, whoever began them. (None where they
    /// end with this process.)
    async fn session_list(&self, _id: Uuid) -> Result<Vec<String>, DriverError> {
        Ok(Vec::new())
    }
    /// Ends every process of the session with this mark. Fine if it is not there.
    async fn session_end(&self, _id: Uuid, _mark: &str) -> Result<(), DriverError> {
        Ok(())
    }
    /// Starts making the image present, in the background; answers at once with where it stands.
    async fn image_ensure(&self, name: &str) -> Result<ImageReport, DriverError>;
    /// The last time the engine was out of touch, if only for a moment.
    fn outage(&self) -> Option<EngineOutage> {
        None
    }
    /// Why VMs reach this host and its private networks although they should not, and what to do; None where they
    /// do not, or are meant to.
    fn reach_open(&self) -> Option<String> {
        None
    }
    /// Events from now on.
    fn events(&self) -> broadcast::Receiver<DriverEvent>;
}

//! A VM's row, and the words its states are kept as.

use app::model::{SshServer, VmState};
use sqlx::any::AnyRow;

use crate::db::{DbError, column};

/// What should be. Only requests of people, and exits inside the VM, change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DesiredState {
    Running,
    Stopped,
    /// The row stays until its container is gone.
    Deleted,
}

impl DesiredState {
    /// As the column holds it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Deleted => "deleted",
        }
    }

    fn read(word: &str) -> Option<Self> {
        [Self::Running, Self::Stopped, Self::Deleted]
            .into_iter()
            .find(|desired| desired.word() == word)
    }
}

/// A VM, with its owner's and its node's name beside the ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmRow {
    pub id: String,
    pub owner_id: String,
    /// The owner's name.
    pub owner: String,
    /// Number of the owner's network.
    pub network_index: Option<u32>,
    pub name: String,
    pub flavor: String,
    /// Thousandths of a core.
    pub cpu_millis: u32,
    pub memory_mib: u32,
    pub disk_gib: u32,
    /// Name in the catalogue.
    pub image: String,
    /// Reference for the engine.
    pub image_ref: String,
    /// None: its node was removed; a retry places it anew.
    pub node_id: Option<String>,
    /// The node's name.
    pub node: Option<String>,
    /// Why that node; a sentence.
    pub placement_reason: String,
    pub desired: DesiredState,
    /// What was last seen. Never `Unknown`: that is the node's doing, not the VM's.
    pub state: VmState,
    /// Why it failed, or what it waits for; a sentence.
    pub reason: Option<String>,
    /// Grows with every change of what is desired.
    pub generation: i64,
    /// Unasked exits since it last ran for long.
    pub restarts: u32,
    /// When it is to be started again after one.
    pub retry_at: Option<i64>,
    /// Its container has been seen, and its owner was not told since that it is gone. While this is so, it is
    /// started and never made: if it is missing, it is lost, and that is told first.
    pub created_once: bool,
    /// A restart was asked for, and the stop has not been seen yet.
    pub restart_wanted: bool,
    /// The engine's id of its container, as last seen; None: it never had one on its node. While there is
    /// one, the VM's files are on that node, and it is placed on no other.
    pub engine_id: Option<String>,
    /// In its owner's network, as of its last run; None once it was seen at rest.
    pub address: Option<String>,
    pub created_at: i64,
    /// When it came into its present state.
    pub changed_at: i64,
    /// When it came to run last; None once it was seen at rest.
    pub started_at: Option<i64>,
    /// The port of its node that leads to its port 22; None: nothing is published.
    pub ssh_port: Option<u16>,
    /// How its SSH server is started.
    pub ssh_server: Option<SshServer>,
    /// The start (`started_at`) for which its SSH was set up, or that was given up.
    pub ssh_ready_at: Option<i64>,
    /// Why nobody can sign in there since that start; a sentence.
    pub ssh_reason: Option<String>,
}

impl VmRow {
    /// True unless its SSH is to be set up for its present start.
    pub fn is_ssh_settled(&self) -> bool {
        self.ssh_port.is_none() || self.started_at.is_none() || self.ssh_ready_at == self.started_at
    }
}

/// Reads what `vm_select!` selects.
pub(super) fn vm_row(row: &AnyRow) -> Result<VmRow, DbError> {
    let network_index = column::int_or(row, "network_index")?
        .map(|_| column::amount(row, "network_index"))
        .transpose()?;
    Ok(VmRow {
        id: column::text(row, "id")?,
        owner_id: column::text(row, "owner_id")?,
        owner: column::text(row, "owner")?,
        network_index,
        name: column::text(row, "name")?,
        flavor: column::text(row, "flavor")?,
        cpu_millis: column::amount(row, "cpu_millis")?,
        memory_mib: column::amount(row, "memory_mib")?,
        disk_gib: column::amount(row, "disk_gib")?,
        image: column::text(row, "image")?,
        image_ref: column::text(row, "image_ref")?,
        node_id: column::text_or(row, "node_id")?,
        node: column::text_or(row, "node")?,
        placement_reason: column::text(row, "placement_reason")?,
        desired: column::word(row, "desired", DesiredState::read)?,
        state: column::word(row, "state", state_read)?,
        reason: column::text_or(row, "reason")?,
        generation: column::int(row, "generation")?,
        restarts: column::amount(row, "restarts")?,
        retry_at: column::int_or(row, "retry_at")?,
        created_once: column::flag(row, "created_once")?,
        restart_wanted: column::flag(row, "restart_wanted")?,
        engine_id: column::text_or(row, "engine_id")?,
        address: column::text_or(row, "address")?,
        created_at: column::int(row, "created_at")?,
        changed_at: column::int(row, "changed_at")?,
        started_at: column::int_or(row, "started_at")?,
        ssh_port: column::port_or(row, "ssh_port")?,
        ssh_server: column::word_or(row, "ssh_server", SshServer::read)?,
        ssh_ready_at: column::int_or(row, "ssh_ready_at")?,
        ssh_reason: column::text_or(row, "ssh_reason")?,
    })
}

/// As the column holds it. `Unknown` is never written.
pub(super) fn state_word(state: VmState) -> &'static str {
    match state {
        VmState::Creating => "creating",
        VmState::Starting => "starting",
        VmState::Running => "running",
        VmState::Stopping => "stopping",
        VmState::Stopped => "stopped",
        VmState::Deleting => "deleting",
        VmState::Failed => "failed",
        VmState::Unknown => "unknown",
    }
}

fn state_read(word: &str) -> Option<VmState> {
    [
        VmState::Creating,
        VmState::Starting,
        VmState::Running,
        VmState::Stopping,
        VmState::Stopped,
        VmState::Deleting,
        VmState::Failed,
    ]
    .into_iter()
    .find(|state| state_word(*state) == word)
}

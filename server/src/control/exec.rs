//! One command in a VM: its output and exit code, or its streams. No shell is run.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use node_api::{
    error::NodeErrorCode,
    exec::{ExecOutput, ExecRequest},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Control, ControlError};
use crate::{
    actor::Actor,
    balancer::{NodeCallError, NodeSocket},
    db::{
        event::{NewEvent, SubjectKind, event_insert},
        vm::VmRow,
    },
};

/// Words of a command, and bytes of all of them, at most.
const ARGV_MAX: usize = server_api::vm::EXEC_ARGV_MAX;
const BYTES_MAX: usize = 32 * 1024;
/// The longest it may take: no request hangs over 30 s.
const TIMEOUT_MAX_S: u32 = server_api::vm::EXEC_TIMEOUT_MAX_S;

/// Commands that run at once, of one owner and of all: each may hold some MiB of output.
const AT_ONCE: usize = 4;
const AT_ONCE_ALL: usize = 64;

/// The same of commands with streams, which hold nothing for long but may run for days.
const STREAMS_AT_ONCE: usize = 32;
const STREAMS_AT_ONCE_ALL: usize = 512;

/// Pages that follow what happens, of one user and of all: each asks the database at every change.
const LIVE_AT_ONCE: usize = 64;
const LIVE_AT_ONCE_ALL: usize = 4_096;

/// Connections to ports at once: a browser behind `ssh -D` opens some dozens.
const CONNECTIONS_AT_ONCE: usize = 64;

/// A command's turn: given back when it is dropped.
pub type ExecTurn = [OwnedSemaphorePermit; 2];

/// A command's socket to its node, with its turn.
pub struct ExecLine {
    pub socket: NodeSocket,
    /// To be held for as long as the socket.
    pub turn: ExecTurn,
}

/// Turns to run a command.
pub(super) struct ExecTurns {
    each: usize,
    all: Arc<Semaphore>,
    /// By owner, of those who run something.
    owners: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl ExecTurns {
    /// Of commands whose output is kept until they end.
    pub(super) fn kept() -> Self {
        Self::new(AT_ONCE, AT_ONCE_ALL)
    }

    /// Of commands with streams.
    pub(super) fn streams() -> Self {
        Self::new(STREAMS_AT_ONCE, STREAMS_AT_ONCE_ALL)
    }

    /// Of connections to ports.
    pub(super) fn connections() -> Self {
        Self::new(CONNECTIONS_AT_ONCE, STREAMS_AT_ONCE_ALL)
    }

    /// Of live sockets.
    pub(super) fn live() -> Self {
        Self::new(LIVE_AT_ONCE, LIVE_AT_ONCE_ALL)
    }

    fn new(each: usize, all: usize) -> Self {
        Self {
            each,
            all: Arc::new(Semaphore::new(all)),
            owners: Mutex::default(),
        }
    }

    fn take(&self, owner_id: &str) -> Result<ExecTurn, ControlError> {
        self.try_take(owner_id).ok_or_else(|| {
            ControlError::TooMany(format!(
                "{} commands or connections of yours run already, or too many of all. Wait for one to end.",
                self.each
            ))
        })
    }

    /// None when too many run already.
    fn try_take(&self, owner_id: &str) -> Option<ExecTurn> {
        let own = {
            let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
            owners.retain(|_, turns| turns.available_permits() < self.each);
            let new = || Arc::new(Semaphore::new(self.each));
            owners
                .entry(owner_id.to_owned())
                .or_insert_with(new)
                .clone()
        };
        let own = own.try_acquire_owned().ok()?;
        Some([own, self.all.clone().try_acquire_owned().ok()?])
    }
}

impl Control {
    /// A place for a socket that follows what happens, to be held for as long as it. None where the user has too many,
    /// or all have.
    pub fn live_turn(&self, actor: &Actor) -> Option<ExecTurn> {
        self.0.live_turns.try_take(&actor.user_id)
    }

    /// Runs a command in one of the user's VMs.
    pub async fn vm_exec(
        &self,
        actor: &Actor,
        name: &str,
        argv: Vec<String>,
        timeout_s: Option<u32>,
    ) -> Result<ExecOutput, ControlError> {
        let row = self.vm_own(actor, name).await?;
        self.exec(actor, &row, argv, timeout_s).await
    }

    /// The same in anybody's VM; the owner sees it in the events.
    pub async fn admin_vm_exec(
        &self,
        admin: &Actor,
        id: &str,
        argv: Vec<String>,
        timeout_s: Option<u32>,
    ) -> Result<ExecOutput, ControlError> {
        let row = self.vm_any(id).await?;
        self.exec(admin, &row, argv, timeout_s).await
    }

    /// A line to one of the user's VMs for a command whose streams are the user's. The first frame
    /// on it says which command (docs/exec-protocol.md).
    pub async fn vm_exec_attach(
        &self,
        actor: &Actor,
        name: &str,
    ) -> Result<ExecLine, ControlError> {
        self.exec_attach(actor, name, "vm_exec").await
    }

    /// The same for the helper for files.
    pub async fn vm_files_attach(
        &self,
        actor: &Actor,
        name: &str,
    ) -> Result<ExecLine, ControlError> {
        self.exec_attach(actor, name, "vm_files").await
    }

    async fn exec_attach(
        &self,
        actor: &Actor,
        name: &str,
        kind: &'static str,
    ) -> Result<ExecLine, ControlError> {
        let row = self.vm_own(actor, name).await?;
        let (entry, vm_id) = self.shell_node(&row)?;
        let turn = self.0.exec_streams.take(&row.owner_id)?;
        let event = NewEvent::new(kind, Some(actor), SubjectKind::Vm, &row.id, &row.name);
        self.exec_event(event, &row).await?;
        let socket = entry.client.vm_exec_attach(vm_id).await;
        let socket = socket.map_err(|error| ControlError::node(&entry.name, error))?;
        Ok(ExecLine { socket, turn })
    }

    /// A line to a TCP port of one of the user's VMs, for `ssh -L` and `-D`. `noted`: it is told of in
    /// the events; a browser opens hundreds, and one of each port is enough.
    pub async fn vm_connect(
        &self,
        actor: &Actor,
        name: &str,
        port: u16,
        noted: bool,
    ) -> Result<ExecLine, ControlError> {
        let row = self.vm_own(actor, name).await?;
        let (entry, vm_id) = self.shell_node(&row)?;
        let turn = self.0.connect_turns.take(&row.owner_id)?;
        if noted {
            let kind = SubjectKind::Vm;
            let event = NewEvent::new("vm_connect", Some(actor), kind, &row.id, &row.name);
            self.exec_event(event.detail(format!("port {port}")), &row)
                .await?;
        }
        let socket = entry.client.vm_connect(vm_id, port).await;
        let socket = socket.map_err(|error| ControlError::node(&entry.name, error))?;
        Ok(ExecLine { socket, turn })
    }

    async fn exec_event(&self, event: NewEvent, row: &VmRow) -> Result<(), ControlError> {
        let mut tx = self.0.db.write().await?;
        event_insert(&mut tx, &event.owner(&row.owner_id)).await?;
        Ok(tx.commit().await?)
    }

    /// The event is written first: what was run is told of, however it ends.
    async fn exec(
        &self,
        actor: &Actor,
        row: &VmRow,
        argv: Vec<String>,
        timeout_s: Option<u32>,
    ) -> Result<ExecOutput, ControlError> {
        check_argv(&argv)?;
        let timeout_s = checked_timeout(timeout_s)?;
        let (entry, vm_id) = self.shell_node(row)?;
        let _turn = self.0.exec_turns.take(&row.owner_id)?;
        self.exec_event(ran(actor, row), row).await?;
        let request = ExecRequest { argv, timeout_s };
        let output = entry.client.vm_exec(vm_id, &request).await;
        output.map_err(|error| refused(&entry.name, row, error))
    }
}

/// A command that takes longer than its caller allows is nothing that is wrong with the node.
fn refused(node: &str, row: &VmRow, error: NodeCallError) -> ControlError {
    match error.code() {
        Some(NodeErrorCode::Timeout) => ControlError::ExecTimeout(format!(
            "In {}: {error}. For what takes longer there is `minicloud vm exec`.",
            row.name
        )),
        _ => ControlError::node(node, error),
    }
}

fn ran(actor: &Actor, row: &VmRow) -> NewEvent {
    NewEvent::new("vm_exec", Some(actor), SubjectKind::Vm, &row.id, &row.name)
}

fn check_argv(argv: &[String]) -> Result<(), ControlError> {
    let bytes: usize = argv.iter().map(String::len).sum();
    let words = if argv.first().is_none_or(String::is_empty) {
        "A command needs a program as its first word."
    } else if argv.len() > ARGV_MAX || bytes > BYTES_MAX {
        "A command has at most 256 words and 32 KiB. Put more into a file in the VM."
    } else if argv.iter().any(|word| word.contains('\0')) {
        "A command cannot have NUL characters."
    } else {
        return Ok(());
    };
    Err(ControlError::invalid("argv", "argv_invalid", words))
}

fn checked_timeout(timeout_s: Option<u32>) -> Result<u32, ControlError> {
    match timeout_s.unwrap_or(TIMEOUT_MAX_S) {
        seconds if (1..=TIMEOUT_MAX_S).contains(&seconds) => Ok(seconds),
        _ => {
            let words = format!("A command may take 1 to {TIMEOUT_MAX_S} s.");
            Err(ControlError::invalid("timeout_s", "timeout_invalid", words))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_has_four_turns_and_gets_them_back() {
        let turns = ExecTurns::kept();
        let held: Vec<_> = (0..AT_ONCE).map(|_| turns.take("ann").unwrap()).collect();
        assert!(matches!(turns.take("ann"), Err(ControlError::TooMany(_))));
        assert!(turns.take("bob").is_ok());
        drop(held);
        assert!(turns.take("ann").is_ok());
    }

    #[test]
    fn a_command_has_a_program_and_limits() {
        let argv = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let check = |argv: Vec<String>| check_argv(&argv).is_ok();
        assert!(check(argv(&["ls", "-l", ""])));
        for bad in [
            argv(&[]),
            argv(&[""]),
            argv(&["a\0b"]),
            vec!["a".into(); 257],
        ] {
            assert!(!check(bad));
        }
        assert!(!check(vec!["a".repeat(BYTES_MAX + 1)]));
        assert!(checked_timeout(Some(0)).is_err() && checked_timeout(Some(26)).is_err());
        assert_eq!(checked_timeout(None).ok(), Some(25));
    }
}

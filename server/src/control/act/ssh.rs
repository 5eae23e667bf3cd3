//! A VM's SSH: set up after each start, and moved to another port where the first is not to be had.

use node_api::error::NodeErrorCode;
use uuid::Uuid;

use super::{Verdict, Worker, verdict};
use crate::{
    balancer::{NodeCallError, NodeClient, placement::ssh_port_free},
    clock,
    control::{
        ControlError,
        error::chain,
        plan::{Found, FoundEvent, Step},
        ssh_publish,
    },
    db::{
        event::{NewEvent, SubjectKind, event_insert},
        node::node_allocations,
        vm::{VmRow, vm_write},
    },
};

/// Refusals of the VM itself before it is given up until the next start: five seconds or so.
const REFUSALS: u32 = 4;

impl Worker {
    /// Has the owner's keys set and the SSH server started in a VM that runs.
    pub(super) async fn ssh_serve(
        &self,
        row: &VmRow,
        id: Uuid,
        client: &NodeClient,
    ) -> Option<VmRow> {
        let serve = match ssh_publish::serve(&self.control.0.db, row).await {
            Ok(serve) => serve?,
            Err(error) => {
                tracing::warn!(
                    vm = row.name,
                    "the owner's keys were not read: {}",
                    chain(&error)
                );
                return None;
            }
        };
        if let Err(error) = client.vm_ssh_serve(id, &serve).await {
            return self.ssh_not_served(row, &error).await;
        }
        self.tries_anew(row);
        let after = ssh_publish::served(row, &serve);
        self.record(row, Found { after, event: None }).await
    }

    /// Later again; or, where it is the VM itself that refuses, not before its next start.
    async fn ssh_not_served(&self, row: &VmRow, error: &NodeCallError) -> Option<VmRow> {
        let node = &self.entry.name;
        tracing::warn!(
            vm = row.name,
            node,
            vm_id = row.id,
            "its SSH was not set up: {error}"
        );
        let (decided, refusals) = {
            let mut duties = self.duties();
            let tries = duties.tries_mut(&row.id, row.generation);
            let decided = verdict(&Step::SshServe, error, tries, clock::now());
            if matches!(
                error.code(),
                Some(NodeErrorCode::Conflict | NodeErrorCode::BadRequest | NodeErrorCode::Timeout)
            ) {
                tries.refusals += 1;
            }
            (decided, tries.refusals)
        };
        if decided == Verdict::LookAnew {
            self.entry.woken.notify_one();
            return None;
        }
        if refusals < REFUSALS {
            return None;
        }
        self.tries_anew(row);
        let words = format!("{error}. It is tried again when the VM starts.");
        let event = FoundEvent {
            kind: "vm_ssh_failed",
            detail: Some(error.to_string()),
            ok: false,
        };
        let after = VmRow {
            ssh_ready_at: row.started_at,
            ssh_reason: Some(capital(&words)),
            ..row.clone()
        };
        let event = Some(event);
        self.record(row, Found { after, event }).await
    }

    /// Something else on the host has the port of a VM that never ran: the next try has another. The row
    /// after it; None where none is free, or it could not be written.
    pub(super) async fn ssh_port_move(&self, row: &VmRow) -> Option<VmRow> {
        match self.ssh_port_move_commit(row).await {
            Ok(moved) => {
                if let (Some(after), Some(taken)) = (&moved, row.ssh_port) {
                    let port = after.ssh_port.unwrap_or_default();
                    tracing::info!(
                        vm = row.name,
                        "its SSH gets port {port} in place of {taken}"
                    );
                    self.control.tell(Some(&row.owner_id));
                }
                moved
            }
            Err(error) => {
                tracing::warn!(
                    vm = row.name,
                    "its SSH got no other port: {}",
                    chain(&error)
                );
                None
            }
        }
    }

    async fn ssh_port_move_commit(&self, row: &VmRow) -> Result<Option<VmRow>, ControlError> {
        let Some(taken) = row.ssh_port else {
            return Ok(None);
        };
        let mut tx = self.control.0.db.write_exclusive().await?;
        let nodes = node_allocations(&mut tx).await?;
        let own = nodes.iter().find(|node| node.node_id == self.node_id());
        let Some(node) = own.and_then(|node| self.control.candidate(node)) else {
            return Ok(None);
        };
        let next = u32::from(taken) + 1;
        let from = next.saturating_sub(node.ssh_ports.map_or(0, |(first, _)| first.into()));
        let Some(port) = ssh_port_free(&node, from) else {
            return Ok(None);
        };
        let after = VmRow {
            ssh_port: Some(port),
            ..row.clone()
        };
        if !vm_write(&mut tx, row, &after).await? {
            return Ok(None);
        }
        let event = NewEvent::new("vm_ssh_port", None, SubjectKind::Vm, &row.id, &row.name)
            .owner(&row.owner_id)
            .detail(format!("{port}: {taken} is in use"));
        event_insert(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(Some(after))
    }
}

/// A sentence's first letter.
fn capital(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

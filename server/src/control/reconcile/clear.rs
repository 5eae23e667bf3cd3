//! What the VMs of a removed node leave on its host: nobody looks after that any more.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::{AT_ONCE, Worker};
use crate::{control::error::chain, db::vm::vm_get_any};

/// Longer than the node takes for a call, which may be under way.
const SETTLING: Duration = Duration::from_secs(90);
/// Containers that are removed at once.
const REMOVED_AT_ONCE: usize = 4;
/// Tries for each, and the pause before the next.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_secs(5);

impl Worker {
    /// Removes the containers, as far as the node answers. The node must be forgotten before: what was about to be
    /// done to a VM is done no more, and what is being done comes to its end first.
    pub async fn clear(self: Arc<Self>, vms: Vec<String>) {
        let node = &self.entry.name;
        let all = vms.len();
        if all == 0 {
            return;
        }
        // Where that takes longer, a call hangs; the others are removed all the same.
        let _ = timeout(SETTLING, self.slots.acquire_many(AT_ONCE)).await;
        // What these have told since the node was forgotten.
        self.control.0.fleet.forget_node(self.node_id());
        let ids: Vec<Uuid> = vms.iter().filter_map(|id| id.parse().ok()).collect();
        let cleared: Vec<(Uuid, Result<Cleared, String>)> = stream::iter(ids)
            .map(async |id| (id, self.clear_one(id).await))
            .buffer_unordered(REMOVED_AT_ONCE)
            .collect()
            .await;
        tell(node, &cleared);
    }

    async fn clear_one(&self, id: Uuid) -> Result<Cleared, String> {
        let mut words = String::new();
        for attempt in 0..TRIES {
            if attempt > 0 {
                sleep(PAUSE).await;
            }
            match self.is_there_again(id).await {
                Ok(true) => return Ok(Cleared::MadeAnew),
                Ok(false) => {}
                // Perhaps it is: then nothing is done to it.
                Err(error) => {
                    words = error;
                    continue;
                }
            }
            match self.entry.client.vm_delete(id).await {
                Ok(()) => return Ok(Cleared::Gone),
                Err(error) => words = error.to_string(),
            }
        }
        Err(words)
    }

    /// True where the node was added again meanwhile, by another address or another name, and the VM made on it anew.
    async fn is_there_again(&self, id: Uuid) -> Result<bool, String> {
        let row = vm_get_any(&self.control.0.db, &id.to_string()).await;
        let row = row.map_err(|error| chain(&error))?;
        let node_id = row.and_then(|row| row.node_id);
        let entry = node_id.and_then(|node_id| self.control.0.registry.get(&node_id));
        Ok(entry.is_some_and(|entry| {
            entry.name == self.entry.name || entry.client.address() == self.entry.client.address()
        }))
    }
}

/// What became of a container.
enum Cleared {
    Gone,
    /// It, or one of its name on another host, is a VM's again.
    MadeAnew,
}

/// Once at the end, by the containers' names.
fn tell(node: &str, cleared: &[(Uuid, Result<Cleared, String>)]) {
    let names = |of: fn(&Result<Cleared, String>) -> Option<String>| {
        let named = cleared.iter().filter_map(|(id, done)| {
            let more = of(done)?;
            Some(format!("mc-{id}{more}"))
        });
        named.collect::<Vec<String>>()
    };
    let left = names(|done| done.as_ref().err().map(|words| format!(" ({words})")));
    let anew = names(|done| matches!(done, Ok(Cleared::MadeAnew)).then(String::new));
    let all = cleared.len();
    if left.is_empty() {
        let gone = all - anew.len();
        tracing::info!(
            node,
            "{gone} of {all} containers of {node} are gone from its host"
        );
    } else {
        tracing::warn!(
            node,
            "{} of {all} containers may be left on the host of {node}, and run on there until somebody removes them \
             (docker rm --force): {}",
            left.len(),
            left.join(", ")
        );
    }
    if !anew.is_empty() {
        tracing::warn!(
            node,
            "made anew on a node of this name or address meanwhile, and so left alone: {}. If that is another host, \
             remove them on the old one",
            anew.join(", ")
        );
    }
}

//! Which VMs are being made or deleted: that outlasts who asked for it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use uuid::Uuid;

use super::engine::SimEngine;

/// How often a VM is looked at that is waited for.
const LOOK: Duration = Duration::from_millis(5);

/// How many such calls are under way, by VM.
#[derive(Default)]
pub(super) struct Changes(HashMap<Uuid, usize>);

/// Held while a VM is made or deleted.
pub(super) struct Change {
    engine: Arc<SimEngine>,
    id: Uuid,
}

impl Change {
    pub(super) fn begin(engine: &Arc<SimEngine>, id: Uuid) -> Self {
        *engine.lock().changes.0.entry(id).or_default() += 1;
        Self {
            engine: engine.clone(),
            id,
        }
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        let changes = &mut self.engine.lock().changes.0;
        if let Some(count) = changes.get_mut(&self.id) {
            *count -= 1;
        }
        changes.retain(|_, count| *count > 0);
    }
}

/// Waits until nothing of the kind is under way.
pub(super) async fn settled(engine: &SimEngine, id: Uuid) {
    while engine.lock().changes.0.contains_key(&id) {
        tokio::time::sleep(LOOK).await;
    }
}

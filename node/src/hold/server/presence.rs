//! Who is here and what is under way: that is how the holder knows when it is over.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::Holder;
use crate::shell::lock;

/// How often it is looked whether it is over, at most.
const LOOK: Duration = Duration::from_secs(5);

/// How many are here, and since when there has been no node, and no shell.
pub(super) struct Present {
    connections: usize,
    openings: usize,
    alone_since: Instant,
    empty_since: Instant,
}

impl Present {
    /// No node and no shell, from now on.
    pub(super) fn nothing() -> Self {
        let now = Instant::now();
        Self {
            connections: 0,
            openings: 0,
            alone_since: now,
            empty_since: now,
        }
    }
}

impl Holder {
    /// Until it is no longer needed.
    pub(super) async fn watch(&self) {
        let pause = (self.limits.idle.min(self.limits.away) / 4).min(LOOK);
        loop {
            sleep(pause.max(Duration::from_millis(10))).await;
            let lives = lock(&self.shells).values().any(|shell| shell.lives());
            let mut present = lock(&self.present);
            if lives || present.openings > 0 {
                present.empty_since = Instant::now();
            }
            if present.empty_since.elapsed() >= self.limits.idle {
                return tracing::info!("no shell is held any more");
            }
            if present.connections == 0 && present.alone_since.elapsed() >= self.limits.away {
                let minutes = self.limits.away.as_secs() / 60;
                return tracing::warn!("the node has been away for {minutes} min: its shells end");
            }
        }
    }
}

/// A node that is connected.
pub(super) struct Here(Arc<Holder>);

impl Here {
    pub(super) fn new(holder: &Arc<Holder>) -> Self {
        lock(&holder.present).connections += 1;
        Self(holder.clone())
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let mut present = lock(&self.0.present);
        present.connections -= 1;
        present.alone_since = Instant::now();
    }
}

/// A shell that is being made.
pub(super) struct Opening(Arc<Holder>);

impl Opening {
    pub(super) fn new(holder: &Arc<Holder>) -> Self {
        lock(&holder.present).openings += 1;
        Self(holder.clone())
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        lock(&self.0.present).openings -= 1;
    }
}

//! What the holder does: takes connections of its node, opens and keeps shells, and ends when it is no
//! longer needed.

mod asked;
mod connection;
mod presence;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    net::UnixListener,
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::presence::Present;
use super::{drawings::Drawings, shell::HeldShell};
use crate::{driver::Driver, shell::lock};

/// For all shells to end when the holder does.
const END_DEADLINE: Duration = Duration::from_secs(15);

/// How much a holder may keep, and for how long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Output kept of each shell. Bytes.
    pub ring_bytes: usize,
    /// Output and drawings kept of all shells together; drawings take half of it at most. Bytes.
    pub rings_total_bytes: usize,
    /// Input of a shell that waits for its program. The node keeps to less: past it, its connection ends.
    pub input_bytes: usize,
    /// A node that reads nothing of a shell's output for so long is not waited for.
    pub reader_patience: Duration,
    /// Without a shell it ends after this long.
    pub idle: Duration,
    /// Without a node it ends its shells after this long.
    pub away: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let shells = crate::shell::ShellLimits::default();
        Self {
            ring_bytes: shells.ring_bytes,
            rings_total_bytes: shells.rings_total_bytes,
            // A node that has just died may have sent its part.
            input_bytes: 2 * shells.unwritten_total_bytes,
            reader_patience: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            away: Duration::from_secs(10 * 60),
        }
    }
}

struct Holder {
    driver: Arc<dyn Driver>,
    limits: Limits,
    shells: Mutex<HashMap<Uuid, Arc<HeldShell>>>,
    drawings: Arc<Drawings>,
    /// Nodes that are connected, and since when none is; openings under way, and since when there is no
    /// shell.
    present: Mutex<Present>,
    /// Connections of shells.
    lines: watch::Sender<usize>,
    over: CancellationToken,
}

/// Serves until it is over: no shell for a while, no node for long, or `told` to end. Its shells end then.
pub async fn serve(
    listener: UnixListener,
    driver: Arc<dyn Driver>,
    limits: Limits,
    told: impl Future<Output = ()>,
) {
    let holder = Arc::new(Holder {
        driver,
        drawings: Arc::new(Drawings::new(limits.rings_total_bytes / 2)),
        limits,
        shells: Mutex::default(),
        present: Mutex::new(Present::nothing()),
        lines: watch::Sender::new(0),
        over: CancellationToken::new(),
    });
    let taking = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(holder.clone().connection(stream));
                }
                Err(error) => {
                    // Out of file descriptors, say: waits, or the loop would spin.
                    tracing::error!("cannot accept a connection: {error}");
                    sleep(Duration::from_millis(200)).await;
                }
            }
        }
    };
    tokio::select! {
        () = taking => {}
        () = holder.watch() => {}
        () = holder.over.cancelled() => {}
        () = told => {}
    }
    drop(listener);
    // Its node hears first that it is over, and need not wonder why shells end.
    holder.over.cancel();
    holder.end_all().await;
}

impl Holder {
    async fn end_all(&self) {
        let shells: Vec<_> = lock(&self.shells).values().cloned().collect();
        let ends = shells
            .iter()
            .filter(|shell| shell.lives())
            .map(async |shell| {
                if let Err(error) = shell.kill().await {
                    tracing::warn!(shell = %shell.id, "a shell outlives its holder: {error}");
                }
                shell.dropped.cancel();
            });
        if timeout(END_DEADLINE, futures_util::future::join_all(ends))
            .await
            .is_err()
        {
            tracing::warn!("not all shells have ended in time");
        }
    }
}

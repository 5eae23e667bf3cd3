//! Asking the holder for things, and hearing that it is gone.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::AsyncWriteExt,
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    sync::{Mutex as Turn, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{Connection, lost};
use crate::{
    driver::DriverError,
    hold::wire::{Ask, Fault, Frames, FromHolder, ToHolder, encoded},
    shell::lock,
};

/// For what it is asked to do: it has deadlines of its own for the engine.
const DEED: Duration = Duration::from_secs(60);

type Answer = Result<Option<i32>, Fault>;

/// The connection on which the holder is asked; as long as it is there, so is the holder.
pub(in crate::hold) struct Control {
    write: Turn<OwnedWriteHalf>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
    next: AtomicU64,
    /// Cancelled when the connection has ended, and with it the holder.
    pub gone: CancellationToken,
}

impl Control {
    /// Takes the connection over; a task reads the answers until it ends.
    pub(super) fn new(connection: Connection) -> Arc<Self> {
        let Connection { frames, write, .. } = connection;
        let control = Arc::new(Self {
            write: Turn::new(write),
            waiting: Mutex::default(),
            next: AtomicU64::new(0),
            gone: CancellationToken::new(),
        });
        tokio::spawn(control.clone().read(frames));
        control
    }

    async fn read(self: Arc<Self>, mut frames: Frames<OwnedReadHalf>) {
        let why = loop {
            match frames.next().await {
                Ok(Some(FromHolder::Answer(number, answer))) => {
                    if let Some(waits) = lock(&self.waiting).remove(&number) {
                        // Whoever asked may have gone.
                        let _ = waits.send(answer);
                    }
                }
                Ok(Some(other)) => tracing::debug!("not expected from the holder: {other:?}"),
                Ok(None) => break "it has ended".to_owned(),
                Err(error) => break error.to_string(),
            }
        };
        tracing::info!("the holder of shells is gone: {why}");
        self.gone.cancel();
        lock(&self.waiting).clear();
    }

    /// Waits at most 60 s for the answer; an exit code where that was asked for and is known. `Internal` where
    /// the holder is gone or silent, else what the engine said to it.
    pub async fn ask(&self, ask: Ask) -> Result<Option<i32>, DriverError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        lock(&self.waiting).insert(number, answer);
        let asked = async {
            if self.gone.is_cancelled() {
                return Err(lost(&"it is gone"));
            }
            let frame = encoded(&ToHolder::Ask(number, ask));
            let said = self.write.lock().await.write_all(&frame).await;
            said.map_err(|error| {
                // What comes from there ends, too, a moment later.
                self.gone.cancel();
                lost(&error)
            })?;
            let answer = answered.await.map_err(|_| lost(&"it is gone"))?;
            answer.map_err(DriverError::from)
        };
        let asked = timeout(DEED, asked).await;
        lock(&self.waiting).remove(&number);
        asked.unwrap_or_else(|_| Err(lost(&"it does not answer")))
    }
}

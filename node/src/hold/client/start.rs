//! A holder that lives: the one that is there, or one that is started.

use std::{io, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{Connection, Control, HolderClient, is_absence};
use crate::hold::{process, wire::VERSION};

/// For a holder that was started to listen, on a host that is busy.
const START: Duration = Duration::from_secs(20);
const START_LOOK: Duration = Duration::from_millis(5);
/// After one that could not be started, none is tried for so long.
const REST: Duration = Duration::from_secs(60);

impl HolderClient {
    /// A holder that lives; started where there is none.
    pub(super) async fn control(&self) -> Option<Arc<Control>> {
        let mut link = self.link.lock().await;
        if let Some(control) = &link.control
            && !control.gone.is_cancelled()
        {
            return Some(control.clone());
        }
        if link.rests_until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        match self.connect_or_start().await {
            Ok(connection) => {
                let control = Control::new(connection);
                link.control = Some(control.clone());
                Some(control)
            }
            Err(error) => {
                tracing::warn!(
                    "no holder can be started in {}: {error}. Shells opened now end with the node",
                    self.config.folder.display()
                );
                link.rests_until = Some(Instant::now() + REST);
                None
            }
        }
    }

    async fn connect_or_start(&self) -> io::Result<Connection> {
        match self.connect().await {
            Err(error) if is_absence(&error) => {}
            other => return other.and_then(of_this_version),
        }
        let Some(args) = &self.config.start else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let failed = process::start(args)?;
        let began = Instant::now();
        loop {
            sleep(START_LOOK).await;
            let waits = began.elapsed() < START && !failed.is_cancelled();
            match self.connect().await {
                Err(error) if is_absence(&error) && waits => {}
                Err(error) if is_absence(&error) => {
                    let said = "it does not begin; its log is holder.log there";
                    return Err(io::Error::other(said));
                }
                other => return other.and_then(of_this_version),
            }
        }
    }
}

fn of_this_version(connection: Connection) -> io::Result<Connection> {
    match connection.version {
        VERSION => Ok(connection),
        other => Err(io::Error::other(format!(
            "it is of version {other}, not {VERSION}"
        ))),
    }
}

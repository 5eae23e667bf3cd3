//! The node's side: finds the holder, or starts it, and asks it for things.

mod connection;
mod control;
mod start;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use node_api::error::NodeErrorCode;
use tokio::{
    sync::Mutex as Turn,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(super) use self::{connection::Connection, control::Control};
use super::{
    process::HoldArgs,
    stream::{self, Taken},
    wire::{Ask, Held, Open, ToHolder, VERSION},
};
use crate::{
    driver::{Driver, DriverError},
    shell::Pty,
};

/// For all that it has of a shell to come.
const TAKE: Duration = Duration::from_secs(15);

/// Where a node's holder is, and how it is started.
#[derive(Clone, Debug)]
pub struct HolderConfig {
    /// Folder of its socket.
    pub folder: PathBuf,
    /// None: one that is there is used, none is started.
    pub start: Option<HoldArgs>,
}

/// A node's way to its holder.
pub struct HolderClient {
    config: HolderConfig,
    driver: Arc<dyn Driver>,
    link: Turn<Link>,
}

#[derive(Default)]
struct Link {
    control: Option<Arc<Control>>,
    /// Starting one failed: not before this.
    rests_until: Option<Instant>,
}

/// What was found at a node's start.
pub enum Found {
    /// No holder.
    Nothing,
    /// These, until the holder is gone.
    Shells(Vec<Held>, CancellationToken),
    /// A holder of another version, which was told to end; these were its shells.
    Retired(Vec<Held>),
}

impl HolderClient {
    /// Looks for no holder and starts none: that is done when one is needed.
    pub fn new(config: HolderConfig, driver: Arc<dyn Driver>) -> Self {
        Self {
            config,
            driver,
            link: Turn::default(),
        }
    }

    /// Looks for a holder of an earlier life of the node. Fails where one is there and does not answer.
    pub async fn find(&self) -> io::Result<Found> {
        let mut link = self.link.lock().await;
        let mut connection = match self.connect().await {
            Ok(connection) => connection,
            // Or its path is too long for a socket: then none was ever there.
            Err(error) if is_absence(&error) || error.kind() == io::ErrorKind::InvalidInput => {
                return Ok(Found::Nothing);
            }
            Err(error) => return Err(error),
        };
        let listed = connection.list().await;
        if connection.version != VERSION {
            let why = "the node was upgraded, and its shells could not be carried over";
            connection.say(&ToHolder::Retire(why.into())).await?;
            return Ok(Found::Retired(listed.unwrap_or_default()));
        }
        let listed = listed?;
        // Where a shell was opened meanwhile, there is a connection already.
        let control = link
            .control
            .take()
            .filter(|control| !control.gone.is_cancelled());
        let control = control.unwrap_or_else(|| Control::new(connection));
        let gone = control.gone.clone();
        link.control = Some(control);
        Ok(Found::Shells(listed, gone))
    }

    /// Opens a terminal with the holder. None where there can be no holder.
    pub async fn open(&self, open: &Open) -> Option<Result<Pty, DriverError>> {
        for _ in 0..2 {
            let control = self.control().await?;
            match control.ask(Ask::Open(open.clone())).await {
                // It ended by itself just now, because it had nothing to hold.
                Err(_) if control.gone.is_cancelled() => {}
                Err(error) => return Some(Err(error)),
                Ok(_) => return Some(self.attach(&control, open).await),
            }
        }
        None
    }

    async fn attach(&self, control: &Arc<Control>, open: &Open) -> Result<Pty, DriverError> {
        match self.stream(open.shell, 0).await {
            Ok(connection) => {
                let place = self.place(control, open.shell, open.vm_id);
                Ok(stream::pty(connection, 0, place))
            }
            Err(error) => {
                // The caller hears that there is none: so there must be none.
                self.driver.session_end(open.vm_id, &open.mark).await?;
                Err(lost(&error))
            }
        }
    }

    /// Takes up a shell that the holder has had since an earlier life of the node. Where it fails it may be
    /// tried again.
    pub async fn take(&self, held: &Held) -> Result<Taken, DriverError> {
        let control = self.link.lock().await.control.clone();
        let Some(control) = control.filter(|control| !control.gone.is_cancelled()) else {
            return Err(lost(&"it is gone"));
        };
        let place = self.place(&control, held.shell, held.vm_id);
        let taken = async {
            let connection = self.stream(held.shell, held.start).await?;
            stream::take(connection, held, place).await
        };
        match timeout(TAKE, taken).await {
            Ok(taken) => taken.map_err(|error| lost(&error)),
            Err(_) => Err(lost(&"it does not answer")),
        }
    }

    /// The node needs this shell no more. Fine where there is none, or no holder.
    pub async fn forget(&self, shell: Uuid) {
        let control = self.link.lock().await.control.clone();
        if let Some(control) = control
            && let Err(error) = control.ask(Ask::Forget { shell }).await
        {
            tracing::debug!(%shell, "the holder does not forget: {error}");
        }
    }

    fn place(&self, control: &Arc<Control>, shell: Uuid, vm_id: Uuid) -> stream::Place {
        stream::Place {
            control: control.clone(),
            driver: self.driver.clone(),
            shell,
            vm_id,
        }
    }

    async fn stream(&self, shell: Uuid, from: u64) -> io::Result<Connection> {
        let mut connection = self.connect().await?;
        connection.say(&ToHolder::Attach { shell, from }).await?;
        Ok(connection)
    }

    async fn connect(&self) -> io::Result<Connection> {
        Connection::to(&self.config.folder).await
    }
}

/// Nobody listens there.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}

fn lost(why: &dyn std::fmt::Display) -> DriverError {
    let message = format!("the holder of this node's shells cannot be reached: {why}");
    DriverError::new(NodeErrorCode::Internal, message)
}

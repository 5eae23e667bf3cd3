//! The node's side: finds the holder, or starts it, and asks it for things.

use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use node_api::error::NodeErrorCode;
use tokio::{
    io::AsyncWriteExt,
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Mutex as Turn, oneshot},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    process::{self, HoldArgs},
    server::check_peer,
    stream::{self, Taken},
    wire::{Ask, Decode, Fault, Frames, FromHolder, Held, Open, ToHolder, VERSION, encoded},
};
use crate::{
    driver::{Driver, DriverError},
    shell::{Pty, lock},
};

/// For a holder to answer a hello, or to list what it has.
const ANSWER: Duration = Duration::from_secs(5);
/// For all that it has of a shell to come.
const TAKE: Duration = Duration::from_secs(15);
/// For what it is asked to do: it has deadlines of its own for the engine.
const DEED: Duration = Duration::from_secs(60);
/// For a holder that was started to listen, on a host that is busy.
const START: Duration = Duration::from_secs(20);
const START_LOOK: Duration = Duration::from_millis(5);
/// After one that could not be started, none is tried for so long.
const REST: Duration = Duration::from_secs(60);

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

    /// A holder that lives; started where there is none.
    async fn control(&self) -> Option<Arc<Control>> {
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

    async fn connect(&self) -> io::Result<Connection> {
        let connected = async {
            let stream = UnixStream::connect(process::socket(&self.config.folder)).await?;
            check_peer(&stream).map_err(io::Error::other)?;
            let (read, write) = stream.into_split();
            let mut connection = Connection {
                frames: Frames::new(read),
                write,
                version: 0,
            };
            connection.say(&ToHolder::Hello(VERSION)).await?;
            match connection.next().await? {
                FromHolder::Hello(version) => connection.version = version,
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
            Ok(connection)
        };
        timeout(ANSWER, connected).await?
    }
}

/// Nobody listens there.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}

fn of_this_version(connection: Connection) -> io::Result<Connection> {
    match connection.version {
        VERSION => Ok(connection),
        other => Err(io::Error::other(format!(
            "it is of version {other}, not {VERSION}"
        ))),
    }
}

pub(super) fn lost(why: &dyn std::fmt::Display) -> DriverError {
    let message = format!("the holder of this node's shells cannot be reached: {why}");
    DriverError::new(NodeErrorCode::Internal, message)
}

/// A connection that has said hello.
pub(super) struct Connection {
    pub frames: Frames<OwnedReadHalf>,
    pub write: OwnedWriteHalf,
    version: u8,
}

impl Connection {
    async fn say(&mut self, frame: &ToHolder) -> io::Result<()> {
        self.write.write_all(&encoded(frame)).await
    }

    async fn next<F: Decode>(&mut self) -> io::Result<F> {
        let next = self.frames.next().await?;
        next.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    async fn list(&mut self) -> io::Result<Vec<Held>> {
        let listed = async {
            self.say(&ToHolder::List).await?;
            let mut all = Vec::new();
            loop {
                match self.next().await? {
                    FromHolder::Held(held) => all.push(*held),
                    FromHolder::Listed => return Ok(all),
                    _ => {}
                }
            }
        };
        timeout(ANSWER, listed).await?
    }
}

type Answer = Result<Option<i32>, Fault>;

/// The connection on which the holder is asked; as long as it is there, so is the holder.
pub(super) struct Control {
    write: Turn<OwnedWriteHalf>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
    next: AtomicU64,
    pub gone: CancellationToken,
}

impl Control {
    fn new(connection: Connection) -> Arc<Self> {
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

    pub(super) async fn ask(&self, ask: Ask) -> Result<Option<i32>, DriverError> {
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

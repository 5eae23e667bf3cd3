//! A holder, and nodes that end and begin beside it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use node::{
    hold::{self, HolderConfig, wire},
    shell::{ShellLimits, ShellRegistry},
};
use node_api::shell::ShellCreate;
use tokio::{
    io::AsyncWriteExt,
    net::{UnixListener, UnixStream},
    runtime::Runtime,
    time::timeout,
};
use uuid::Uuid;

use crate::{
    support::{FakeDriver, Program, VM},
    viewer::{PATIENCE, Viewer, serve},
};

/// A holder in a runtime of its own, and the folder of its socket.
pub struct Holder {
    pub folder: tempfile::TempDir,
    pub driver: Arc<FakeDriver>,
    runtime: Option<Runtime>,
    ended: Option<tokio::task::JoinHandle<()>>,
}

/// A node in a runtime of its own, that can be taken away like a process.
pub struct Life {
    runtime: Option<Runtime>,
    pub shells: Arc<ShellRegistry>,
    address: std::net::SocketAddr,
}

impl Holder {
    pub fn start(limits: hold::Limits) -> Self {
        Self::with_driver(limits, FakeDriver::default())
    }

    pub fn with_driver(limits: hold::Limits, driver: FakeDriver) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let driver = Arc::new(driver);
        let runtime = runtime();
        let within = runtime.enter();
        let listener = UnixListener::bind(socket(folder.path())).unwrap();
        let served = hold::serve(listener, driver.clone(), limits, std::future::pending());
        let ended = Some(tokio::spawn(served));
        drop(within);
        Self {
            folder,
            driver,
            ended,
            runtime: Some(runtime),
        }
    }

    pub fn has_ended(&self) -> bool {
        self.ended.as_ref().is_none_or(|ended| ended.is_finished())
    }

    pub async fn until_ended(&mut self) {
        let ended = self.ended.take().unwrap();
        timeout(PATIENCE, ended).await.unwrap().unwrap();
    }

    /// Ends as by kill -9.
    pub fn kill(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }

    pub async fn node(&self) -> Life {
        self.node_with(ShellLimits::default()).await
    }

    pub async fn node_with(&self, limits: ShellLimits) -> Life {
        let runtime = runtime();
        let (driver, folder) = (self.driver.clone(), self.folder.path().to_owned());
        let begun = runtime.spawn(async move {
            let shells = registry(&driver, limits, &folder);
            shells.adopt().await;
            let address = serve(shells.clone()).await;
            (shells, address)
        });
        let (shells, address) = begun.await.unwrap();
        Life {
            runtime: Some(runtime),
            shells,
            address,
        }
    }

    /// What it says of its shell to a node that asks; it waits for its own node's connections for 2 s first.
    pub async fn held(&self) -> wire::Held {
        let path = socket(self.folder.path());
        let mut stream = UnixStream::connect(path).await.unwrap();
        let (read, mut write) = stream.split();
        for frame in [wire::ToHolder::Hello(wire::VERSION), wire::ToHolder::List] {
            write.write_all(&wire::encoded(&frame)).await.unwrap();
        }
        let mut frames = wire::Frames::new(read);
        loop {
            let frame: wire::FromHolder = frames.next().await.unwrap().unwrap();
            match frame {
                wire::FromHolder::Held(held) => return *held,
                wire::FromHolder::Hello(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub fn program(&self) -> Program {
        self.driver.programs.lock().unwrap().pop().unwrap()
    }
}

impl Life {
    pub async fn on<T: Send + 'static>(&self, deed: impl Future<Output = T> + Send + 'static) -> T {
        let runtime = self.runtime.as_ref().unwrap();
        runtime.spawn(deed).await.unwrap()
    }

    pub async fn shell(&self) -> Uuid {
        let (id, shells) = (Uuid::now_v7(), self.shells.clone());
        let made = async move { shells.create(VM, ShellCreate::new(id, 80, 24)).await };
        self.on(made).await.unwrap();
        id
    }

    pub async fn attach(&self, shell: Uuid, client: u64, query: &str) -> Viewer {
        Viewer::attach(self.address, shell, client, query).await
    }

    /// Ends as by kill -9.
    pub fn kill(mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A holder's, in its folder.
pub fn socket(folder: &Path) -> PathBuf {
    folder.join("holder.sock")
}

/// The shells of a node beside the holder of this folder; where none is there, none is started.
pub fn registry(
    driver: &Arc<FakeDriver>,
    limits: ShellLimits,
    folder: &Path,
) -> Arc<ShellRegistry> {
    let config = HolderConfig {
        folder: folder.to_owned(),
        start: None,
    };
    ShellRegistry::with_holder(driver.clone(), limits, Some(config))
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

//! The server as a value: start it, announce it, end it. So a test starts the same thing on port 0.

mod data;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    accept,
    accept::Peers,
    api::{self, Readers},
    auth::Auth,
    config::Config,
    control::Control,
    db::Db,
    log::LogHub,
    node_local::{self, LocalNodes},
    router,
    ssh::{self, HostKey},
    state::AppState,
};

pub use data::stop;

/// How long the pages may take to answer after the start.
const READY_TIMEOUT: Duration = Duration::from_secs(20);

/// A running server.
pub struct Server {
    pub state: AppState,
    /// Where the pages listen, with the true port.
    pub listen: SocketAddr,
    /// Where the JSON API listens alone, with the true port; None: nowhere.
    pub api_listen: Option<SocketAddr>,
    /// Where the SSH gateway listens, with the true port; None: nowhere.
    pub ssh_listen: Option<SocketAddr>,
    nodes: LocalNodes,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Held while the server lives: two on one data folder would undo each other's work.
    _lock: data::DataLock,
}

impl Server {
    /// Opens the data, listens, and starts or adopts the local nodes.
    pub async fn start(config: Config, logs: LogHub) -> anyhow::Result<Self> {
        let lock = data::lock(&config)?;
        let listener = listen(config.listen, "--listen").await?;
        let listen = listener.local_addr()?;
        let api = listen_if(config.api_listen, "--api-listen").await?;
        let ssh = listen_if(config.ssh_listen, "--ssh-listen").await?;
        let ssh_listen = ssh.as_ref().map(TcpListener::local_addr).transpose()?;
        let api_listen = api.as_ref().map(TcpListener::local_addr).transpose()?;
        // Port 0 has become a true one; Host and Origin are held against it.
        let config = Arc::new(Config {
            listen,
            api_listen,
            ssh_listen,
            ..config
        });
        let ssh = match (ssh, ssh_listen) {
            (Some(listener), Some(at)) => {
                let key = HostKey::open(&config.data_dir).context("SSH cannot be used")?;
                let host = Arc::new(ssh::ssh_host(&config, at, &key));
                Some((listener, key, host))
            }
            _ => None,
        };
        let db = open_db(&config).await?;
        let auth = Auth::start(db.clone(), config.clone()).await?;
        if config.is_open() && auth.first_start_pending().await? {
            bail!(
                "The password of admin is still the one of the first start, so MiniCloud listens on this machine only. \
                 Set MINICLOUD_ADMIN_PASSWORD, or start once without --listen and sign in as admin / admin."
            );
        }
        let hub = logs.clone();
        let control = Control::start(db.clone(), config.clone(), move |node, log| {
            hub.push_node(node, log)
        })
        .await?;
        let stop = CancellationToken::new();
        let state = AppState {
            config: config.clone(),
            db,
            auth,
            control,
            logs,
            ssh: ssh.as_ref().map(|(_, _, host)| host.clone()),
            readers: Readers::default(),
            stop: stop.clone(),
        };
        let tasks = TaskTracker::new();
        let tls = match (&config.tls_cert, &config.tls_key) {
            (Some(cert), Some(key)) => Some(accept::tls(cert, key).context("TLS cannot be used")?),
            _ => None,
        };
        let peers = Peers::new(&config.trusted_proxies);
        if let Some(api) = api {
            let (router, peers) = (api::alone(state.clone()), peers.clone());
            tasks.spawn(accept::serve(api, tls.clone(), router, peers, stop.clone()));
        }
        tasks.spawn(accept::serve(
            listener,
            tls,
            router::router(state.clone()),
            peers,
            stop.clone(),
        ));
        if let Some((listener, key, _)) = ssh {
            tasks.spawn(ssh::serve(listener, key, state.clone()));
        }
        let nodes = LocalNodes::start(&config, &state.control).await?;
        Ok(Self {
            state,
            listen,
            api_listen,
            ssh_listen,
            nodes,
            tasks,
            stop,
            _lock: lock,
        })
    }

    /// Checks that the sign-in page answers, then says where.
    pub async fn announce(&self) -> anyhow::Result<()> {
        tokio::time::timeout(READY_TIMEOUT, data::page_answers(&self.state, "/login"))
            .await
            .context("the sign-in page did not answer in time")??;
        println!("MiniCloud is ready: {}", self.state.config.address());
        if self.state.auth.first_start_pending().await? {
            println!("sign in as admin / admin; you will choose a new password");
        }
        if self.state.config.is_http_open() && !self.state.config.is_tls() {
            println!(
                "warning: people's passwords travel unencrypted (http); use TLS beyond a trusted network"
            );
        }
        Ok(())
    }

    /// Ends the server and leaves its nodes to the next one.
    pub async fn leave(self) {
        tracing::info!("server ends; nodes and VMs go on");
        let Self {
            state,
            nodes,
            tasks,
            stop,
            _lock,
            ..
        } = self;
        stop.cancel();
        nodes.leave().await;
        Self::finish(state, tasks).await;
    }

    /// Ends the server and its local nodes; VMs and the engine go on.
    pub async fn end(self) {
        tracing::info!("server and local nodes end; VMs go on");
        let Self {
            state,
            nodes,
            tasks,
            stop,
            _lock,
            ..
        } = self;
        stop.cancel();
        nodes.end().await;
        Self::finish(state, tasks).await;
    }

    async fn finish(state: AppState, tasks: TaskTracker) {
        tasks.close();
        tasks.wait().await;
        state.control.stop().await;
        state.db.close().await;
    }
}

async fn listen_if(address: Option<SocketAddr>, flag: &str) -> anyhow::Result<Option<TcpListener>> {
    match address {
        Some(address) => Ok(Some(listen(address, flag).await?)),
        None => Ok(None),
    }
}

/// `flag` chooses another address.
async fn listen(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            bail!(
                "{}. End it, or choose another with {flag}",
                node_local::port_holder(address)
            )
        }
        Err(error) => Err(error).with_context(|| format!("{address} cannot be listened on")),
    }
}

async fn open_db(config: &Config) -> anyhow::Result<Db> {
    let url = config.database_url.as_ref().map_or_else(
        || Db::sqlite_url(&config.data_dir.join("minicloud.db")),
        |url| url.expose().to_owned(),
    );
    Db::open(&url)
        .await
        .context("the database cannot be opened")
}

/// For `minicloud-server admin reset-password`: works beside a running server and without one.
pub async fn admin_reset_password(config: &Config, name: &str) -> anyhow::Result<String> {
    let db = open_db(config).await?;
    let auth = Auth::start(db.clone(), Arc::new(config.clone())).await?;
    let password = auth.user_password_reset_on_host(name).await?;
    db.close().await;
    Ok(password)
}

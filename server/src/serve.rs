//! The server as a value: start it, announce it, end it. So a test starts the same thing on port 0.

mod data;
mod doors;
mod site;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    api::{Patience, Readers},
    auth::Auth,
    config::Config,
    control::Control,
    db::Db,
    log::LogHub,
    node_local::LocalNodes,
    state::AppState,
};

use doors::Doors;

pub use data::stop;
pub use site::site_check;

/// How long the pages may take to answer after the start.
const READY_TIMEOUT: Duration = Duration::from_secs(20);

/// A running server.
pub struct Server {
    /// For tests, which look behind the pages.
    pub state: AppState,
    /// Where the pages listen, with the true port.
    pub listen: SocketAddr,
    /// Where the JSON API listens alone, with the true port; None: nowhere.
    pub api_listen: Option<SocketAddr>,
    /// Where the SSH gateway listens, with the true port; None: nowhere.
    pub ssh_listen: Option<SocketAddr>,
    nodes: LocalNodes,
    tasks: TaskTracker,
    /// Held while the server lives: two on one data folder would undo each other's work.
    _lock: data::DataLock,
}

impl Server {
    /// Opens the data, listens, and starts or adopts the local nodes.
    pub async fn start(config: Config, logs: LogHub) -> anyhow::Result<Self> {
        let lock = data::lock(&config)?;
        let (doors, config) = Doors::open(config).await?;
        let db = open_db(&config).await?;
        let auth = Auth::start(db.clone(), config.clone()).await?;
        refuse_unsafe(&config, &auth).await?;
        let hub = logs.clone();
        let on_log = move |node: &str, log| hub.push_node(node, log);
        let control = Control::start(db.clone(), config.clone(), on_log).await?;
        let state = AppState {
            config: config.clone(),
            db,
            auth,
            control,
            logs,
            // A server without its pages is a server for programs: `site_check` is who minds.
            site_build: site::site_build(&config.site_root).ok(),
            ssh: doors.ssh_host(),
            readers: Readers::default(),
            patience: Patience::default(),
            stop: CancellationToken::new(),
        };
        // Before anybody can ask for a VM.
        state.control.node_local_left_over().await?;
        let tasks = TaskTracker::new();
        doors.serve(&state, &tasks);
        let nodes = LocalNodes::start(&config, &state.control).await?;
        Ok(Self {
            state,
            listen: config.listen,
            api_listen: config.api_listen,
            ssh_listen: config.ssh_listen,
            nodes,
            tasks,
            _lock: lock,
        })
    }

    /// Checks that the sign-in page answers, then says where, to people and to systemd.
    pub async fn announce(&self) -> anyhow::Result<()> {
        tokio::time::timeout(READY_TIMEOUT, data::page_answers(&self.state, "/login"))
            .await
            .context(
                "the sign-in page did not answer within 20 s; what held it up is in the log above",
            )??;
        println!("MiniCloud is ready: {}", self.state.config.address());
        if self.state.auth.first_start_pending().await? {
            println!("sign in as admin / admin; you will choose a new password");
        }
        if self.state.config.is_http_open() && !self.state.config.is_tls() {
            println!(
                "warning: people's passwords travel unencrypted (http); use TLS beyond a trusted network"
            );
        }
        sd_notify::notify(&[sd_notify::NotifyState::Ready]).context("systemd could not be told")
    }

    /// Ends the server and leaves its nodes to the next one.
    pub async fn leave(self) {
        tracing::info!("server ends; nodes and VMs go on");
        let Self {
            state,
            nodes,
            tasks,
            _lock,
            ..
        } = self;
        state.stop.cancel();
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
            _lock,
            ..
        } = self;
        state.stop.cancel();
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

/// Whoever comes first would be the admin.
async fn refuse_unsafe(config: &Config, auth: &Auth) -> anyhow::Result<()> {
    if config.is_open() && auth.first_start_pending().await? {
        bail!(
            "The password of admin is still the one of the first start, so MiniCloud listens on this machine only. \
             Set MINICLOUD_ADMIN_PASSWORD, or start once without --listen and sign in as admin / admin."
        );
    }
    Ok(())
}

async fn open_db(config: &Config) -> anyhow::Result<Db> {
    let url = config.database_url.as_ref().map_or_else(
        || Db::sqlite_url(&config.data_dir.join("minicloud.db")),
        |url| url.expose().to_owned(),
    );
    Db::open(&url)
        .await
        .with_context(|| match &config.database_url {
            // The address holds a password.
            Some(_) => "the database of MINICLOUD_DATABASE_URL cannot be opened. \
                        See that PostgreSQL runs there, and that user, password and name are right"
                .to_owned(),
            None => format!(
                "the database {} cannot be opened. \
                 See that this user may write there and that the disk has room",
                config.data_dir.join("minicloud.db").display()
            ),
        })
}

/// For `minicloud-server admin reset-password`: works beside a running server and without one.
pub async fn admin_reset_password(config: &Config, name: &str) -> anyhow::Result<String> {
    let db = open_db(config).await?;
    let auth = Auth::start(db.clone(), Arc::new(config.clone())).await?;
    let password = auth.user_password_reset_on_host(name).await?;
    db.close().await;
    Ok(password)
}

//! Where the server listens: pages, the JSON API alone, SSH. All are opened before anything else is done,
//! so that a taken port is told before data is touched.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context as _, bail};
use server_api::ssh::SshHost;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::{
    accept::{self, Peers},
    api,
    config::Config,
    node_local, router,
    ssh::{self, HostKey},
    state::AppState,
};

/// Open, and not yet served.
pub struct Doors {
    pages: TcpListener,
    api: Option<TcpListener>,
    ssh: Option<Gateway>,
    tls: Option<TlsAcceptor>,
}

struct Gateway {
    listener: TcpListener,
    key: HostKey,
    host: Arc<SshHost>,
}

impl Doors {
    /// Listens everywhere. In the configuration that comes back, port 0 has become a true one: Host and
    /// Origin are held against it.
    pub async fn open(config: Config) -> anyhow::Result<(Self, Arc<Config>)> {
        let pages = listen(config.listen, "--listen").await?;
        let api = listen_if(config.api_listen, "--api-listen").await?;
        let ssh = listen_if(config.ssh_listen, "--ssh-listen").await?;
        let config = Config {
            listen: pages.local_addr()?,
            api_listen: api.as_ref().map(TcpListener::local_addr).transpose()?,
            ssh_listen: ssh.as_ref().map(TcpListener::local_addr).transpose()?,
            ..config
        };
        let doors = Self {
            pages,
            api,
            ssh: ssh.map(|listener| gateway(listener, &config)).transpose()?,
            tls: tls(&config)?,
        };
        Ok((doors, Arc::new(config)))
    }

    /// How people reach the SSH gateway; None: nowhere.
    pub fn ssh_host(&self) -> Option<Arc<SshHost>> {
        self.ssh.as_ref().map(|gateway| gateway.host.clone())
    }

    /// Serves all of them until the state's stop.
    pub fn serve(self, state: &AppState, tasks: &TaskTracker) {
        let peers = Peers::new(&state.config.trusted_proxies);
        let http = |listener, router| {
            let stop = state.stop.clone();
            accept::serve(listener, self.tls.clone(), router, peers.clone(), stop)
        };
        if let Some(listener) = self.api {
            tasks.spawn(http(listener, api::alone(state.clone())));
        }
        tasks.spawn(http(self.pages, router::router(state.clone())));
        if let Some(Gateway { listener, key, .. }) = self.ssh {
            tasks.spawn(ssh::serve(listener, key, state.clone()));
        }
    }
}

fn gateway(listener: TcpListener, config: &Config) -> anyhow::Result<Gateway> {
    let key = HostKey::open(&config.data_dir)
        .context("SSH cannot be used. Mend what is named, or switch it off with --ssh-listen ''")?;
    let host = Arc::new(ssh::ssh_host(config, listener.local_addr()?, &key));
    Ok(Gateway {
        listener,
        key,
        host,
    })
}

fn tls(config: &Config) -> anyhow::Result<Option<TlsAcceptor>> {
    let (Some(cert), Some(key)) = (&config.tls_cert, &config.tls_key) else {
        return Ok(None);
    };
    accept::tls(cert, key)
        .map(Some)
        .context("TLS cannot be used. See the files of --tls-cert and --tls-key")
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
        Err(error) => bail!(
            "{address} cannot be listened on: {error}. \
             Name an address of this machine and a free port with {flag}"
        ),
    }
}

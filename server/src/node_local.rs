//! The local nodes: started, adopted and watched by this server.
//!
//! A node lives in a process session of its own, with its credential (0600) and pid in
//! `data/nodes/NAME/`. So a restart or kill -9 of the server leaves nodes, VMs and shells alone, and
//! the next server adopts a living node. One that was started with other arguments than are wanted now, whose
//! program was replaced or that another user started is ended and started anew, one that is not configured any more
//! and has no VMs is ended; VMs and shells live on.

mod log_file;
mod process;
mod supervise;

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{config::Config, control::Control};

pub use process::port_holder;

/// How long a node may take to end after it was asked to.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// One local node: what is needed to start it again.
#[derive(Clone, Debug)]
pub struct LocalNode {
    pub name: String,
    /// On 127.0.0.1.
    pub address: SocketAddr,
    folder: PathBuf,
    bin: PathBuf,
    args: Vec<String>,
}

/// All local nodes of this server.
pub struct LocalNodes {
    nodes: Vec<Arc<LocalNode>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl LocalNodes {
    /// Registers every configured node with control, and starts or adopts it. They come up in the
    /// background: a page is answered before the first node is.
    pub async fn start(config: &Config, control: &Control) -> anyhow::Result<Self> {
        let mut all = configured(config);
        for (name, address) in &all {
            take(config, control, name, *address).await?;
        }
        // These would be out of reach, and stay on the engine for good.
        for (name, url) in control.node_local_left_over().await? {
            let address = left_over_address(config, &name, &url)?;
            take(config, control, &name, address).await?;
            tracing::warn!(
                node = name,
                "{name} is in node_ports no more, but has VMs: it goes on with these, and takes no new ones. Once they \
                 are not needed, remove it on /admin/nodes"
            );
            all.push((name, address));
        }
        let started = Self {
            nodes: nodes(config, all)?,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        let begin = supervise::supervise_all(
            config.data_dir.join("nodes"),
            started.nodes.clone(),
            started.tasks.clone(),
            started.stop.clone(),
        );
        started.tasks.spawn(begin);
        let logs = log_file::keep_small(started.nodes.clone(), started.stop.clone());
        started.tasks.spawn(logs);
        Ok(started)
    }

    /// Stops watching; the nodes live on.
    pub async fn leave(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Stops watching and ends the nodes; their VMs live on.
    pub async fn end(self) {
        let nodes = self.nodes.clone();
        self.leave().await;
        for node in nodes {
            process::end(&node.folder, STOP_TIMEOUT).await;
        }
    }
}

/// `node-1` and so on, in the order of the configured ports; on 127.0.0.1.
fn configured(config: &Config) -> Vec<(String, SocketAddr)> {
    let ports = config.node_ports.iter().enumerate();
    ports
        .map(|(index, port)| {
            let address = SocketAddr::from(([127, 0, 0, 1], *port));
            (format!("node-{}", index + 1), address)
        })
        .collect()
}

/// Has control talk to the node there, by the credential in its folder.
async fn take(
    config: &Config,
    control: &Control,
    name: &str,
    address: SocketAddr,
) -> anyhow::Result<()> {
    let folder = private_folder(config, name)?;
    let credential = match credential_read(&folder)? {
        Some(credential) => credential,
        None => {
            // One that runs, from before its folder was lost or its node removed, would know another.
            process::end(&folder, STOP_TIMEOUT).await;
            credential_make(&folder)?
        }
    };
    let url = format!("http://{address}");
    Ok(control.node_local_ensure(name, &url, &credential).await?)
}

/// Where it was, or on another port where something else listens there now: nobody configures it any more.
fn left_over_address(config: &Config, name: &str, url: &str) -> io::Result<SocketAddr> {
    let running = process::recorded(&private_folder(config, name)?);
    let address = url.trim_start_matches("http://").parse().ok();
    let usable = address.filter(|address| {
        running.is_some_and(|process| process.listens(*address))
            || TcpListener::bind(address).is_ok()
    });
    match usable {
        Some(address) => Ok(address),
        None => TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr(),
    }
}

fn nodes(config: &Config, all: Vec<(String, SocketAddr)>) -> anyhow::Result<Vec<Arc<LocalNode>>> {
    let count = all.len();
    // Of a tiny range those that are left over get nothing.
    let parts = match config.ssh_ports {
        Some(ports) if ports.count() < count => config.node_ports.len(),
        _ => count,
    };
    let bin = config
        .node_bin
        .clone()
        .map_or_else(beside_this_program, Ok)?;
    let lock_dir = config.data_dir.join("engine");
    make_private_folder(&lock_dir)?;
    let cloud = cloud_id(&config.data_dir)?;
    let mut nodes = Vec::with_capacity(count);
    for (index, (name, address)) in all.into_iter().enumerate() {
        let folder = private_folder(config, &name)?;
        let mut args = vec![
            "--name".into(),
            name.clone(),
            "--cloud".into(),
            cloud.clone(),
            "--listen".into(),
            address.to_string(),
            "--credential-file".into(),
            folder.join("credential").display().to_string(),
            "--driver".into(),
            config.node_driver.clone(),
            "--share".into(),
            format!("{:.4}", 1.0 / count as f64),
            "--lock-dir".into(),
            lock_dir.display().to_string(),
            // Also where it is nothing: they have this server's environment.
            "--vm-reach".into(),
            config.vm_reach.to_string(),
        ];
        if let Some(ports) = config.ssh_ports.and_then(|ports| ports.part(index, parts)) {
            args.extend([
                "--ssh-ports".into(),
                ports.to_string(),
                "--ssh-ports-listen".into(),
                config.ssh_ports_listen.to_string(),
            ]);
            if let Some(host) = &config.ssh_ports_host {
                args.extend(["--ssh-ports-host".into(), host.clone()]);
            }
        }
        if let Some(host) = &config.docker_host {
            args.extend(["--docker-host".into(), host.clone()]);
        }
        nodes.push(Arc::new(LocalNode {
            name,
            address,
            folder,
            bin: bin.clone(),
            args,
        }));
    }
    Ok(nodes)
}

impl LocalNode {
    fn log_file(&self) -> PathBuf {
        self.folder.join("log")
    }
}

/// Where a node's credential, pid and log are.
fn private_folder(config: &Config, name: &str) -> io::Result<PathBuf> {
    let folder = config.data_dir.join("nodes").join(name);
    make_private_folder(&folder)?;
    Ok(folder)
}

/// None before the node's first start, and once it was removed.
fn credential_read(folder: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(folder.join("credential")) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn credential_make(folder: &Path) -> io::Result<String> {
    let mut random = [0u8; 32];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(folder.join("credential"))?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.sync_all()?;
    Ok(text)
}

/// What tells this MiniCloud's containers from another's on the same engine: made once, kept with
/// the data.
fn cloud_id(data_dir: &Path) -> io::Result<String> {
    let path = data_dir.join("cloud-id");
    match fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut random = [0u8; 4];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    // Begins with a letter, as every name does.
    let id = format!("c{:08x}", u32::from_be_bytes(random));
    let mut file = fs::File::create(&path)?;
    io::Write::write_all(&mut file, id.as_bytes())?;
    file.sync_all()?;
    Ok(id)
}

fn beside_this_program() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    Ok(own.with_file_name("minicloud-node"))
}

/// Makes a folder that only its owner can enter.
pub fn make_private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_nodes_are_told_what_vms_may_reach_also_where_that_is_nothing() {
        let data = tempfile::tempdir().unwrap();
        for reach in ["", "all", "10.2.0.0/16,192.168.1.10"] {
            let config = Config {
                data_dir: data.path().to_owned(),
                vm_reach: reach.parse().unwrap(),
                ..Config::default()
            };
            for node in nodes(&config, configured(&config)).unwrap() {
                let told = ["--vm-reach", reach];
                assert!(node.args.windows(2).any(|pair| pair == told), "{node:?}");
            }
        }
    }
}

//! `minicloud-node`: reads its settings, makes its driver, serves until SIGTERM. `minicloud-node hold` is the
//! process that it starts to hold its shells.

use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use node::{
    Credential, Node, NodeConfig,
    args::{Args, DriverKind},
    driver::{
        Driver,
        docker::{DockerConfig, DockerDriver, ReachConfig},
        sim::{SimConfig, SimDriver, SimEngine},
    },
    hold::{self, HoldArgs},
    log, open_files, port, tls,
};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args_os();
    if words.nth(1).is_some_and(|word| word == "hold") {
        let words = std::env::args_os().skip(1);
        return hold::run(HoldArgs::parse_from(words));
    }
    serve(Args::parse())
}

#[tokio::main]
async fn serve(args: Args) -> anyhow::Result<()> {
    let logs = log::ring();
    log::install(logs.clone())?;
    open_files::raise();
    let credential = Credential::read(&args.credential_file)?;
    let acceptor = match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => Some(tls::acceptor(cert, key)?),
        _ => None,
    };
    tls::check_exposure(args.listen.ip(), acceptor.is_some())?;
    let driver = make_driver(&args)?;
    let listener = port::listen(args.listen).await?;
    let address = listener.local_addr()?;
    let config = NodeConfig {
        ssh_ports: args.ssh_ports(),
        shells: args.shells(),
        holder: args.holder(),
        ..NodeConfig::new(&args.name, credential)
    };
    let node = Node::with_logs(config, driver, logs).with_tls(acceptor);
    end_on_signal(node.shutdown_token())?;
    tracing::info!("node {} listens on {address}", args.name);
    node.serve(listener).await;
    tracing::info!("node {} has ended; its VMs run on", args.name);
    Ok(())
}

fn make_driver(args: &Args) -> anyhow::Result<Arc<dyn Driver>> {
    if args.driver == DriverKind::Sim {
        let engine = SimEngine::new(SimConfig::default());
        return Ok(Arc::new(SimDriver::new(engine, &args.name)));
    }
    // Nodes of one MiniCloud on this host share the rules; another MiniCloud's are its own affair.
    let whose = args.cloud.as_ref().unwrap_or(&args.name);
    let config = DockerConfig {
        host: args.docker_host.clone(),
        share: args.share,
        cpu_factor: args.cpu_factor,
        lock_dir: args.lock_dir.clone(),
        ssh_listen: args.ssh_ports_listen,
        reach: Some(ReachConfig::new(whose, args.vm_reach.clone())),
        ..DockerConfig::new(&args.label())
    };
    let driver = DockerDriver::new(config).context("cannot use the Docker engine")?;
    Ok(Arc::new(driver))
}

fn end_on_signal(shutdown: tokio_util::sync::CancellationToken) -> anyhow::Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        tracing::info!("told to end");
        shutdown.cancel();
    });
    Ok(())
}

//! Flags and signals; everything else is in the library.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rustix::process::{Resource, getrlimit, setrlimit};
use server::{
    config::{BESIDE_FLAGS, Config, Flags},
    log::{HubLayer, LogHub},
    serve::Server,
};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

#[derive(Parser)]
#[command(
    name = "minicloud-server",
    version,
    about = "A small cloud on your own machines",
    after_help = BESIDE_FLAGS
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server (the default)
    Serve,
    /// Stop the server that uses the data folder, and its local nodes. VMs go on
    Stop,
    /// Help for who is locked out
    Admin {
        #[command(subcommand)]
        command: AdminCommand,
    },
}

#[derive(Subcommand)]
enum AdminCommand {
    /// Give a user a one-time password, printed here, to be changed at the next sign-in
    ResetPassword {
        #[arg(default_value = "admin")]
        name: String,
    },
}

/// The C library's own was two fifths of what a page cost (docs/benchmarks.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("minicloud-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("the TLS provider was installed twice"))?;
    let config = Config::load(&cli.flags)?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(config).await,
        Command::Stop => server::serve::stop(&config).await,
        Command::Admin {
            command: AdminCommand::ResetPassword { name },
        } => {
            let password = server::serve::admin_reset_password(&config, &name).await?;
            println!("{name} can sign in once with: {password}");
            Ok(())
        }
    }
}

/// Ctrl-C ends the server and its local nodes; SIGTERM leaves the nodes to the next server.
async fn serve(config: Config) -> anyhow::Result<()> {
    let logs = LogHub::default();
    init_tracing(&config.log, logs.clone())?;
    // The allocator's memory would come 2 MiB at a time, and a fifth of what the server has at rest is only that.
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!("the system gives memory in pages as large as it likes: {error}");
    }
    raise_open_files();
    server::serve::site_check(&config.site_root)?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let server = Server::start(config, logs).await?;
    server.announce().await?;
    tokio::select! {
        _ = interrupt.recv() => server.end().await,
        _ = terminate.recv() => server.leave().await,
    }
    Ok(())
}

/// To standard error for who runs it, and to the hub for the admin's page.
fn init_tracing(filter: &str, logs: LogHub) -> anyhow::Result<()> {
    let filter = || EnvFilter::try_new(filter);
    let terminal = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_filter(filter()?);
    let hub = HubLayer(logs).with_filter(filter()?);
    tracing_subscriber::registry()
        .with(terminal)
        .with(hub)
        .try_init()?;
    Ok(())
}

/// As many open files as the system allows this process: each connection is one, and what sessions
/// start with, 1,024, is soon reached.
fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

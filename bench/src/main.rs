//! Measures MiniCloud beside the raw engine in the same run: same image, same host config, same
//! network, in turns. `script/bench` starts what it needs and runs this; it prints Markdown.

mod api;
mod client;
mod crowd;
mod engine;
mod figures;
mod memory;
mod page;
mod shell;
mod ssh;
mod vm;

use std::path::PathBuf;

use anyhow::Result;
use app::model::VmState;
use clap::Parser;
use client::Browser;
use engine::Engine;
use figures::HEAD;

#[derive(Parser)]
struct Args {
    /// Where the pages are
    #[arg(long, env = "MINICLOUD_URL", default_value = "http://127.0.0.1:5555")]
    url: String,
    /// A user with room for two small VMs, and for those of the dashboard
    #[arg(long, env = "MINICLOUD_BENCH_USER", default_value = "bench")]
    user: String,
    /// By environment only: a flag shows in process lists
    #[arg(long, env = "MINICLOUD_BENCH_PASSWORD", hide_env_values = true)]
    password: String,
    #[arg(long, default_value = "/var/run/docker.sock")]
    docker: String,
    /// The image of the catalogue to use
    #[arg(long, default_value = "base")]
    image: String,
    /// The size of the dashboard's VMs; the one of the others is `small`
    #[arg(long, default_value = "small")]
    dashboard_flavor: String,
    /// VMs on the dashboard whose first byte is measured
    #[arg(long, default_value_t = 50)]
    dashboard_vms: u32,
    /// The server's process, for its memory
    #[arg(long)]
    server_pid: Option<u32>,
    /// Folders of the nodes in the server's data folder, to find them and their holders by, for their memory
    #[arg(long)]
    node_folder: Vec<PathBuf>,
    /// Only so many shells at once; for a server whose nodes are simulated
    #[arg(long)]
    crowd: Option<u32>,
    /// Other processes whose memory is of interest, as those of nodes
    #[arg(long)]
    pid: Vec<u32>,
    /// Times everything is measured
    #[arg(long, default_value_t = 30)]
    runs: u32,
    /// Nothing but these, several with commas between
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
}

impl Args {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Memory,
    Create,
    Shell,
    Text,
    Ssh,
    Files,
    Many,
    Dashboard,
}

/// The VM that shells are opened in, and that the raw engine's containers are copies of.
const MODEL: &str = "bench-model";

#[tokio::main]
async fn main() -> Result<()> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let args = Args::parse();
    let browser = Browser::sign_in(&args.url, &args.user, &args.password).await?;
    if let Some(count) = args.crowd {
        let pids: Vec<u32> = args.server_pid.into_iter().chain(args.pid).collect();
        println!("{HEAD}");
        return crowd::shells(&browser, &args.image, count, &pids).await;
    }
    println!("{HEAD}");
    // Each time anew: the server takes one for gone on which nobody reads for a minute.
    let live = || browser.socket("/live");
    let mut begun = live().await?;
    vm::create(&browser, MODEL, "small", &args.image).await?;
    let model = browser.vm_wait(&mut begun, MODEL, VmState::Running).await?;
    drop(begun);
    let engine = Engine::like(&args.docker, &model.id).await?;
    let container = format!("mc-{}", model.id);
    let mut said = Vec::new();
    // First: what others have freed would be taken again, and not be seen.
    if args.wants(Part::Memory) {
        said.push(memory::shells(&browser, args.server_pid, &args.node_folder).await?);
    }
    if args.wants(Part::Create) {
        vm::creates(
            &browser,
            &engine,
            &mut live().await?,
            &args.image,
            args.runs,
        )
        .await?;
    }
    if args.wants(Part::Shell) {
        shell::prompts(&browser, &engine, &container, args.runs).await?;
        shell::echoes(&browser, &engine, &container).await?;
    }
    if args.wants(Part::Text) {
        said.push(shell::flows(&browser, &engine, &container).await?);
    }
    if args.wants(Part::Ssh) || args.wants(Part::Files) {
        let client = ssh::Client::new(&browser).await?;
        if args.wants(Part::Ssh) {
            ssh::prompts(&client, args.runs).await?;
            ssh::echoes(&client).await?;
        }
        if args.wants(Part::Files) {
            let files = ssh::files(&client, &container).await;
            let none = |error| format!("A file of 1 GiB was not measured: {error:#}.");
            said.push(files.unwrap_or_else(none));
        }
    }
    vm::delete(&browser, &mut live().await?, MODEL).await?;
    if args.wants(Part::Many) {
        said.push(ssh::many(&args.url, &args.image, args.server_pid).await?);
    }
    if args.wants(Part::Dashboard) {
        page::dashboard(&browser, &mut live().await?, &args).await?;
    }
    println!("\n{}", said.join("\n\n"));
    Ok(())
}

fn failed(figures: &mut figures::Figures, error: &anyhow::Error) {
    figures.failures += 1;
    eprintln!("a run failed: {error:#}");
}

//! Measures MiniCloud beside the raw engine in the same run: same image, same host config, same
//! network, in turns. `script/bench` starts what it needs and runs this; it prints Markdown.

mod client;
mod engine;
mod figures;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use app::model::VmState;
use clap::Parser;
use client::{Browser, Shell};
use engine::Engine;
use figures::{Figures, HEAD};

#[derive(Parser)]
struct Args {
    /// Where the pages are
    #[arg(long, env = "MINICLOUD_URL", default_value = "http://127.0.0.1:5555")]
    url: String,
    /// A user with room for two more small VMs
    #[arg(long, env = "MINICLOUD_BENCH_USER", default_value = "bench")]
    user: String,
    /// By environment only: a flag shows in process lists
    #[arg(long, env = "MINICLOUD_BENCH_PASSWORD", hide_env_values = true)]
    password: String,
    #[arg(long, default_value = "/var/run/docker.sock")]
    docker: String,
    /// Times everything is measured
    #[arg(long, default_value_t = 30)]
    runs: u32,
    /// Measure only the dashboard's first byte, of a user who has VMs already
    #[arg(long)]
    page_only: bool,
}

/// Keys typed for the echo.
const KEYS: u32 = 300;
/// Pages fetched for the first byte.
const PAGES: u32 = 200;

#[tokio::main]
async fn main() -> Result<()> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let args = Args::parse();
    let browser = Browser::sign_in(&args.url, &args.user, &args.password).await?;
    println!("{HEAD}");
    if !args.page_only {
        engine_and_cloud(&args, &browser).await?;
    }
    page(&browser).await
}

async fn engine_and_cloud(args: &Args, browser: &Browser) -> Result<()> {
    let mut live = browser.socket("/live").await?;
    create(browser, "bench-model").await?;
    let model = browser
        .vm_wait(&mut live, "bench-model", VmState::Running)
        .await?;
    let engine = Engine::like(&args.docker, &model.id).await?;
    let outcome = async {
        creates(args, browser, &engine, &mut live).await?;
        prompts(args, browser, &engine, &model.id).await?;
        echoes(browser, &engine, &model.id).await
    }
    .await;
    browser
        .call("vm_delete", &[("name", "bench-model")])
        .await?;
    browser.vm_wait_gone(&mut live, "bench-model").await?;
    outcome
}

async fn create(browser: &Browser, name: &str) -> Result<()> {
    let image = std::env::var("MINICLOUD_BENCH_IMAGE").unwrap_or_else(|_| "base".into());
    browser
        .call(
            "vm_create",
            &[("name", name), ("flavor", "small"), ("image", &image)],
        )
        .await
        .map(drop)
}

/// Request to running, in turns with the engine's own create and start.
async fn creates(
    args: &Args,
    browser: &Browser,
    engine: &Engine,
    live: &mut client::Socket,
) -> Result<()> {
    let (mut raw, mut cloud) = (Figures::default(), Figures::default());
    for run in 0..args.runs {
        let name = format!("mc-bench-{run}");
        let begun = Instant::now();
        match engine.run(&name).await {
            Ok(()) => raw.add(begun.elapsed()),
            Err(error) => failed(&mut raw, &error),
        }
        engine.remove(&name).await.ok();
        let name = format!("bench-{run}");
        let begun = Instant::now();
        create(browser, &name).await?;
        match browser.vm_wait(live, &name, VmState::Running).await {
            Ok(_) => cloud.add(begun.elapsed()),
            Err(error) => failed(&mut cloud, &error),
        }
        browser.call("vm_delete", &[("name", &name)]).await?;
        browser.vm_wait_gone(live, &name).await?;
    }
    println!("{}", raw.row("create and start, raw engine"));
    println!("{}", cloud.row("request to running, MiniCloud"));
    Ok(())
}

/// Opening a shell to its first output.
async fn prompts(args: &Args, browser: &Browser, engine: &Engine, vm_id: &str) -> Result<()> {
    let (mut raw, mut cloud) = (Figures::default(), Figures::default());
    for _ in 0..args.runs {
        let begun = Instant::now();
        let mut shell = engine.shell(&format!("mc-{vm_id}")).await?;
        shell.output().await?;
        raw.add(begun.elapsed());
        shell.input(b"exit\n").await?;
        let begun = Instant::now();
        let mut shell = Shell::open(browser, "bench-model").await?;
        shell.output().await?;
        cloud.add(begun.elapsed());
        shell.input(b"exit\n").await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("{}", raw.row("shell open to prompt, raw engine"));
    println!(
        "{}",
        cloud.row("shell open to prompt, MiniCloud (page, socket)")
    );
    Ok(())
}

/// One key and its echo, in turns.
async fn echoes(browser: &Browser, engine: &Engine, vm_id: &str) -> Result<()> {
    let (mut raw, mut cloud) = (Figures::default(), Figures::default());
    let mut raw_shell = engine.shell(&format!("mc-{vm_id}")).await?;
    let mut cloud_shell = Shell::open(browser, "bench-model").await?;
    raw_shell.output().await?;
    cloud_shell.output().await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    for key in 0..KEYS {
        let begun = Instant::now();
        raw_shell.input(b"a").await?;
        raw_shell.output().await?;
        raw.add(begun.elapsed());
        let begun = Instant::now();
        cloud_shell.input(b"a").await?;
        cloud_shell.output().await?;
        cloud.add(begun.elapsed());
        if key % 50 == 49 {
            // A line that wraps is redrawn: begin a new one before it does.
            raw_shell.input(b"\x15").await?;
            cloud_shell.input(b"\x15").await?;
            raw_shell.output().await?;
            cloud_shell.output().await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    raw_shell.input(b"\x15exit\n").await?;
    cloud_shell.input(b"\x15exit\n").await?;
    println!("{}", raw.row("echo of a key, raw engine"));
    println!("{}", cloud.row("echo of a key, MiniCloud (WebSocket)"));
    Ok(())
}

/// Time to the dashboard's first byte.
async fn page(browser: &Browser) -> Result<()> {
    let mut figures = Figures::default();
    let (html, _) = browser.page("/").await?;
    let vms = html.matches("href=\"/shell/").count();
    for _ in 0..PAGES {
        figures.add(browser.page("/").await.context("the dashboard")?.1);
    }
    println!(
        "{}",
        figures.row(&format!("dashboard, first byte ({vms} links to shells)"))
    );
    Ok(())
}

fn failed(figures: &mut Figures, error: &anyhow::Error) {
    figures.failures += 1;
    eprintln!("a run failed: {error:#}");
}

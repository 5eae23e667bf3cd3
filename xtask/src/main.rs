//! `cargo xtask build [--release]`: builds server and node, the helper for files beside them, the
//! browser's half, and bundles the pages' files into `target/site`. It does what cargo-leptos would,
//! without twenty minutes of installing it first.

mod bundle;
mod files;
mod split;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Builds and bundles MiniCloud")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build everything: programs into target/, the pages' files into target/site
    Build {
        #[command(flatten)]
        args: BuildArgs,
        /// One more package to build in the same go: by itself it would have other features of what
        /// they share, and build that anew
        #[arg(long)]
        beside: Option<String>,
    },
    /// Only the pages' files
    Front(BuildArgs),
    /// Only the helper for files, static, beside where the node is built
    Files(BuildArgs),
}

#[derive(Args, Clone, Copy)]
struct BuildArgs {
    /// Optimised, and with precompressed files
    #[arg(long)]
    release: bool,
}

fn main() -> Result<()> {
    let root = root()?;
    match Cli::parse().task {
        Task::Build { args, beside } => {
            build_programs(&root, args.release, beside.as_deref())?;
            files::build(&root, args.release)?;
            front(&root, args.release)
        }
        Task::Front(args) => front(&root, args.release),
        Task::Files(args) => files::build(&root, args.release),
    }
}

fn front(root: &Path, release: bool) -> Result<()> {
    let wasm = build_wasm(root, release)?;
    bundle::bundle(root, &wasm, release)
}

/// The workspace's folder: xtask stands one below it.
fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here
        .parent()
        .context("xtask has no parent folder")?
        .to_owned())
}

/// Where cargo builds: CARGO_TARGET_DIR where it is set. The site stands in `target/site` always.
fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

fn build_programs(root: &Path, release: bool, beside: Option<&str>) -> Result<()> {
    let mut cargo = cargo(root);
    cargo.args(["build", "--locked", "--bins"]);
    for package in ["server", "node", "cli"].into_iter().chain(beside) {
        cargo.args(["--package", package]);
    }
    if release {
        cargo.arg("--release");
    }
    run(&mut cargo)
}

/// Builds the browser's half; answers where it is.
fn build_wasm(root: &Path, release: bool) -> Result<PathBuf> {
    let profile = if release { "wasm-release" } else { "dev" };
    let mut cargo = cargo(root);
    cargo.args([
        "build",
        "--locked",
        "--lib",
        "--package",
        "app",
        "--no-default-features",
    ]);
    cargo.args([
        "--features",
        "hydrate",
        "--target",
        "wasm32-unknown-unknown",
    ]);
    run(cargo.args(["--profile", profile]))?;
    let folder = if release { "wasm-release" } else { "debug" };
    Ok(target(root)
        .join("wasm32-unknown-unknown")
        .join(folder)
        .join("app.wasm"))
}

/// Without what cargo tells of this program: ring's build script looks at the same variables, and would
/// have everything above it built anew whenever a build by hand follows one of ours.
fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root);
    for (name, _) in std::env::vars_os() {
        let told = |start: &str| name.to_string_lossy().starts_with(start);
        if told("CARGO_PKG_") || told("CARGO_MANIFEST_") || name == "OUT_DIR" {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Runs a program to its end; an error names it.
fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("{name} could not be started"))?;
    if !status.success() {
        bail!("{name} failed ({status})");
    }
    Ok(())
}

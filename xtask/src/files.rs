//! The helper for files: static, small, and beside the node, which finds it there.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

/// For a target of its own (this machine's, by name), so that its flags are no other crate's and nothing is
/// built anew for them; always in its own profile: each VM that is used for files gets a copy.
pub fn build(root: &Path, release: bool) -> Result<()> {
    let host = host()?;
    let mut cargo = crate::cargo(root);
    cargo.args(["rustc", "--locked", "--package", "files", "--bin", "files"]);
    cargo.args(["--profile", "files", "--target", &host]);
    cargo.args(["--", "-C", "target-feature=+crt-static"]);
    crate::run(&mut cargo).context(
        "the helper for files was not built. It needs the C library's static half (Debian: libc6-dev, Fedora: glibc-static)",
    )?;
    let target = crate::target(root);
    let built = target.join(&host).join("files/files");
    let place = target.join(if release { "release" } else { "debug" });
    replace(&built, &place, "minicloud-files")
}

/// A node may be reading it: in one step, and only where it has changed.
fn replace(built: &Path, place: &Path, name: &str) -> Result<()> {
    let read = fs::read(built).with_context(|| format!("{} was not built", built.display()))?;
    if fs::read(place.join(name)).is_ok_and(|there| there == read) {
        return Ok(());
    }
    fs::create_dir_all(place)?;
    let new = place.join(format!(".{name}"));
    fs::copy(built, &new)?;
    fs::rename(&new, place.join(name))?;
    Ok(())
}

/// What the compiler calls this machine.
fn host() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let told = Command::new(&rustc)
        .arg("-vV")
        .output()
        .with_context(|| format!("{} could not be started", rustc.display()))?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .context("rustc -vV does not tell its host")
}

//! The bundled pages: what `cargo xtask build` made, seen to be whole before anything is started.

use std::{fs, io, path::Path, sync::Arc};

use anyhow::{Context as _, bail};

/// What every page loads; without one of them none works.
const STYLE: &str = "pkg/minicloud.css";
/// Names the build that the browser's half is of. Its files carry the name.
const BUILD: &str = "pkg/build.txt";

/// Sees that the bundled pages are there.
pub fn site_check(root: &Path) -> anyhow::Result<()> {
    readable(root, STYLE)?;
    let build = site_build(root).with_context(|| not_whole(root, BUILD))?;
    readable(root, &format!("pkg/minicloud.{build}.js"))?;
    readable(root, &format!("pkg/minicloud.{build}.wasm"))
}

/// The build of the pages in `root`: letters and digits.
pub fn site_build(root: &Path) -> anyhow::Result<Arc<str>> {
    let text = fs::read_to_string(root.join(BUILD))?;
    let build = text.trim();
    if build.is_empty() || !build.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        bail!("it holds something else than a build's name");
    }
    Ok(build.into())
}

fn readable(root: &Path, name: &str) -> anyhow::Result<()> {
    let opened: io::Result<_> = fs::File::open(root.join(name));
    opened.with_context(|| not_whole(root, name))?;
    Ok(())
}

fn not_whole(root: &Path, name: &str) -> String {
    format!(
        "the bundled pages are not whole: {} cannot be read. \
         Build them with cargo xtask build, or name their folder with --site-root",
        root.join(name).display()
    )
}

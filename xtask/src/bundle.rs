//! From wasm, style, terminal and public files to `target/site`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::split;

/// As in `.cargo/config.toml` and Cargo.toml's metadata.
const OUTPUT_NAME: &str = "minicloud";

/// Fills `target/site`. Files are replaced one by one, so a running server never sees none.
pub fn bundle(root: &Path, wasm: &Path, release: bool) -> Result<()> {
    let site = root.join("target/site");
    let pkg = site.join("pkg");
    fs::create_dir_all(&pkg)?;
    bindgen(
        &split::split(wasm, &pkg, OUTPUT_NAME, release)?,
        &pkg,
        release,
    )?;
    npm(root, &["run", "--silent", "build"])?;
    style(root, &pkg)?;
    copy(&root.join("web/dist"), &pkg)?;
    copy(&root.join("public"), &site)?;
    if release {
        compress(root, &site)
    } else {
        uncompress(&site)
    }
}

fn bindgen(wasm: &Path, pkg: &Path, release: bool) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(wasm)
        .web(true)?
        .typescript(false)
        .omit_default_module_path(false)
        // What was split off finds the rest by them.
        .keep_lld_exports(true)
        .demangle(false);
    bindgen
        .out_name(OUTPUT_NAME)
        .keep_debug(!release)
        .remove_name_section(release)
        .remove_producers_section(true);
    bindgen
        .generate(pkg)
        .with_context(|| format!("{} could not be bundled", wasm.display()))?;
    // Under this name the page asks for it, because LEPTOS_OUTPUT_NAME was set when leptos was built.
    fs::rename(
        pkg.join(format!("{OUTPUT_NAME}_bg.wasm")),
        pkg.join(format!("{OUTPUT_NAME}.wasm")),
    )?;
    Ok(())
}

/// Bundles the style with the esbuild that the terminal's folder brings.
fn style(root: &Path, pkg: &Path) -> Result<()> {
    let mut esbuild = Command::new(root.join("web/node_modules/.bin/esbuild"));
    esbuild.current_dir(root).arg("style/main.css");
    esbuild.args(["--bundle", "--minify", "--log-level=warning"]);
    esbuild.arg(format!("--outfile={}", pkg.join("minicloud.css").display()));
    crate::run(&mut esbuild)
}

fn npm(root: &Path, args: &[&str]) -> Result<()> {
    crate::run(Command::new("npm").current_dir(root.join("web")).args(args))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in
        fs::read_dir(from).with_context(|| format!("{} could not be read", from.display()))?
    {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&target)?;
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Brotli beside each file, by Node's own zlib: served as it is, with nothing to do per request.
fn compress(root: &Path, site: &Path) -> Result<()> {
    crate::run(
        Command::new("node")
            .arg(root.join("script/lib/compress.mjs"))
            .arg(site),
    )
}

/// A debug bundle must not be shadowed by an older release's compressed files.
fn uncompress(site: &Path) -> Result<()> {
    for folder in [site.to_owned(), site.join("pkg")] {
        for path in files(&folder)? {
            if path.extension().is_some_and(|ending| ending == "br") {
                fs::remove_file(path)?;
            }
        }
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect())
}

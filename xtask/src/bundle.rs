//! From wasm, style, terminal and public files to `target/site`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::split::{self, Main};

/// As in Leptos.toml and Cargo.toml's metadata.
const OUTPUT_NAME: &str = "minicloud";
/// What the server reads the build's name from.
const BUILD: &str = "build.txt";
/// Begin the names of files that carry a build's name.
const NAMED_BY_BUILD: [&str; 4] = ["minicloud.", "late.", "split_", "chunk_"];

/// Fills `target/site`. A running server has its pages until the new ones are there.
pub fn bundle(root: &Path, wasm: &Path, release: bool) -> Result<()> {
    let site = root.join("target/site");
    let pkg = site.join("pkg");
    fs::create_dir_all(&pkg)?;
    let main = split::split(wasm, &pkg, OUTPUT_NAME, release)?;
    bindgen(&main, &pkg, release)?;
    npm(root, &["run", "--silent", "build"])?;
    style(root, &pkg)?;
    copy(&root.join("web/dist"), &pkg)?;
    copy(&root.join("public"), &site)?;
    if release {
        compress(root, &site)?;
    } else {
        uncompress(&site)?;
    }
    fs::write(pkg.join(BUILD), &main.build)?;
    remove_earlier(&pkg, &main.build)
}

fn bindgen(main: &Main, pkg: &Path, release: bool) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(&main.wasm)
        .web(true)?
        .typescript(false)
        // The page hands the code over.
        .omit_default_module_path(true)
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
        .with_context(|| format!("{} could not be bundled", main.wasm.display()))?;
    for (made, ending) in [(".js", "js"), ("_bg.wasm", "wasm")] {
        let named = pkg.join(format!("{OUTPUT_NAME}.{}.{ending}", main.build));
        fs::rename(pkg.join(format!("{OUTPUT_NAME}{made}")), named)?;
    }
    Ok(())
}

/// Removes what is of another build than `build`.
fn remove_earlier(pkg: &Path, build: &str) -> Result<()> {
    for path in files(pkg)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let of_a_build = NAMED_BY_BUILD.iter().any(|start| name.starts_with(start));
        if of_a_build && !name.contains(build) && !name.starts_with("minicloud.css") {
            fs::remove_file(&path)?;
        }
    }
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

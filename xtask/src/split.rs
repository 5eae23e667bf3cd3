//! Takes what `app/src/late.rs` sets apart out of the browser's half, into files that a page loads when it
//! needs them. It does what cargo-leptos would (`--split`), and names the files by their content.

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};
use wasm_encoder::{Module, RawSection};
use wasm_split_cli_support::Options;
use wasmparser::{Parser, Payload};

/// Begins the name of the parts' loader.
const LOADER: &str = "late";

/// The browser's half without what was set apart.
pub struct Main {
    /// Beside the input, under a name of its own.
    pub wasm: PathBuf,
    /// What the names of its files carry: changes with the code, and with what makes files of it.
    pub build: String,
}

/// Writes the parts and their loader into `pkg`; answers the rest, which is bundled next.
pub fn split(wasm: &Path, pkg: &Path, output_name: &str, release: bool) -> Result<Main> {
    let input = fs::read(wasm).with_context(|| format!("{} could not be read", wasm.display()))?;
    let build = build(&input, release)?;
    let main = wasm.with_extension("main.wasm");
    let module = format!("./{output_name}.{build}.js");
    let loader = format!("{LOADER}.{build}.js");
    let link = format!("./{loader}");
    let mut options = Options::new(&input);
    options.output_dir = pkg;
    options.main_out_path = &main;
    options.main_module = &module;
    options.link_name = &link;
    let parts = wasm_split_cli_support::transform(options)
        .map_err(|error| anyhow!("{} could not be split: {error:#}", wasm.display()))?
        .split_modules;
    if release {
        parts.iter().try_for_each(|part| without_names(part))?;
    }
    name_by_content(&pkg.join(loader), &build, parts)?;
    Ok(Main { wasm: main, build })
}

/// Browsers keep what has this name for good. The same code can become other files by another version of this
/// program, so that counts, too.
fn build(input: &[u8], release: bool) -> Result<String> {
    let own = env::current_exe().and_then(fs::read);
    let own = own.context("the program that bundles cannot read its own file")?;
    Ok(hash(&[input, own.as_slice(), &[u8::from(release)]]))
}

fn hash(parts: &[&[u8]]) -> String {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// A page that was loaded before an update must get its own part or none: a newer one does not fit to it.
fn name_by_content(loader: &Path, hash: &str, parts: Vec<PathBuf>) -> Result<()> {
    let mut text = fs::read_to_string(loader)?;
    for part in parts {
        let stem = part.file_stem().context("a part without a name")?;
        let stem = stem.to_string_lossy();
        let named = format!("{stem}.{hash}.wasm");
        fs::rename(&part, part.with_file_name(&named))?;
        text = text.replace(&format!("./{stem}.wasm"), &format!("./{named}"));
    }
    Ok(fs::write(loader, text)?)
}

/// What people read of a part is as large as the part itself; the bundler takes it out of the rest.
fn without_names(part: &Path) -> Result<()> {
    let bytes = fs::read(part)?;
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(&bytes) {
        let payload = payload?;
        let is_for_people = matches!(&payload, Payload::CustomSection(section) if matches!(section.name(), "name" | "producers"));
        if let Some((id, range)) = payload.as_section().filter(|_| !is_for_people) {
            let data = &bytes[range];
            module.section(&RawSection { id, data });
        }
    }
    Ok(fs::write(part, module.finish())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_has_another_name_when_its_code_or_its_kind_is_another() {
        let named = |input: &[u8], release| build(input, release).unwrap();
        let name = named(b"code", true);
        assert_eq!((name.len(), &name), (16, &named(b"code", true)));
        assert_ne!(name, named(b"other", true));
        assert_ne!(name, named(b"code", false));
        assert_ne!(hash(&[b"code", b"1"]), hash(&[b"code", b"2"]));
    }
}

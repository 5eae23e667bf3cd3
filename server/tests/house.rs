//! The house rules that the compiler does not hold: who may import what, and that configuration
//! stands once. Reads the tree as text.
#![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Every Rust file below `folder`, with its path from the root.
fn sources(folder: &str) -> Vec<(String, String)> {
    fn walk(at: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(at).unwrap_or_else(|error| panic!("{}: {error}", at.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    let root = root();
    let mut found = Vec::new();
    walk(&root.join(folder), &mut found);
    found
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (
                path.strip_prefix(&root).unwrap().display().to_string(),
                text,
            )
        })
        .collect()
}

/// Code lines that hold the word, comments left out.
fn lines_with<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines()
        .filter(move |line| !line.trim_start().starts_with("//") && line.contains(word))
}

/// Fails for every file of `folder` outside `allowed` whose code holds `word`.
fn only_in(folder: &str, word: &str, allowed: &[&str]) {
    let files = sources(folder);
    assert!(!files.is_empty(), "{folder} has no sources");
    for (path, text) in files {
        if allowed.iter().any(|prefix| path.starts_with(prefix)) {
            continue;
        }
        let found: Vec<_> = lines_with(&text, word).collect();
        assert!(
            found.is_empty(),
            "{path} uses {word}, which belongs to {allowed:?} alone: {found:?}"
        );
    }
}

#[test]
fn only_the_database_knows_sql() {
    only_in("server/src", "sqlx", &["server/src/db"]);
    only_in("app/src", "sqlx", &[]);
    only_in("node/src", "sqlx", &[]);
}

#[test]
fn only_the_docker_driver_knows_the_engine() {
    only_in("node/src", "bollard", &["node/src/driver/docker"]);
    only_in("server/src", "bollard", &[]);
}

#[test]
fn only_the_balancer_calls_nodes() {
    only_in("server/src", "reqwest", &["server/src/balancer"]);
    only_in("app/src", "reqwest", &[]);
}

#[test]
fn only_the_gateway_speaks_ssh() {
    // `public_key` reads keys for accounts, with the types that the gateway compares them by.
    let allowed = [
        "server/src/ssh/",
        "server/src/ssh.rs",
        "server/src/public_key.rs",
    ];
    only_in("server/src", "russh", &allowed);
    only_in("app/src", "russh", &[]);
    only_in("node/src", "russh", &[]);
    only_in("cli/src", "russh", &[]);
}

#[test]
fn imports_go_downwards_only() {
    let top = ["router", "serve"];
    let bridges = ["auth", "api", "shell", "ssh", "pages", "live"];
    let above = [&top[..], &bridges].concat();
    let mut rules = vec![
        ("db", [&above[..], &["control", "balancer"]].concat()),
        ("balancer", [&above[..], &["control", "db"]].concat()),
        ("control", above.clone()),
        ("auth", [&top[..], &bridges[1..]].concat()),
    ];
    rules.extend(bridges[1..].iter().map(|bridge| (*bridge, vec!["serve"])));
    for (module, forbidden) in rules {
        let is_own = |path: &str| {
            let path = path.strip_prefix("server/src/").unwrap();
            path == format!("{module}.rs") || path.starts_with(&format!("{module}/"))
        };
        let files = sources("server/src").into_iter();
        let files: Vec<_> = files.filter(|(path, _)| is_own(path)).collect();
        assert!(!files.is_empty(), "{module} has no sources");
        for (path, text) in files {
            for import in imports(&path, &text) {
                let good = !forbidden.contains(&import.as_str());
                assert!(good, "{path} uses {import}, which stands above {module}");
            }
        }
    }
}

/// Modules of the crate's root that a file of `server/src` names: by `crate::`, or by `super::` as often as
/// leads there; alone, or in braces.
fn imports(path: &str, text: &str) -> Vec<String> {
    let path = path
        .trim_start_matches("server/src/")
        .trim_end_matches(".rs");
    let mut depth = path.split('/').count();
    let mut found = Vec::new();
    let mut rest: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    // What stands in a module within the file is one deeper; such modules come last.
    let inner = rest.find("\nmod tests {").map(|at| rest.split_off(at));
    for part in [Some(rest), inner].into_iter().flatten() {
        let words = words(&part);
        for at in 0..words.len() {
            let begins = at == 0 || words[at - 1] != "::";
            let supers = words[at..].chunks(2);
            let supers = supers.take_while(|pair| *pair == ["super", "::"]).count();
            let behind = match words[at] {
                "crate" if words.get(at + 1) == Some(&"::") => at + 2,
                "super" if begins && supers == depth => at + 2 * supers,
                _ => continue,
            };
            found.extend(named(&words[behind..]).into_iter().map(str::to_owned));
        }
        depth += 1;
    }
    found
}

/// Names, `::` and single marks.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let in_name = |c: char| c.is_alphanumeric() || c == '_';
        let length = match first {
            c if in_name(c) => rest.find(|c: char| !in_name(c)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            other => other.len_utf8(),
        };
        words.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    words
}

/// The name that comes first, or in braces each that begins a path.
fn named<'a>(words: &[&'a str]) -> Vec<&'a str> {
    if words.first() != Some(&"{") {
        return words.first().copied().into_iter().collect();
    }
    let mut depth = 0;
    let mut names = Vec::new();
    for (at, word) in words.iter().enumerate() {
        match *word {
            "{" => depth += 1,
            "}" if depth == 1 => break,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 1 && matches!(words[at], "{" | ",") {
            names.extend(words.get(at + 1).copied().filter(|name| *name != "}"));
        }
    }
    names
}

#[test]
fn an_import_is_found_however_it_is_written() {
    let of = |path: &str, text: &str| imports(&format!("server/src/{path}"), text);
    for text in [
        "use crate::auth::Auth;",
        "use crate::{auth, db};",
        "use crate::{\n    clock,\n    auth::{self, Auth},\n};",
        "fn f() { crate::auth::start() }",
        "use super::super::auth::Auth;",
        "use super::super::{db, auth};",
        "fn f() {}\nmod tests {\n    use super::super::super::auth;\n}",
    ] {
        let found = of("db/vm.rs", text);
        assert!(found.contains(&"auth".to_owned()), "{text}: {found:?}");
    }
    assert_eq!(of("db.rs", "use super::auth;"), ["auth"]);
    for text in [
        "// crate::auth::Auth",
        "use super::auth;",
        "use super::super::super::auth;",
        "use crate::db::{auth};",
        "use crate::{db::{auth, x}};",
    ] {
        let found = of("db/vm.rs", text);
        assert!(!found.contains(&"auth".to_owned()), "{text}: {found:?}");
    }
}

/// design's map: what each crate may know of the others. (What its tests bring up is another matter.)
#[test]
fn crates_know_of_each_other_what_the_map_says() {
    const MAP: [(&str, &[&str]); 9] = [
        ("app", &[]),
        ("server/api", &[]),
        ("node/api", &[]),
        ("files", &[]),
        ("node", &["node-api"]),
        ("server", &["app", "node-api", "server-api"]),
        ("cli", &["server-api"]),
        ("bench", &["app"]),
        ("xtask", &[]),
    ];
    const OURS: [&str; 9] = [
        "app",
        "bench",
        "cli",
        "files",
        "node",
        "node-api",
        "server",
        "server-api",
        "xtask",
    ];
    for (folder, known) in MAP {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let needs = manifest.get("dependencies").and_then(toml::Value::as_table);
        let needs = needs.into_iter().flat_map(toml::Table::keys);
        let needs: Vec<&str> = needs
            .map(String::as_str)
            .filter(|name| OURS.contains(name))
            .collect();
        assert_eq!(needs, known, "{folder}/Cargo.toml");
    }
}

/// It is put into every VM that files are copied to: a few system calls, and nothing else to trust.
#[test]
fn the_helper_in_vms_stands_on_rustix_alone() {
    let manifest = fs::read_to_string(root().join("files/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let names: Vec<_> = manifest["dependencies"]
        .as_table()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(names, ["rustix"]);
}

/// The two know nothing of each other.
#[test]
fn the_helper_in_vms_greets_as_the_node_expects_it() {
    for file in ["files/src/main.rs", "node/src/driver/docker/files.rs"] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        for line in [
            r#"const GREET: &str = "--greet";"#,
            r#"const GREETING: &[u8] = b"minicloud-files 1\n";"#,
        ] {
            assert!(text.contains(line), "{file} lacks {line}");
        }
    }
}

#[test]
fn leptos_toml_and_the_metadata_of_cargo_toml_agree() {
    let read = |name: &str| -> toml::Table {
        fs::read_to_string(root().join(name))
            .unwrap()
            .parse()
            .unwrap()
    };
    let (ours, cargo) = (read("Leptos.toml"), read("Cargo.toml"));
    let metadata = cargo["workspace"]["metadata"]["leptos"][0]
        .as_table()
        .unwrap();
    let shared = ours["leptos"].as_table().unwrap();
    assert!(!shared.is_empty());
    for (key, value) in shared {
        assert_eq!(
            metadata.get(key),
            Some(value),
            "{key} differs between Leptos.toml and Cargo.toml"
        );
    }
}

#[test]
fn the_shipped_configuration_is_understood() {
    let flags = server::config::Flags {
        config: root().join("Leptos.toml"),
        ..Default::default()
    };
    let config = server::config::Config::load(&flags).unwrap();
    assert_eq!(config.flavors.len(), 3);
    assert_eq!(config.listen.port(), 5555);
}

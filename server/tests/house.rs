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
    let above = [
        "auth", "api", "shell", "ssh", "pages", "live", "router", "serve",
    ];
    for (folder, forbidden) in [
        (
            "server/src/db",
            [&above[..], &["control", "balancer"]].concat(),
        ),
        (
            "server/src/balancer",
            [&above[..], &["control", "db"]].concat(),
        ),
        ("server/src/control", above[1..].to_vec()),
    ] {
        for module in forbidden {
            only_in(folder, &format!("crate::{module}::"), &[]);
        }
    }
}

#[test]
fn the_pages_know_nothing_of_the_other_crates() {
    let manifest = fs::read_to_string(root().join("app/Cargo.toml")).unwrap();
    for name in ["server", "node", "server-api", "node-api", "xtask"] {
        let line = manifest.lines().find(|line| {
            line.starts_with(&format!("{name}.")) || line.starts_with(&format!("{name} "))
        });
        assert_eq!(line, None, "app depends on {name}");
    }
}

#[test]
fn the_command_knows_the_json_api_alone() {
    let manifest = fs::read_to_string(root().join("cli/Cargo.toml")).unwrap();
    let ours = ["server", "app", "node", "node-api", "xtask", "bench"];
    for name in ours {
        let names = |line: &str| {
            line.starts_with(&format!("{name}.")) || line.starts_with(&format!("{name} "))
        };
        assert!(!manifest.lines().any(names), "cli depends on {name}");
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

//! The codes of refusals that docs/api.md promises, held complete against the sources.

use std::{collections::BTreeSet, fs, path::Path};

/// What stands right before a code: the class of a refusal, or a call that makes one.
const BEFORE: [&str; 10] = [
    "Invalid,",
    "Conflict,",
    "Unavailable,",
    "Forbidden,",
    "NotFound,",
    "Unauthenticated,",
    "TooMany,",
    "Internal,",
    "conflict(",
    "code:",
];
/// Codes that have a name, or are chosen by a function of their own.
const CHOSEN: [&str; 19] = [
    "changed_meanwhile",
    "field_invalid",
    "field_missing",
    "field_unknown",
    "host_foreign",
    "host_missing",
    "idempotency_answered",
    "internal",
    "malformed",
    "method_not_allowed",
    "not_json",
    "origin_foreign",
    "origin_missing",
    "ssh_key_invalid",
    "ssh_key_private",
    "ssh_key_weak",
    "timeout",
    "too_large",
    "upgrade_required",
];
/// Of pages alone, and one that the demo's answers do not show.
const PAGES: [&str; 9] = [
    "invite_wrong",
    "network",
    "password_same",
    "password_weak",
    "refused",
    "registration_closed",
    "shell_ended",
    "unconfirmed",
    "wrong_password",
];

fn sources(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            // Tests stand last.
            found.push_str(text.split("#[cfg(test)]").next().unwrap());
        }
    }
}

/// Texts of the shape of a code, each with the code before it.
fn literals(text: &str) -> Vec<(&str, &str)> {
    let is_code = |text: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        text.len() > 3 && text.bytes().all(fits)
    };
    let mut found = Vec::new();
    for (at, _) in text.match_indices('"') {
        let rest = &text[at + 1..];
        let Some(end) = rest.find('"') else { continue };
        if is_code(&rest[..end]) {
            found.push((text[..at].trim_end(), &rest[..end]));
        }
    }
    found
}

/// The same of `invalid(FIELD, "code"`.
fn follows_a_field(before: &str) -> bool {
    let Some((call, field)) = before.rsplit_once("invalid(") else {
        return false;
    };
    let field = field.trim();
    !call.is_empty() && field.ends_with(',') && field.len() < 40 && !field.contains([';', '(', ')'])
}

#[test]
fn every_code_is_in_the_documentation_and_none_that_is_not() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    let folders = [
        "src/api",
        "src/auth",
        "src/control",
        "src/live",
        "src/shell",
    ];
    for folder in folders.into_iter().chain(["../app/src/model"]) {
        sources(&root.join(folder), &mut text);
    }
    let all = literals(&text);
    let mut made: BTreeSet<&str> = CHOSEN.into();
    for (before, code) in &all {
        let is_made = BEFORE.iter().any(|word| before.ends_with(word)) || follows_a_field(before);
        if is_made && !PAGES.contains(code) {
            made.insert(code);
        }
    }
    assert!(made.len() > 60, "the codes are found: {made:?}");
    let docs = fs::read_to_string(root.join("../docs/api.md")).unwrap();
    let (_, list) = docs.split_once("## Codes").unwrap();
    let list = list.split("\n## ").next().unwrap();
    let told: BTreeSet<&str> = list
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| {
            word.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        })
        .collect();
    let missing: Vec<_> = made.difference(&told).collect();
    assert!(
        missing.is_empty(),
        "docs/api.md does not tell of {missing:?}"
    );
    let there: BTreeSet<&str> = all.iter().map(|(_, code)| *code).collect();
    let gone: Vec<_> = told.difference(&there).collect();
    assert!(
        gone.is_empty(),
        "docs/api.md tells of {gone:?}, which nothing answers"
    );
}

//! The language of simulated shells: commands apart by `;`, `&&` or lines, quotes, `>` and `>>`.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use super::engine::SimEngine;

/// What a script printed, and how it ended.
#[derive(Default)]
pub(super) struct Outcome {
    pub text: String,
    pub code: i32,
    /// `exit` was called: the shell ends.
    pub exits: bool,
    /// The script of `trap '…' TERM`.
    pub trap: Option<String>,
}

/// Where a script runs.
pub(super) struct Place {
    pub engine: Arc<SimEngine>,
    pub vm_id: Uuid,
    /// Columns and rows of its terminal, if it has one.
    pub size: Option<(u16, u16)>,
}

/// Runs a script.
pub(super) async fn run(place: &Place, script: &str) -> Outcome {
    let mut outcome = Outcome::default();
    for (command, only_if_good) in split(script) {
        if only_if_good && outcome.code != 0 {
            continue;
        }
        one(place, &command, &mut outcome).await;
        if outcome.exits {
            break;
        }
    }
    outcome
}

/// The words of a command.
pub(super) fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in command.chars() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Commands, and whether each runs only when the one before it went well.
fn split(script: &str) -> Vec<(String, bool)> {
    let mut commands = vec![(String::new(), false)];
    let mut quote = None;
    let mut chars = script.chars().peekable();
    while let Some(c) = chars.next() {
        let ends = quote.is_none() && matches!(c, ';' | '\n');
        let and = quote.is_none() && c == '&' && chars.peek() == Some(&'&');
        if ends || and {
            chars.next_if(|_| and);
            commands.push((String::new(), and));
            continue;
        }
        match quote {
            Some(q) if q == c => quote = None,
            None if matches!(c, '\'' | '"') => quote = Some(c),
            _ => {}
        }
        if let Some((command, _)) = commands.last_mut() {
            command.push(c);
        }
    }
    commands
}

async fn one(place: &Place, command: &str, outcome: &mut Outcome) {
    let mut words = words(command);
    let target = redirect(&mut words);
    let Some((program, args)) = words.split_first() else {
        return;
    };
    let (text, code) = call(place, program, args, outcome).await;
    outcome.code = code;
    match target {
        Some((path, append)) => write(place, &path, &text, append),
        None => outcome.text.push_str(&text),
    }
}

/// Takes `> path` or `>> path` off the end.
fn redirect(words: &mut Vec<String>) -> Option<(String, bool)> {
    let at = words.len().checked_sub(2)?;
    let append = match words[at].as_str() {
        ">" => false,
        ">>" => true,
        _ => return None,
    };
    let path = words.pop()?;
    words.pop();
    Some((path, append))
}

fn write(place: &Place, path: &str, text: &str, append: bool) {
    if let Some(vm) = place.engine.lock().vms.get_mut(&place.vm_id) {
        let file = vm.files.entry(path.to_owned()).or_default();
        if !append {
            file.clear();
        }
        file.push_str(text);
    }
}

async fn call(
    place: &Place,
    program: &str,
    args: &[String],
    outcome: &mut Outcome,
) -> (String, i32) {
    let first = args.first().map(String::as_str);
    match program {
        "echo" => (format!("{}\n", args.join(" ")), 0),
        "true" | ":" => (String::new(), 0),
        "false" => (String::new(), 1),
        "cat" => cat(place, first.unwrap_or_default()),
        "hostname" => (format!("{}\n", name(place)), 0),
        "pwd" => ("/root\n".into(), 0),
        "stty" => size(place),
        "sleep" => {
            let seconds = first.and_then(|word| word.parse().ok()).unwrap_or(0.0);
            tokio::time::sleep(Duration::from_secs_f64(f64::clamp(seconds, 0.0, 3600.0))).await;
            (String::new(), 0)
        }
        "trap" => {
            outcome.trap = args.first().cloned();
            (String::new(), 0)
        }
        "exit" => {
            outcome.exits = true;
            let code = first.and_then(|word| word.parse().ok());
            (String::new(), code.unwrap_or(outcome.code))
        }
        "poweroff" => {
            outcome.exits = true;
            place.engine.end(place.vm_id, 0, false);
            (String::new(), 0)
        }
        other => (format!("sh: {other}: not found\n"), 127),
    }
}

fn cat(place: &Place, path: &str) -> (String, i32) {
    let inner = place.engine.lock();
    let file = inner
        .vms
        .get(&place.vm_id)
        .and_then(|vm| vm.files.get(path));
    match file {
        Some(text) => (text.clone(), 0),
        None => (format!("cat: {path}: No such file or directory\n"), 1),
    }
}

fn name(place: &Place) -> String {
    let inner = place.engine.lock();
    inner
        .vms
        .get(&place.vm_id)
        .map_or_else(String::new, |vm| vm.spec.name.clone())
}

fn size(place: &Place) -> (String, i32) {
    match place.size {
        Some((cols, rows)) => (format!("{rows} {cols}\n"), 0),
        None => ("stty: standard input: Not a tty\n".into(), 1),
    }
}

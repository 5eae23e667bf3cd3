//! What a shell takes of the server, its node and the node's holder: at rest, and after much output. In a VM of the
//! real engine, since simulated nodes have no holder.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::sleep,
};

use crate::{
    MODEL,
    client::{Browser, Shell},
    figures::memory,
};

/// Shells that are measured; a VM may have 32.
const SHELLS: usize = 20;
/// What each of them prints. Bytes, before the terminal adds its own.
const OUTPUT: u64 = 10_000_000;
/// A line with styles, as `printf` is given it.
const LINE: &str =
    r"\033[32mlorem ipsum\033[m dolor sit amet \033[1mconsectetur\033[m adipiscing elit sed";
/// For what is on its way, and for the screen's drawing, which the holder gets a second later.
const REST: Duration = Duration::from_secs(5);
const PROMPT: &[u8] = b"# ";

const NOT_MEASURED: &str =
    "A shell's memory was not measured: it takes --server-pid and --node-folder.";

/// Has a shell print, and tells when all of it has come.
type Flood = oneshot::Sender<()>;
/// A shell that lives, and who may ask it to print.
type Living = (mpsc::Sender<Flood>, JoinHandle<Result<()>>);

/// Opens so many shells, with a viewer each, and has one after the other print; answers what to say of it.
pub async fn shells(
    browser: &Browser,
    server: Option<u32>,
    node_folders: &[PathBuf],
) -> Result<String> {
    let Some(server) = server.filter(|_| !node_folders.is_empty()) else {
        return Ok(NOT_MEASURED.to_owned());
    };
    // What is allocated once is there after the first one, and so is the holder.
    let mut all = vec![opened(browser).await?];
    floods(&all).await?;
    let processes = Processes::find(server, node_folders);
    let before = processes.memory();
    for _ in 0..SHELLS {
        all.push(opened(browser).await?);
    }
    sleep(REST).await;
    let at_rest = processes.memory();
    floods(&all[1..]).await?;
    let after = processes.memory();
    for (asking, living) in all {
        drop(asking);
        living.await??;
    }
    Ok(format!(
        "Memory of a shell with a viewer, of {SHELLS}: at rest {}; after {} MB of output {}.",
        of_each(before, at_rest),
        OUTPUT / 1_000_000,
        of_each(before, after)
    ))
}

/// A new shell, at its prompt.
async fn opened(browser: &Browser) -> Result<Living> {
    let mut shell = Shell::open(browser, MODEL).await?;
    shell.wait_for(PROMPT).await?;
    let (asking, asked) = mpsc::channel(1);
    Ok((asking, tokio::spawn(live_on(shell, asked))))
}

/// Has one after the other print.
async fn floods(shells: &[Living]) -> Result<()> {
    for (asking, _) in shells {
        let (tell, told) = oneshot::channel();
        asking.send(tell).await.context("a shell has ended")?;
        told.await.context("a shell has ended")?;
    }
    sleep(REST).await;
    Ok(())
}

/// Reads, answers pings and prints when it is asked to; exits when nobody can ask any more.
async fn live_on(mut shell: Shell, mut asked: mpsc::Receiver<Flood>) -> Result<()> {
    let flood = format!("yes \"$(printf '{LINE}')\" | head -c {OUTPUT}\n");
    loop {
        tokio::select! {
            output = shell.output() => drop(output?),
            flooded = asked.recv() => {
                let Some(tell) = flooded else {
                    return shell.input(b"exit\n").await;
                };
                shell.input(flood.as_bytes()).await?;
                shell.flow(printed()).await?;
                // Whoever asked may have gone.
                let _ = tell.send(());
            }
        }
    }
}

/// Bytes of the flood: a terminal puts a carriage return before each line feed.
fn printed() -> u64 {
    let line = LINE.replace(r"\033", "\x1b").len() as u64 + 1;
    OUTPUT + OUTPUT / line
}

/// Whose memory a shell is in.
struct Processes {
    server: u32,
    nodes: Vec<u32>,
    holders: Vec<u32>,
}

impl Processes {
    fn find(server: u32, node_folders: &[PathBuf]) -> Self {
        let named = |file: &str| -> Vec<u32> {
            let files = node_folders.iter().map(|folder| folder.join(file));
            files.filter_map(|file| process(&file)).collect()
        };
        Self {
            server,
            nodes: named("pid"),
            holders: named("holder.lock"),
        }
    }

    /// Of the server, of all nodes, of all holders. MiB.
    fn memory(&self) -> [f64; 3] {
        let parts: [&[u32]; 3] = [&[self.server], &self.nodes, &self.holders];
        parts.map(|pids| pids.iter().filter_map(|pid| memory(*pid)).sum())
    }
}

/// The process whose number is the first word of that file; None where there is no such file.
fn process(file: &Path) -> Option<u32> {
    let text = fs::read_to_string(file).ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// What was added, in words, for each shell.
fn of_each(before: [f64; 3], now: [f64; 3]) -> String {
    let kib = |part: usize| (now[part] - before[part]) * 1024.0 / SHELLS as f64;
    format!(
        "server {:.0} KiB, node {:.0} KiB, its holder {:.0} KiB",
        kib(0),
        kib(1),
        kib(2)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flood_is_as_long_as_a_terminal_prints_it() {
        let line = LINE.replace(r"\033", "\x1b") + "\n";
        let all = line.bytes().cycle().take(OUTPUT as usize);
        let returns = all.filter(|byte| *byte == b'\n').count() as u64;
        assert_eq!(printed(), OUTPUT + returns);
    }

    #[test]
    fn what_was_added_is_told_for_each_shell() {
        let shells = SHELLS as f64;
        let now = [10.0 + shells / 1024.0, 20.0, 1.0 + shells];
        assert_eq!(
            of_each([10.0, 20.0, 1.0], now),
            "server 1 KiB, node 0 KiB, its holder 1024 KiB"
        );
    }
}

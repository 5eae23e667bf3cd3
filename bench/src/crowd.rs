//! Many shells at once, over simulated nodes: what each costs, and a key's echo among them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use app::model::VmState;
use tokio::sync::{mpsc, oneshot};

use crate::{
    client::{Browser, Shell},
    figures::{Figures, memory},
    vm,
};

/// Shells of each VM.
const EACH: u32 = 20;
/// Keys typed, each into another shell.
const KEYS: usize = 1_000;
const PROMPT: &[u8] = b"# ";

/// Who wants to know how long a key's echo takes.
type Asked = oneshot::Sender<Duration>;

/// Opens so many shells, attached, and types into one after the other.
pub async fn shells(browser: &Browser, image: &str, count: u32, pids: &[u32]) -> Result<()> {
    let mut live = browser.socket("/live").await?;
    let vms: Vec<String> = (0..count.div_ceil(EACH))
        .map(|number| format!("crowd-{number}"))
        .collect();
    for name in &vms {
        vm::create(browser, name, "tiny", image).await?;
        browser.vm_wait(&mut live, name, VmState::Running).await?;
    }
    // What is allocated once is there.
    let mut first = Shell::open(browser, &vms[0]).await?;
    first.wait_for(PROMPT).await?;
    let before: Vec<f64> = pids.iter().filter_map(|pid| memory(*pid)).collect();
    let mut shells = Vec::new();
    for name in vms.iter().cycle().take(count as usize) {
        let mut shell = Shell::open(browser, name).await?;
        shell.wait_for(PROMPT).await?;
        let (keys, asked) = mpsc::channel(1);
        tokio::spawn(live_on(shell, asked));
        shells.push(keys);
    }
    let after: Vec<f64> = pids.iter().filter_map(|pid| memory(*pid)).collect();
    let mut figures = Figures::default();
    for shell in shells.iter().cycle().take(KEYS) {
        let (tell, told) = oneshot::channel();
        shell.send(tell).await.context("a shell has ended")?;
        figures.add(told.await.context("a shell has ended")?);
    }
    let name = format!("echo of a key, {count} shells open on simulated nodes");
    println!("{}", figures.row(&name));
    let grown: Vec<String> = before
        .iter()
        .zip(&after)
        .map(|(before, after)| format!("{:.0} KiB", (after - before) * 1024.0 / f64::from(count)))
        .collect();
    println!(
        "\nMemory of each of them, by process (server, nodes): {}.",
        grown.join(", ")
    );
    // Nobody has read on the other one for long.
    live = browser.socket("/live").await?;
    for name in &vms {
        vm::delete(browser, &mut live, name).await?;
    }
    Ok(())
}

/// Reads, answers pings, and types a key whenever it is asked to.
async fn live_on(mut shell: Shell, mut asked: mpsc::Receiver<Asked>) -> Result<()> {
    let mut waiting: Option<(Instant, Asked)> = None;
    loop {
        tokio::select! {
            output = shell.output() => {
                output?;
                if let Some((begun, tell)) = waiting.take() {
                    // Whoever asked may have gone.
                    let _ = tell.send(begun.elapsed());
                }
            }
            key = asked.recv() => {
                let Some(tell) = key else { return Ok(()) };
                waiting = Some((Instant::now(), tell));
                shell.input(b"k").await?;
            }
        }
    }
}

//! Shells, in turns with the engine's own exec: to the prompt, a key's echo, a flood.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::{
    MODEL,
    client::{Browser, Shell},
    engine::Engine,
    figures::Figures,
};

/// Keys typed for the echo.
const KEYS: u32 = 1_000;
/// What a flood is long, and how often it is let loose.
const FLOOD: u64 = 50_000_000;
const FLOODS: u32 = 5;
const PROMPT: &[u8] = b"# ";

/// Opening a shell to its prompt.
pub async fn prompts(browser: &Browser, engine: &Engine, container: &str, runs: u32) -> Result<()> {
    let (mut raw, mut cloud) = (Figures::default(), Figures::default());
    for _ in 0..runs {
        let begun = Instant::now();
        let mut shell = engine.shell(container).await?;
        shell.wait_for(PROMPT).await?;
        raw.add(begun.elapsed());
        shell.input(b"exit\n").await?;
        let begun = Instant::now();
        let mut shell = Shell::open(browser, MODEL).await?;
        shell.wait_for(PROMPT).await?;
        cloud.add(begun.elapsed());
        shell.input(b"exit\n").await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("{}", raw.row("shell open to prompt, raw engine"));
    println!(
        "{}",
        cloud.row("shell open to prompt, MiniCloud (page, then socket)")
    );
    Ok(())
}

/// One key and its echo, in turns.
pub async fn echoes(browser: &Browser, engine: &Engine, container: &str) -> Result<()> {
    // The terminal driver echoes, and nothing else says anything.
    const QUIET: &[u8] = b"stty -icanon; echo rea''dy; cat >/dev/null\n";
    let (mut raw, mut cloud) = (Figures::default(), Figures::default());
    let mut raw_shell = engine.shell(container).await?;
    raw_shell.input(QUIET).await?;
    raw_shell.wait_for(b"ready\r\n").await?;
    let mut cloud_shell = Shell::open(browser, MODEL).await?;
    cloud_shell.input(QUIET).await?;
    cloud_shell.wait_for(b"ready\r\n").await?;
    for _ in 0..KEYS {
        let begun = Instant::now();
        raw_shell.input(b"k").await?;
        raw_shell.output().await?;
        raw.add(begun.elapsed());
        let begun = Instant::now();
        cloud_shell.input(b"k").await?;
        cloud_shell.output().await?;
        cloud.add(begun.elapsed());
    }
    raw_shell.input(b"\x03exit\n").await?;
    cloud_shell.input(b"\x03exit\n").await?;
    println!("{}", raw.row("echo of a key, raw engine"));
    println!("{}", cloud.row("echo of a key, MiniCloud (WebSocket)"));
    Ok(())
}

/// 50 MB of text, in turns; answers what to say of it.
pub async fn flows(browser: &Browser, engine: &Engine, container: &str) -> Result<String> {
    let line = "lorem ipsum dolor sit amet consectetur adipiscing elit sed";
    let command =
        format!("stty -echo; echo rea''dy; read x; yes '{line}' | head -c {FLOOD}; read x\n");
    // A terminal puts a carriage return before each line feed.
    let printed = FLOOD + FLOOD / (line.len() as u64 + 1);
    let (mut raw, mut cloud, mut came) = (Vec::new(), Vec::new(), 0);
    for _ in 0..FLOODS {
        let mut shell = engine.shell(container).await?;
        shell.input(command.as_bytes()).await?;
        shell.wait_for(b"ready\r\n").await?;
        let begun = Instant::now();
        shell.input(b"\n").await?;
        shell.flow(printed).await?;
        raw.push(speed(printed, begun));
        shell.input(b"\nexit\n").await?;

        let mut shell = Shell::open(browser, MODEL).await?;
        shell.input(command.as_bytes()).await?;
        shell.wait_for(b"ready\r\n").await?;
        let begun = Instant::now();
        shell.input(b"\n").await?;
        let bytes = shell.flow(printed).await?;
        cloud.push(speed(bytes, begun));
        came += bytes;
        shell.input(b"\nexit\n").await?;
    }
    let (raw, cloud) = (median(raw), median(cloud));
    Ok(format!(
        "50 MB of text, median of {FLOODS}: raw engine {raw:.1} MB/s, MiniCloud {cloud:.1} MB/s ({:.0} %); {:.1} % of it \
         was delivered, the rest skipped.",
        cloud / raw * 100.0,
        came as f64 / (printed * u64::from(FLOODS)) as f64 * 100.0,
    ))
}

/// MB/s of so many bytes since then.
fn speed(bytes: u64, begun: Instant) -> f64 {
    bytes as f64 / begun.elapsed().as_secs_f64() / 1e6
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

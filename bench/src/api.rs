//! The JSON API under a steady load: 2,000 lists of VMs a second.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep_until},
};

use crate::{client::Browser, figures::Figures};

const PER_SECOND: u32 = 2_000;
const SECONDS: u32 = 10;
/// Connections that take turns; each asks every 16 ms.
const CONNECTIONS: u32 = 32;

/// Asks at a fixed rate, whatever the answers do; a late answer is late from when it was due.
pub async fn vm_lists(browser: &Browser, vms: usize) -> Result<()> {
    let begin = Instant::now() + Duration::from_millis(100);
    let (host, request) = browser.request("/api/v1/vms");
    let mut asking = Vec::new();
    for number in 0..CONNECTIONS {
        let (host, request) = (host.clone(), request.clone());
        let first = begin + Duration::from_secs(1) / PER_SECOND * number;
        asking.push(tokio::spawn(async move {
            ask(&host, &request, first, vms).await
        }));
    }
    let mut all = Figures::default();
    for asked in asking {
        all.merge(asked.await??);
    }
    println!(
        "{}",
        all.row(&format!(
            "GET /api/v1/vms, {vms} VMs, {PER_SECOND} a second (p99 {:.2})",
            all.percentile(99.0)
        ))
    );
    Ok(())
}

async fn ask(host: &str, request: &str, first: Instant, vms: usize) -> Result<Figures> {
    let mut stream = TcpStream::connect(host).await?;
    stream.set_nodelay(true)?;
    let mut figures = Figures::default();
    for turn in 0..PER_SECOND * SECONDS / CONNECTIONS {
        let due = first + Duration::from_secs(1) * CONNECTIONS / PER_SECOND * turn;
        sleep_until(due).await;
        stream.write_all(request.as_bytes()).await?;
        let body = answer(&mut stream).await?;
        figures.add(due.elapsed());
        ensure!(
            body.matches("\"flavor\"").count() == vms,
            "not every VM is listed: {body}"
        );
    }
    Ok(figures)
}

/// Reads one answer with a length; its body.
async fn answer(stream: &mut TcpStream) -> Result<String> {
    let mut bytes = Vec::with_capacity(16 * 1024);
    loop {
        ensure!(stream.read_buf(&mut bytes).await? > 0, "the server hung up");
        let Some(head) = bytes.windows(4).position(|at| at == b"\r\n\r\n") else {
            continue;
        };
        let text = std::str::from_utf8(&bytes[..head])?.to_ascii_lowercase();
        ensure!(text.starts_with("http/1.1 200"), "answered {text}");
        let length = text.split("content-length: ").nth(1);
        let length = length.and_then(|rest| rest.lines().next());
        let length: usize = length.context("an answer without a length")?.parse()?;
        if bytes.len() >= head + 4 + length {
            return Ok(String::from_utf8(bytes.split_off(head + 4))?);
        }
    }
}

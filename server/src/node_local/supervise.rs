//! One task a local node: adopt it or start it, see it die, start it again.

use std::{sync::Arc, time::Duration};

use tokio::process::Child;
use tokio_util::sync::CancellationToken;

use super::{LocalNode, process, process::Process};

/// How often an adopted node, which is not our child, is looked at.
const LOOK: Duration = Duration::from_millis(250);
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
const BACKOFF_LAST: Duration = Duration::from_secs(30);
/// A node that lived so long starts again without a wait.
const STEADY: Duration = Duration::from_secs(30);

/// Keeps the node alive until `stop`; it lives on after that.
pub async fn supervise(node: Arc<LocalNode>, stop: CancellationToken) {
    let mut backoff = BACKOFF_FIRST;
    loop {
        let begun = std::time::Instant::now();
        match adopt_or_start(&node).await {
            Ok((process, child)) => tokio::select! {
                () = stop.cancelled() => return,
                status = ended(process, child) => {
                    tracing::warn!(node = node.name, pid = process.pid, status, "the node ended and is started again");
                }
            },
            Err(error) => tracing::error!(
                node = node.name,
                "the node could not be started and is tried again: {error}. Its log is {}",
                node.log_file().display()
            ),
        }
        if begun.elapsed() > STEADY {
            backoff = BACKOFF_FIRST;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(backoff) => {}
        }
        backoff = (backoff * 2).min(BACKOFF_LAST);
    }
}

async fn adopt_or_start(node: &LocalNode) -> anyhow::Result<(Process, Option<Child>)> {
    if let Some(process) = process::recorded(node) {
        tracing::info!(node = node.name, pid = process.pid, "node adopted");
        return Ok((process, None));
    }
    if tokio::net::TcpStream::connect(node.address).await.is_ok() {
        anyhow::bail!(
            "{}. End it, or choose other ports with --node-ports",
            process::port_holder(node.address)
        );
    }
    let (process, child) = process::start(node)?;
    tracing::info!(node = node.name, pid = process.pid, address = %node.address, "node started");
    Ok((process, Some(child)))
}

/// Waits for the end of the process; answers how it ended, in words.
async fn ended(process: Process, child: Option<Child>) -> String {
    if let Some(mut child) = child {
        return match child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
    }
    while process.is_alive() {
        tokio::time::sleep(LOOK).await;
    }
    "unknown".into()
}

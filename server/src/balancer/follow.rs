//! Following a node's streams: its events, to look again at once, and its log.

use std::{sync::Arc, time::Duration};

use node_api::{
    event::{NodeEvent, NodeEventKind},
    log::NodeLog,
    path,
};
use serde::de::DeserializeOwned;
use tokio::time::{sleep, timeout};

use super::{NodeCallError, NodeClient, NodeEntry, NodeLogSink, sse::SseParser};

/// A stream sends a comment every 10 s; quiet for three times that, its node is gone.
const QUIET: Duration = Duration::from_secs(30);
const AGAIN_FIRST: Duration = Duration::from_millis(250);
const AGAIN_LAST: Duration = Duration::from_secs(5);

/// Wakes the node's reconciler at events, and notes where shells were lost, for ever. What a memory limit has killed
/// changes nothing by itself, and may be told without end: the next look sees it.
pub async fn events(entry: Arc<NodeEntry>) {
    follow(&entry.client, path::EVENTS, |event: NodeEvent| {
        if event.kind == NodeEventKind::ShellLost {
            entry.shell_lost(event.vm_id);
        }
        if event.kind != NodeEventKind::VmOom {
            entry.woken.notify_one();
        }
    })
    .await;
}

/// Hands on every record of the node's log, for ever.
pub async fn logs(entry: Arc<NodeEntry>, sink: NodeLogSink) {
    follow(&entry.client, path::LOGS, |log: NodeLog| {
        sink(&entry.name, log)
    })
    .await;
}

/// Reads the stream again and again, each time from where it broke. That it broke the poll tells.
async fn follow<T: DeserializeOwned>(client: &NodeClient, path: &str, mut take: impl FnMut(T)) {
    let mut last_id = None;
    let mut again = AGAIN_FIRST;
    loop {
        let before = last_id.clone();
        if let Err(error) = read(client, path, &mut last_id, &mut take).await {
            tracing::debug!(target: "minicloud::balancer", path, "a node's stream broke: {error}");
        }
        again = if last_id == before {
            (again * 2).min(AGAIN_LAST)
        } else {
            AGAIN_FIRST
        };
        sleep(again).await;
    }
}

async fn read<T: DeserializeOwned>(
    client: &NodeClient,
    path: &str,
    last_id: &mut Option<String>,
    take: &mut impl FnMut(T),
) -> Result<(), NodeCallError> {
    let mut answer = client.stream(path, last_id.as_deref()).await?;
    let mut parser = SseParser::default();
    loop {
        let chunk = timeout(QUIET, answer.chunk())
            .await
            .map_err(|_| NodeCallError::Timeout(QUIET))?
            .map_err(|error| NodeCallError::from_reqwest(&error, QUIET))?;
        let Some(chunk) = chunk else { return Ok(()) };
        let events = parser
            .push(&chunk)
            .map_err(|error| NodeCallError::Malformed(error.to_string()))?;
        for event in events {
            if event.id.is_some() {
                *last_id = event.id;
            }
            match serde_json::from_str(&event.data) {
                Ok(item) => take(item),
                // A newer node may tell things this server does not know.
                Err(error) => {
                    tracing::debug!(target: "minicloud::balancer", path, "not understood: {error}");
                }
            }
        }
    }
}

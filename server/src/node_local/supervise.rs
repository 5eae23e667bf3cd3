//! One task a local node: adopt it or start it, see it die, start it again.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use tokio::process::Child;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{LocalNode, STOP_TIMEOUT, process, process::Process};

/// How often an adopted node, which is not our child, is looked at.
const LOOK: Duration = Duration::from_millis(250);
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
const BACKOFF_LAST: Duration = Duration::from_secs(30);
/// A node that lived so long starts again without a wait.
const STEADY: Duration = Duration::from_secs(30);

/// Keeps all of them alive until `stop`, each in a task of `tasks`; they live on after that.
pub async fn supervise_all(
    folder: PathBuf,
    nodes: Vec<Arc<LocalNode>>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    end_others(&folder, &nodes).await;
    for node in nodes {
        tasks.spawn(supervise(node, stop.clone()));
    }
}

async fn supervise(node: Arc<LocalNode>, stop: CancellationToken) {
    let mut backoff = BACKOFF_FIRST;
    loop {
        if !node.folder.join("credential").exists() {
            tracing::info!(
                node = node.name,
                "the node was removed, and is watched no more"
            );
            return;
        }
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

/// Ends the nodes of `folder` that are not as the configuration has them, or not in it any more: nobody
/// watches those, and what they take of the engine is promised to the others. All of them before any is
/// started, because one may have the port that another is to have.
async fn end_others(folder: &Path, nodes: &[Arc<LocalNode>]) {
    // Without the folder there was never a node.
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let folders = entries.flatten().map(|entry| entry.path());
    let others: Vec<PathBuf> = folders
        .filter(|folder| !is_as_configured(folder, nodes))
        .collect();
    join_all(others.iter().map(|other| process::end(other, STOP_TIMEOUT))).await;
}

fn is_as_configured(folder: &Path, nodes: &[Arc<LocalNode>]) -> bool {
    let node = nodes.iter().find(|node| node.folder == folder);
    let living = process::recorded(folder);
    node.zip(living)
        .is_some_and(|(node, living)| living.is_current(&node.bin, &node.args))
}

async fn adopt_or_start(node: &LocalNode) -> anyhow::Result<(Process, Option<Child>)> {
    if let Some(process) = process::recorded(&node.folder) {
        if process.is_current(&node.bin, &node.args) {
            tracing::info!(node = node.name, pid = process.pid, "node adopted");
            return Ok((process, None));
        }
        tracing::info!(
            node = node.name,
            pid = process.pid,
            "the node has another configuration, program or user and is started anew"
        );
        process::end(&node.folder, STOP_TIMEOUT).await;
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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    /// What stands for a node: it does nothing until it is ended.
    fn sleeper(folder: &Path, seconds: &str) -> LocalNode {
        fs::create_dir_all(folder).unwrap();
        LocalNode {
            name: "node-1".into(),
            // Nobody listens there.
            address: SocketAddr::from(([127, 0, 0, 1], 1)),
            folder: folder.to_owned(),
            bin: "sleep".into(),
            args: vec![seconds.into()],
        }
    }

    #[tokio::test]
    async fn a_node_is_adopted_with_the_arguments_it_has_and_started_anew_for_others() {
        let folder = tempfile::tempdir().unwrap();
        let mut node = sleeper(folder.path(), "600");
        let (first, _child) = adopt_or_start(&node).await.unwrap();
        let (again, child) = adopt_or_start(&node).await.unwrap();
        assert_eq!(again, first);
        assert!(child.is_none() && first.is_alive());

        node.args = vec!["601".into()];
        let (other, _child) = adopt_or_start(&node).await.unwrap();
        assert_ne!(other, first);
        assert!(other.is_alive() && !first.is_alive());
        process::end(folder.path(), STOP_TIMEOUT).await;
        assert!(!other.is_alive());
    }

    #[tokio::test]
    async fn a_node_whose_program_was_replaced_is_started_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        let mut node = sleeper(&path.join("node"), "600");
        node.bin = path.join("sleep");
        fs::copy("/bin/sleep", &node.bin).unwrap();
        let (old, _child) = adopt_or_start(&node).await.unwrap();
        // Until then it is `setsid`.
        let runs = || fs::read_link(format!("/proc/{}/exe", old.pid)).ok();
        let begun = std::time::Instant::now();
        while runs().as_ref() != Some(&node.bin) {
            assert!(old.is_alive() && begun.elapsed() < STOP_TIMEOUT);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let (again, child) = adopt_or_start(&node).await.unwrap();
        assert!(again == old && child.is_none());
        fs::copy("/bin/sleep", path.join("upgrade")).unwrap();
        fs::rename(path.join("upgrade"), &node.bin).unwrap();
        let (new, child) = adopt_or_start(&node).await.unwrap();
        assert!(child.is_some() && new.is_alive() && !old.is_alive());
        process::end(&node.folder, STOP_TIMEOUT).await;
    }

    #[tokio::test]
    async fn a_node_that_is_configured_no_more_or_in_another_way_is_ended() {
        let data = tempfile::tempdir().unwrap();
        let at = |name: &str, seconds: &str| sleeper(&data.path().join(name), seconds);
        let kept = Arc::new(at("node-1", "600"));
        let (kept_process, _child) = adopt_or_start(&kept).await.unwrap();
        let (changed_process, _child) = adopt_or_start(&at("node-2", "600")).await.unwrap();
        let (dropped_process, _child) = adopt_or_start(&at("node-3", "600")).await.unwrap();
        let changed = Arc::new(at("node-2", "601"));
        end_others(data.path(), &[kept.clone(), changed]).await;
        assert!(kept_process.is_alive());
        assert!(!changed_process.is_alive() && !dropped_process.is_alive());
        process::end(&kept.folder, STOP_TIMEOUT).await;
    }
}

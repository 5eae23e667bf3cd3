//! The local nodes' logs, kept from filling the disk.

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::LocalNode;

/// Months of a quiet node, hours of one that says everything (`MINICLOUD_LOG=debug`). There may be twice as much.
const LIMIT_BYTES: u64 = 16 * 1024 * 1024;
const EVERY: Duration = Duration::from_secs(60);

/// Looks at them now and then until `stop`: what has become too long moves into `log.1`, over what was there.
pub async fn keep_small(nodes: Vec<Arc<LocalNode>>, stop: CancellationToken) {
    loop {
        for node in &nodes {
            let log = node.log_file();
            let moved = tokio::task::spawn_blocking(move || move_long(&log, LIMIT_BYTES)).await;
            if let Ok(Err(error)) = moved {
                tracing::warn!(node = node.name, %error, "the node's log is long and could not be moved");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// The node has the file open, and writes at its end wherever that is: so it is copied and emptied, not renamed. A line
/// that comes between the two is lost.
fn move_long(log: &Path, limit: u64) -> io::Result<()> {
    let mut from = match fs::File::options().read(true).write(true).open(log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    if from.metadata()?.len() <= limit {
        return Ok(());
    }
    let mut to = fs::File::create(log.with_extension("1"))?;
    io::copy(&mut from, &mut to)?;
    from.set_len(0)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_long_log_moves_aside_and_its_node_writes_on_at_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let (log, older) = (folder.path().join("log"), folder.path().join("log.1"));
        assert!(move_long(&log, 10).is_ok(), "there is none yet");
        let mut node = fs::File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        for (line, here, aside) in [
            ("first\n", "first\n", None),
            ("second\n", "", Some("first\nsecond\n")),
            ("third\n", "third\n", Some("first\nsecond\n")),
            ("fourth\n", "", Some("third\nfourth\n")),
        ] {
            node.write_all(line.as_bytes()).unwrap();
            move_long(&log, 10).unwrap();
            assert_eq!(fs::read_to_string(&log).unwrap(), here);
            assert_eq!(fs::read_to_string(&older).ok().as_deref(), aside);
        }
    }
}

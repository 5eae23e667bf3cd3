//! Since when the engine runs. Its API does not tell; its process does, where this node can see it.

use std::{fs, path::Path, time::Duration};

use tokio::{net::UnixStream, task::spawn_blocking, time::timeout};

use super::seen::all_pids;

/// The engine's program, as the system names its process.
const PROGRAM: &str = "dockerd";
/// What listens in an engine's place until it is wanted: systemd.
const INIT: i32 = 1;
/// The kernel's ticks a second, on every platform that has this engine.
const TICKS: i64 = 100;
/// For the engine to take a connection. Nothing is asked of it.
const CONNECT: Duration = Duration::from_secs(3);

/// In microseconds since the Unix epoch, to a second or so. None where it cannot be told, as for an engine in
/// a virtual machine, or for a node in a container.
pub(super) async fn began_at(socket: &Path) -> Option<i64> {
    let stream = timeout(CONNECT, UnixStream::connect(socket)).await.ok()?;
    let listener = stream.ok()?.peer_cred().ok()?.pid()?;
    spawn_blocking(move || of_listener(listener)).await.ok()?
}

/// Of several engines the youngest: that may be later than the right one, and never earlier.
fn of_listener(listener: i32) -> Option<i64> {
    if is_engine(listener) {
        return process_began_at(listener);
    }
    let all = (listener == INIT).then(all_pids);
    all.into_iter()
        .flatten()
        .filter(|pid| is_engine(*pid))
        .filter_map(process_began_at)
        .max()
}

fn is_engine(pid: i32) -> bool {
    let name = fs::read_to_string(format!("/proc/{pid}/comm"));
    name.is_ok_and(|name| name.trim_end() == PROGRAM)
}

fn process_began_at(pid: i32) -> Option<i64> {
    let boot = fs::read_to_string("/proc/stat").ok()?;
    let boot = boot.lines().find_map(|line| line.strip_prefix("btime "))?;
    let boot: i64 = boot.trim().parse().ok()?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold spaces: count from behind it.
    let began = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?;
    let began: i64 = began.parse().ok()?;
    Some(boot * 1_000_000 + began * (1_000_000 / TICKS))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::clock::now_us;

    /// The moment of the boot is told in whole seconds, and how long after it a process began in ticks.
    const SLACK: i64 = 1_000_000 + 1_000_000 / TICKS;

    #[test]
    fn a_process_began_before_its_children_and_they_began_just_now() {
        let at = |pid: u32| process_began_at(pid.try_into().expect("a pid")).expect("it is there");
        let before = now_us();
        let mut child = Command::new("sleep").arg("60").spawn().expect("begun");
        let (own, younger) = (at(std::process::id()), at(child.id()));
        child.kill().expect("killed");
        child.wait().expect("ended");
        let after = now_us();
        assert!(own <= younger, "{own} {younger}");
        assert!(
            (before - SLACK..=after + SLACK).contains(&younger),
            "{before} {younger} {after}"
        );
    }

    #[tokio::test]
    async fn of_what_listens_and_is_no_engine_nothing_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("docker.sock");
        assert_eq!(began_at(&socket).await, None, "nobody listens");
        let _listener = tokio::net::UnixListener::bind(&socket).expect("bound");
        assert_eq!(began_at(&socket).await, None);
    }
}

//! The processes of a running container, as its host sees them.
//!
//! Where its cgroup can be found, that lists them; else the whole of the host's /proc is gone through. A
//! look costs a file or two for each process, and callers may ask for one as often as they like: so looks are
//! made beside the threads that carry everybody's bytes, a few at once.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use node_api::error::NodeErrorCode;
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::driver::DriverError;

/// Looks at once, of all callers.
const AT_ONCE: usize = 2;
static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

const CGROUPS: &str = "/sys/fs/cgroup";

/// A running container whose processes can be seen from here.
#[derive(Debug)]
pub(super) struct Seen {
    container: String,
    /// Lists its processes, and theirs alone.
    list: Option<PathBuf>,
}

impl Seen {
    /// None where its processes cannot be seen (a node that is in a container itself sees only its own).
    /// `likely`: one that may well be the container's.
    pub(super) async fn look(
        container: &str,
        likely: Option<i32>,
    ) -> Result<Option<Arc<Self>>, DriverError> {
        let container = container.to_owned();
        aside(move || Self::find(container, likely).map(Arc::new)).await
    }

    fn find(container: String, likely: Option<i32>) -> Option<Self> {
        let mut pids = likely.into_iter().chain(all_pids());
        let groups = pids.find_map(|pid| groups_of(pid, &container))?;
        let list = list_of(Path::new(CGROUPS), &groups, &container);
        Some(Self { container, list })
    }

    /// Looks at the processes, in its turn and where it may take its time.
    pub(super) async fn with<T: Send + 'static>(
        self: &Arc<Self>,
        look: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, DriverError> {
        let seen = self.clone();
        aside(move || look(&seen)).await
    }

    /// Whether the host's process is in the container.
    pub(super) fn has(&self, pid: i32) -> bool {
        is_in_container(pid, &self.container)
    }

    /// Processes that may be the container's; all that are, are among them.
    pub(super) fn pids(&self) -> Vec<i32> {
        let Some(list) = &self.list else {
            return all_pids().collect();
        };
        match fs::read_to_string(list) {
            Ok(text) => text.lines().filter_map(|line| line.parse().ok()).collect(),
            // It goes with the last of them.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(_) => all_pids().collect(),
        }
    }
}

/// Whether the host's process is in the container.
pub(super) fn is_in_container(pid: i32, container: &str) -> bool {
    groups_of(pid, container).is_some()
}

/// The parent and the session of a living process; None for one that is dead and only waits to be reaped.
pub(super) fn parent_and_session(pid: i32) -> Option<(i32, i32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    parse(&stat)
}

async fn aside<T: Send + 'static>(
    look: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DriverError> {
    let turn = TURNS.acquire().await;
    // Whoever waits for it may leave; its turn is over when it is.
    let looked = spawn_blocking(move || {
        let found = look();
        drop(turn);
        found
    });
    looked.await.map_err(|error| {
        let message = format!("the VM's processes were not looked at: {error}");
        DriverError::new(NodeErrorCode::Internal, message)
    })
}

/// The host's processes; none where /proc cannot be read.
pub(super) fn all_pids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The cgroups of a process that is in the container.
fn groups_of(pid: i32, container: &str) -> Option<String> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    groups.contains(container).then_some(groups)
}

/// The file with the container's processes, where it is at the usual place.
fn list_of(root: &Path, groups: &str, container: &str) -> Option<PathBuf> {
    let mut lists = groups.lines().filter_map(|line| {
        let (_, line) = line.split_once(':')?;
        let (kind, path) = line.split_once(':')?;
        let path = Path::new(path.strip_prefix('/')?);
        // A group within the container's own would not have all of them.
        let is_whole = path.file_name()?.to_str()?.contains(container);
        let folder = match kind {
            // Version 2 has one tree, version 1 one for each kind.
            "" => root.join(path),
            "pids" => root.join(kind).join(path),
            _ => return None,
        };
        is_whole.then(|| folder.join("cgroup.procs"))
    });
    lists.find(|list| list.exists())
}

fn parse(stat: &str) -> Option<(i32, i32)> {
    // The name, in parentheses, may hold anything: count from the last one.
    let mut words = stat.rsplit_once(") ")?.1.split(' ');
    let state = words.next()?;
    let parent = words.next()?.parse().ok()?;
    let session = words.nth(1)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some((parent, session))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, clippy::unwrap_used)] // a test that fails may panic

    use std::{process::Command, sync::mpsc, thread, time::Duration};

    use tokio::time::sleep;

    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn the_session_is_read_past_any_name_and_not_of_the_dead() {
        assert_eq!(parse("12 (a) b) S 1 12 77 34816 12"), Some((1, 77)));
        assert_eq!(parse("12 (sh) Z 1 12 77 0 -1"), None);
        assert_eq!(parse("nonsense"), None);
    }

    #[test]
    fn a_process_of_the_host_is_in_no_container() {
        let own = i32::try_from(std::process::id()).expect("a pid");
        assert!(parent_and_session(own).is_some());
        assert!(!is_in_container(own, ID));
    }

    #[test]
    fn the_list_is_the_containers_own_in_either_version() {
        let root = tempfile::tempdir().unwrap();
        let make = |folder: &str| {
            let folder = root.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("cgroup.procs"), "").unwrap();
            Some(folder.join("cgroup.procs"))
        };
        let list = |groups: &str| list_of(root.path(), groups, ID);
        let second = format!("0::/system.slice/docker-{ID}.scope\n");
        assert_eq!(list(&second), None);
        let made = make(&format!("system.slice/docker-{ID}.scope"));
        assert_eq!(list(&second), made);
        let first = format!("9:cpu,cpuacct:/docker/{ID}\n8:pids:/docker/{ID}\n0::/docker/{ID}\n");
        let made = make(&format!("pids/docker/{ID}"));
        assert_eq!(list(&first), made);
        make(&format!("docker/{ID}/within"));
        for other in [
            format!("0::/docker/{ID}/within\n"),
            "0::/\n".into(),
            "nonsense".into(),
        ] {
            assert_eq!(list(&other), None, "{other}");
        }
    }

    #[test]
    fn what_is_listed_is_looked_at_and_nothing_once_the_list_has_gone() {
        let root = tempfile::tempdir().unwrap();
        let list = root.path().join("cgroup.procs");
        fs::write(&list, "7\n12\n").unwrap();
        let seen = Seen {
            container: ID.into(),
            list: Some(list.clone()),
        };
        assert_eq!(seen.pids(), [7, 12]);
        fs::remove_file(&list).unwrap();
        assert!(seen.pids().is_empty());
    }

    #[tokio::test]
    async fn a_look_that_takes_its_time_holds_up_nobody_on_its_callers_thread() {
        let root = tempfile::tempdir().unwrap();
        let list = root.path().join("cgroup.procs");
        let made = Command::new("mkfifo").arg(&list).status().unwrap();
        assert!(made.success());
        let seen = Arc::new(Seen {
            container: ID.into(),
            list: Some(list.clone()),
        });
        let (go, told) = mpsc::channel();
        // The look waits for somebody who writes.
        let writer = thread::spawn(move || {
            let was_told = told.recv_timeout(Duration::from_secs(20)).is_ok();
            fs::write(&list, "12\n").unwrap();
            was_told
        });
        let looking = tokio::spawn(async move { seen.with(Seen::pids).await });
        sleep(Duration::from_millis(50)).await;
        let _ = go.send(());
        assert_eq!(looking.await.unwrap().unwrap(), [12]);
        assert!(writer.join().unwrap(), "nothing else ran meanwhile");
    }
}

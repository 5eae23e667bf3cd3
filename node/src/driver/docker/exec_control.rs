//! The engine's hold on an exec: its exit code, and signals to every process of its session.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use bollard::exec::ResizeExecOptions;
use node_api::error::NodeErrorCode;
use uuid::Uuid;

use super::{
    api::{EXEC, late},
    context::Context,
    exec, session,
};
use crate::driver::{DriverError, ProcessControl, ProcessSignal, TtyControl};

/// Where the node cannot see the container's processes: signals, from inside, the sessions whose
/// leader carries the mark `$1`; the signals are the words of `$2`, a second after a HUP.
const SIGNAL_INSIDE: &str = r#"s=$2
for d in /proc/[0-9]*; do
read -r l <"$d/stat" || continue
q=${d#/proc/}; set -- "$1" ${l##*) }
[ "$5" = "$q" ] && grep -q "MC_TTY=$1" "$d/environ" && t="$t $q"
done 2>/dev/null
[ -n "$t" ] || exit 0
for g in $s; do
for d in /proc/[0-9]*; do
read -r l <"$d/stat" || continue
set -- ${l##*) }
case " $t " in *" $4 "*) kill -$g ${d#/proc/};; esac
done 2>/dev/null
[ $g = HUP ] && sleep 1
done"#;

#[derive(Clone)]
pub(super) struct ExecControl {
    context: Arc<Context>,
    vm_id: Uuid,
    exec: String,
    /// In the environment of everything that runs in the session.
    mark: String,
    leader: Arc<OnceLock<Leader>>,
}

/// The session's leader, as the host sees it.
#[derive(Clone, Debug)]
struct Leader {
    pid: i32,
    container: String,
}

impl ExecControl {
    pub(super) fn new(context: Arc<Context>, vm_id: Uuid, exec: String, mark: String) -> Self {
        Self {
            context,
            vm_id,
            exec,
            mark,
            leader: Arc::default(),
        }
    }

    /// Learns the leader while it lives: the engine forgets it, and what it left behind goes on.
    pub(super) async fn settle(&self) {
        for wait_ms in [20, 50, 100, 200, 400, 800] {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            match self.find_leader().await {
                Ok(Some(_)) => return,
                Ok(None) => {}
                Err(error) => {
                    return tracing::debug!("a session's leader is not known: {error}");
                }
            }
        }
    }

    async fn find_leader(&self) -> Result<Option<Leader>, DriverError> {
        if let Some(leader) = self.leader.get() {
            return Ok(Some(leader.clone()));
        }
        let found = self
            .context
            .api
            .call(EXEC, |docker| docker.inspect_exec(&self.exec))
            .await?;
        let pid = found
            .pid
            .and_then(|pid| i32::try_from(pid).ok())
            .filter(|pid| *pid > 1);
        let (Some(pid), Some(container)) = (pid, found.container_id) else {
            return Ok(None);
        };
        Ok(Some(
            self.leader
                .get_or_init(|| Leader { pid, container })
                .clone(),
        ))
    }

    /// The leader, where its processes can be seen from here.
    async fn seen_leader(&self) -> Result<Option<Leader>, DriverError> {
        let leader = self.find_leader().await?;
        let is_seen = |leader: &Leader| {
            self.context.config.host_processes && session::host_is_seen(&leader.container)
        };
        Ok(leader.filter(is_seen))
    }

    /// From inside the VM, where the host's processes cannot be seen.
    async fn signal_inside(&self, signals: &str) -> Result<(), DriverError> {
        let argv = ["/bin/sh", "-c", SIGNAL_INSIDE, "mc", &self.mark, signals].map(str::to_owned);
        let run = exec::run(&self.context, self.vm_id, &argv);
        match tokio::time::timeout(EXEC, run).await {
            Ok(Ok(_)) => Ok(()),
            // It does not run any more: its processes are gone.
            Ok(Err(error)) if is_over(&error) => Ok(()),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(late(EXEC)),
        }
    }
}

fn is_over(error: &DriverError) -> bool {
    matches!(
        error.code,
        NodeErrorCode::Conflict | NodeErrorCode::NotFound
    )
}

#[async_trait]
impl TtyControl for ExecControl {
    async fn resize(&self, cols: u16, rows: u16) -> Result<(), DriverError> {
        let size = ResizeExecOptions {
            width: cols.clamp(1, 500),
            height: rows.clamp(1, 500),
        };
        self.context
            .api
            .call(EXEC, |docker| docker.resize_exec(&self.exec, size))
            .await
    }
}

#[async_trait]
impl ProcessControl for ExecControl {
    async fn exit_code(&self) -> Result<Option<i32>, DriverError> {
        let found = self
            .context
            .api
            .call(EXEC, |docker| docker.inspect_exec(&self.exec))
            .await;
        match found {
            Ok(found) if found.running == Some(true) => Ok(None),
            Ok(found) => Ok(found.exit_code.and_then(|code| i32::try_from(code).ok())),
            // The engine forgets execs of containers that are gone.
            Err(error) if is_over(&error) => Ok(Some(137)),
            Err(error) => Err(error),
        }
    }

    async fn signal(&self, signal: ProcessSignal) -> Result<(), DriverError> {
        match self.seen_leader().await {
            Ok(Some(leader)) => {
                session::signal(leader.pid, &leader.container, signal);
                Ok(())
            }
            Ok(None) => self.signal_inside(signal.name()).await,
            Err(error) if is_over(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn kill(&self) -> Result<(), DriverError> {
        match self.seen_leader().await {
            Ok(Some(leader)) => session::end(leader.pid, &leader.container).await,
            Ok(None) => self.signal_inside("HUP KILL").await,
            Err(error) if is_over(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

//! The engine's hold on an exec: its exit code, and signals to every process of its session.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bollard::exec::ResizeExecOptions;
use node_api::error::NodeErrorCode;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{
    api::{EXEC, late},
    context::{Context, container_name},
    exec,
    seen::Seen,
    session,
};
use crate::driver::{DriverError, ProcessControl, ProcessSignal, TtyControl};

/// Where the node cannot see the container's processes: signals, from inside, the sessions whose
/// leader carries the mark `$1` and was put into the VM (its parent is outside; what called setsid in there
/// has the mark, too); the signals are the words of `$2`, a second after a HUP.
const SIGNAL_INSIDE: &str = r#"s=$2
for d in /proc/[0-9]*; do
read -r l <"$d/stat" || continue
q=${d#/proc/}; set -- "$1" ${l##*) }
[ "$5" = "$q" ] && [ "$3" = 0 ] && grep -q "MC_TTY=$1" "$d/environ" && t="$t $q"
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

/// Says the marks of the sessions that were put into the VM.
const LIST_INSIDE: &str = r#"for d in /proc/[0-9]*; do
read -r l <"$d/stat" || continue
q=${d#/proc/}; set -- ${l##*) }
[ "$4" = "$q" ] && [ "$2" = 0 ] && tr '\0' '\n' <"$d/environ"
done 2>/dev/null | grep '^MC_TTY='"#;

/// How long a command that nobody waits for is looked for.
const BEGIN: Duration = Duration::from_secs(60);
const LOOK_MAX: Duration = Duration::from_secs(1);

/// What can be done to an exec, a command's or a terminal's. Clones are of the same one; dropping ends nothing.
#[derive(Clone)]
pub(super) struct ExecControl {
    context: Arc<Context>,
    vm_id: Uuid,
    exec: String,
    /// In the environment of everything that runs in the session.
    mark: String,
    leader: Arc<OnceLock<Leader>>,
    /// Its container, once it was seen from here.
    seen: Arc<OnceLock<Arc<Seen>>>,
    /// A terminal's: the newest that was asked for, columns and rows. Setting one takes its turn here.
    size: Arc<Mutex<(u16, u16)>>,
}

/// The session's leader, as the host sees it.
#[derive(Clone, Debug)]
struct Leader {
    pid: i32,
    container: String,
}

impl ExecControl {
    /// `exec` is the engine's id of it, `mark` what its environment was given. The engine is asked nothing yet.
    pub(super) fn new(context: Arc<Context>, vm_id: Uuid, exec: String, mark: String) -> Self {
        Self {
            context,
            vm_id,
            exec,
            mark,
            leader: Arc::default(),
            seen: Arc::default(),
            size: Arc::new(Mutex::new((80, 24))),
        }
    }

    /// The size that a terminal was opened with.
    pub(super) fn begins_with(&mut self, cols: u16, rows: u16) {
        self.size = Arc::new(Mutex::new((cols, rows)));
    }

    /// Sets the newest size once more.
    pub(super) async fn size_again(&self) -> Result<(), DriverError> {
        let size = self.size.lock().await;
        self.set_size(*size).await
    }

    async fn set_size(&self, (cols, rows): (u16, u16)) -> Result<(), DriverError> {
        let size = ResizeExecOptions {
            width: cols.clamp(1, 500),
            height: rows.clamp(1, 500),
        };
        self.context
            .api
            .call(EXEC, |docker| docker.resize_exec(&self.exec, size))
            .await
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

    /// Ends it, also where it only begins now; one that was never asked for is not waited for longer than
    /// [`BEGIN`].
    async fn end_when_begun(&self) -> Result<(), DriverError> {
        let began = Instant::now();
        loop {
            match self.kill().await {
                Err(error) if began.elapsed() < BEGIN => {
                    tracing::debug!("not ended yet: {error}");
                    tokio::time::sleep(LOOK_MAX).await;
                }
                // The engine never heard of it.
                Err(error) if error.code == NodeErrorCode::Timeout => return Ok(()),
                ended => return ended,
            }
        }
    }

    /// The leader, once there is one; None where it has come and gone. The engine answers before it has
    /// begun with a command, long before where it has much to do.
    async fn begun(&self) -> Result<Option<Leader>, DriverError> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(5);
        loop {
            if let Some(leader) = self.find_leader().await? {
                return Ok(Some(leader));
            }
            if self.exit_code().await?.is_some() {
                return Ok(None);
            }
            if began.elapsed() > EXEC {
                return Err(late(EXEC));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LOOK_MAX);
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

    /// The session, by its leader's number, and its container, where its processes can be seen from here.
    pub(super) async fn seen_session(&self) -> Result<Option<(i32, Arc<Seen>)>, DriverError> {
        let Some(leader) = self.begun().await? else {
            return Ok(None);
        };
        if let Some(seen) = self.seen.get() {
            return Ok(Some((leader.pid, seen.clone())));
        }
        if !self.context.config.host_processes {
            return Ok(None);
        }
        let seen = Seen::look(&leader.container, Some(leader.pid)).await?;
        Ok(seen.map(|seen| (leader.pid, self.seen.get_or_init(|| seen).clone())))
    }

    /// From inside the VM, where the host's processes cannot be seen.
    async fn signal_inside(&self, signals: &str) -> Result<(), DriverError> {
        signal_inside(&self.context, self.vm_id, &self.mark, signals).await
    }
}

async fn signal_inside(
    context: &Context,
    vm_id: Uuid,
    mark: &str,
    signals: &str,
) -> Result<(), DriverError> {
    let argv = ["/bin/sh", "-c", SIGNAL_INSIDE, "mc", mark, signals];
    run_inside(context, vm_id, &argv).await.map(drop)
}

/// What a script of ours printed; nothing where the VM does not run any more: its processes are gone.
async fn run_inside(context: &Context, vm_id: Uuid, argv: &[&str]) -> Result<String, DriverError> {
    let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
    match tokio::time::timeout(EXEC, exec::run(context, vm_id, &argv)).await {
        Ok(Ok(output)) => Ok(output.stdout),
        Ok(Err(error)) if is_over(&error) => Ok(String::new()),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(late(EXEC)),
    }
}

/// The marks of the sessions that were put into the VM.
pub(super) async fn session_list(context: &Context, id: Uuid) -> Result<Vec<String>, DriverError> {
    match seen_leaders(context, id).await? {
        Leaders::Seen(_, leaders) => {
            return Ok(leaders.into_iter().map(|(_, mark)| mark).collect());
        }
        Leaders::Gone => return Ok(Vec::new()),
        Leaders::Unseen => {}
    }
    let said = run_inside(context, id, &["/bin/sh", "-c", LIST_INSIDE]).await?;
    let marks = said.lines().filter_map(|line| line.strip_prefix("MC_TTY="));
    Ok(marks.map(str::to_owned).collect())
}

/// Ends the session of that mark.
pub(super) async fn session_end(
    context: &Context,
    id: Uuid,
    mark: &str,
) -> Result<(), DriverError> {
    let (seen, leaders) = match seen_leaders(context, id).await? {
        Leaders::Seen(seen, leaders) => (seen, leaders),
        Leaders::Gone => return Ok(()),
        Leaders::Unseen => return signal_inside(context, id, mark, "HUP KILL").await,
    };
    for (pid, found) in leaders {
        if found == mark {
            session::end(pid, &seen).await?;
        }
    }
    Ok(())
}

/// Leaders of the sessions that were put into a VM.
enum Leaders {
    /// Its container, and their numbers and marks.
    Seen(Arc<Seen>, Vec<(i32, String)>),
    /// The VM does not run any more.
    Gone,
    /// The VM's processes cannot be seen from here.
    Unseen,
}

async fn seen_leaders(context: &Context, id: Uuid) -> Result<Leaders, DriverError> {
    let found = match context.inspect(&container_name(id)).await {
        Ok(found) => found,
        Err(error) if is_over(&error) => return Ok(Leaders::Gone),
        Err(error) => return Err(error),
    };
    let first = found.state.and_then(|state| state.pid);
    let first = first.and_then(|pid| i32::try_from(pid).ok());
    let container = found.id.unwrap_or_default();
    if container.is_empty() || !context.config.host_processes {
        return Ok(Leaders::Unseen);
    }
    let Some(seen) = Seen::look(&container, first).await? else {
        return Ok(Leaders::Unseen);
    };
    Ok(match session::leaders(&seen).await? {
        Some(leaders) => Leaders::Seen(seen, leaders),
        None => Leaders::Unseen,
    })
}

/// A session that nobody has taken over yet: dropped, it is ended.
pub(super) struct Unclaimed {
    control: ExecControl,
    is_claimed: bool,
}

impl Unclaimed {
    pub(super) fn new(control: ExecControl) -> Self {
        Self {
            control,
            is_claimed: false,
        }
    }

    /// It is the caller's to end, or has ended.
    pub(super) fn claim(mut self) -> ExecControl {
        self.is_claimed = true;
        self.control.clone()
    }

    /// For use while nobody has claimed it.
    pub(super) fn control(&self) -> &ExecControl {
        &self.control
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        // Without a runtime the node itself is ending.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if self.is_claimed {
            return;
        }
        let control = self.control.clone();
        runtime.spawn(async move {
            if let Err(error) = control.end_when_begun().await {
                tracing::warn!(id = %control.vm_id, "a command that nobody waits for was not ended: {error}");
            }
        });
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
        let mut size = self.size.lock().await;
        *size = (cols, rows);
        self.set_size(*size).await
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
        match self.seen_session().await {
            Ok(Some((leader, seen))) => session::signal(leader, &seen, signal).await,
            Ok(None) => self.signal_inside(signal.name()).await,
            Err(error) if is_over(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn kill(&self) -> Result<(), DriverError> {
        match self.seen_session().await {
            Ok(Some((leader, seen))) => session::end(leader, &seen).await,
            Ok(None) => self.signal_inside("HUP KILL").await,
            Err(error) if is_over(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

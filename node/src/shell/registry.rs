//! All shells of a node: made, found, closed, and swept away when they are done.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use futures_util::future::join_all;
use node_api::{
    error::NodeErrorCode,
    event::NodeEventKind,
    shell::{ShellCreate, ShellReport},
    vm::PowerState,
};
use tokio::{
    sync::{OnceCell, broadcast},
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::{
    commons::{Commons, Share},
    limits::{ShellLimits, Size},
    session::{Birth, End, Shell, lock},
};
use crate::driver::{Driver, DriverError, DriverEvent};

/// How often done shells are looked for, at most.
const SWEEP: Duration = Duration::from_secs(30);
/// How long a killed shell's PTY may take to end.
const END_DEADLINE: Duration = Duration::from_secs(5);
/// How long the end of all shells may take when the node ends.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(6);
/// How long the engine may take to know an exit code, or that a VM has stopped.
const LEARN_DEADLINE: Duration = Duration::from_secs(5);
/// Events kept for a listener that lags.
const EVENTS: usize = 256;

/// The shells of a node.
pub struct ShellRegistry {
    driver: Arc<dyn Driver>,
    commons: Arc<Commons>,
    slots: Mutex<HashMap<Uuid, Arc<Slot>>>,
    events: broadcast::Sender<DriverEvent>,
    sweeper: std::sync::Once,
}

/// A shell, or the place of one that is being made.
struct Slot {
    vm_id: Uuid,
    shell: OnceCell<Arc<Shell>>,
}

impl ShellRegistry {
    pub fn new(driver: Arc<dyn Driver>) -> Arc<Self> {
        Self::with_limits(driver, ShellLimits::default())
    }

    pub fn with_limits(driver: Arc<dyn Driver>, limits: ShellLimits) -> Arc<Self> {
        let (events, _) = broadcast::channel(EVENTS);
        Arc::new(Self {
            driver,
            commons: Arc::new(Commons::new(limits)),
            slots: Mutex::default(),
            events,
            sweeper: std::sync::Once::new(),
        })
    }

    /// Makes a shell. Idempotent by id: a repeat answers with the same shell. It is made to the end
    /// even when the caller goes away.
    pub async fn create(
        self: &Arc<Self>,
        vm_id: Uuid,
        request: ShellCreate,
    ) -> Result<ShellReport, DriverError> {
        let slot = self.slot(vm_id, request.id)?;
        self.sweeper.call_once(|| {
            tokio::spawn(sweep(Arc::downgrade(self)));
        });
        let registry = self.clone();
        let making = tokio::spawn(async move {
            let made = slot
                .shell
                .get_or_try_init(|| registry.open(vm_id, &request))
                .await;
            let made = made.map(|shell| shell.report());
            if made.is_err() && slot.shell.get().is_none() {
                registry.give_up(request.id, &slot);
            }
            made
        });
        making.await.unwrap_or_else(|_| {
            Err(DriverError::new(
                NodeErrorCode::Internal,
                "the node failed to make the shell",
            ))
        })
    }

    /// The shells of a VM that live, or whose exit code is still to be told; oldest first.
    pub fn list(&self, vm_id: Uuid) -> Vec<ShellReport> {
        let shells = self.shells(|slot| slot.vm_id == vm_id);
        let mut reports: Vec<_> = shells
            .iter()
            .filter(|shell| matches!(shell.end(), None | Some((End::Exited(_), _))))
            .map(|shell| shell.report())
            .collect();
        reports.sort_by_key(|report| (report.created_at, report.id));
        reports
    }

    pub fn get(&self, id: Uuid) -> Option<Arc<Shell>> {
        lock(&self.slots).get(&id)?.shell.get().cloned()
    }

    /// Ends all processes of a shell and forgets it. Fine if it is not there.
    pub async fn close(&self, id: Uuid) -> Result<(), DriverError> {
        let Some(shell) = self.get(id) else {
            return Ok(());
        };
        shell.kill().await?;
        if timeout(END_DEADLINE, shell.ended()).await.is_err() {
            shell.abort(End::Lost(
                "the shell was closed, but its program does not end".into(),
            ));
        }
        self.forget(id);
        Ok(())
    }

    /// Every shell of the VM ends; its viewers are told that the VM stopped.
    pub fn vm_stopped(&self, vm_id: Uuid) {
        for shell in self.shells(|slot| slot.vm_id == vm_id) {
            shell.abort(End::VmStopped);
        }
    }

    /// How many shells live.
    pub fn count(&self) -> usize {
        self.shells(|_| true)
            .iter()
            .filter(|shell| shell.end().is_none())
            .count()
    }

    /// `ShellOpened` and `ShellClosed`, from now on.
    pub fn events(&self) -> broadcast::Receiver<DriverEvent> {
        self.events.subscribe()
    }

    /// Ends all shells because the node ends: their streams belong to this process, and nothing
    /// could attach to what would be left of them.
    pub async fn shutdown(&self) {
        let ends = self.shells(|_| true).into_iter().map(|shell| async move {
            shell.end_as(End::Lost(
                "the node was restarted, and its shells ended with it".into(),
            ));
            if let Err(error) = shell.kill().await {
                tracing::warn!(shell = %shell.id, "the shell outlives the node: {error}");
            }
            shell.ended().await;
        });
        if timeout(SHUTDOWN_DEADLINE, join_all(ends)).await.is_err() {
            tracing::warn!("some shells did not end in time");
        }
    }

    fn shells(&self, of: impl Fn(&Slot) -> bool) -> Vec<Arc<Shell>> {
        let slots = lock(&self.slots);
        let slots = slots.values().filter(|slot| of(slot));
        slots.filter_map(|slot| slot.shell.get().cloned()).collect()
    }

    /// The place for a shell: the one it has, or a new one if there is room.
    fn slot(&self, vm_id: Uuid, id: Uuid) -> Result<Arc<Slot>, DriverError> {
        let mut slots = lock(&self.slots);
        if let Some(slot) = slots.get(&id) {
            if slot.vm_id == vm_id {
                return Ok(slot.clone());
            }
            let message = format!("shell {id} belongs to another VM; choose another id");
            return Err(DriverError::new(NodeErrorCode::Conflict, message));
        }
        let lives = |slot: &&Arc<Slot>| slot.shell.get().is_none_or(|shell| shell.end().is_none());
        let of_vm = slots
            .values()
            .filter(lives)
            .filter(|slot| slot.vm_id == vm_id)
            .count();
        if of_vm >= self.commons.limits.shells_per_vm {
            return Err(DriverError::new(
                NodeErrorCode::TooMany,
                format!("this VM has {of_vm} shells already; close one of them first"),
            ));
        }
        if slots.values().filter(lives).count() >= self.commons.limits.shells {
            let message = "this node has no room for another shell; try again later";
            return Err(DriverError::new(NodeErrorCode::TooMany, message));
        }
        let slot = Arc::new(Slot {
            vm_id,
            shell: OnceCell::new(),
        });
        slots.insert(id, slot.clone());
        Ok(slot)
    }

    async fn open(
        self: &Arc<Self>,
        vm_id: Uuid,
        request: &ShellCreate,
    ) -> Result<Arc<Shell>, DriverError> {
        let share = Share::new(self.commons.clone());
        let size = share.fit(Size::clamped(request.cols, request.rows));
        let tty = self.driver.vm_tty(vm_id, size.cols, size.rows).await?;
        let shell = Arc::new(Shell::new(Birth {
            id: request.id,
            vm_id,
            size,
            commons: self.commons.clone(),
            share,
            control: tty.control,
        }));
        self.tell(vm_id, NodeEventKind::ShellOpened);
        tokio::spawn({
            let (registry, shell) = (self.clone(), shell.clone());
            async move {
                let failed = shell.run(tty.output, tty.input).await;
                let end = registry.learn_end(&shell, failed).await;
                tracing::info!(shell = %shell.id, vm = %vm_id, "the shell has ended: {end:?}");
                shell.finish(end);
                registry.tell(vm_id, NodeEventKind::ShellClosed);
            }
        });
        Ok(shell)
    }

    /// Frees the place of a shell that could not be made.
    fn give_up(&self, id: Uuid, slot: &Arc<Slot>) {
        let mut slots = lock(&self.slots);
        // Somebody else may be making it in the same place.
        if slots.get(&id).is_some_and(|there| Arc::ptr_eq(there, slot))
            && Arc::strong_count(slot) <= 2
        {
            slots.remove(&id);
        }
    }

    fn forget(&self, id: Uuid) {
        lock(&self.slots).remove(&id);
    }

    fn tell(&self, vm_id: Uuid, kind: NodeEventKind) {
        // Nobody may be listening.
        let _ = self.events.send(DriverEvent { vm_id, kind });
    }

    /// Why a PTY ended. A VM that stops ends its shells a moment before it is known to have stopped.
    async fn learn_end(&self, shell: &Shell, failed: Option<String>) -> End {
        let learned = timeout(LEARN_DEADLINE, async {
            loop {
                if let Some(end) = shell.foretold() {
                    return end;
                }
                let code = shell.exit_code().await;
                match self.driver.vm_get(shell.vm_id).await {
                    Err(error) if error.code == NodeErrorCode::NotFound => return End::VmGone,
                    Ok(vm) if vm.power != PowerState::Running => return End::VmStopped,
                    _ => {}
                }
                match code {
                    // Not by a signal, so not by its VM's end.
                    Ok(Some(code)) if code < 128 => return End::Exited(code),
                    Ok(Some(code)) => {
                        sleep(Duration::from_millis(300)).await;
                        let vm = self.driver.vm_get(shell.vm_id).await;
                        let stopped = vm.is_ok_and(|vm| vm.power != PowerState::Running);
                        return if stopped {
                            End::VmStopped
                        } else {
                            End::Exited(code)
                        };
                    }
                    Ok(None) => sleep(Duration::from_millis(50)).await,
                    Err(error) => return End::Lost(format!("the engine lost the shell: {error}")),
                }
            }
        });
        match learned.await {
            Ok(end) => end,
            Err(_) => End::Lost(failed.unwrap_or_else(|| {
                "the shell's terminal ended, but the engine does not say how".into()
            })),
        }
    }
}

/// Closes idle shells and forgets those that ended a while ago, as long as there is a registry.
async fn sweep(registry: Weak<ShellRegistry>) {
    loop {
        let Some(shells) = registry.upgrade() else {
            return;
        };
        let pause = SWEEP
            .min(shells.commons.limits.idle / 4)
            .min(shells.commons.limits.ended_kept / 4);
        for shell in shells.shells(|_| true) {
            match shell.end() {
                Some((_, since)) if since >= shells.commons.limits.ended_kept => {
                    shells.forget(shell.id)
                }
                Some(_) => {}
                None if shell.idle() >= shells.commons.limits.idle => {
                    tracing::info!(shell = %shell.id, "closed: nobody has used it for long");
                    if let Err(error) = shells.close(shell.id).await {
                        tracing::warn!(shell = %shell.id, "an idle shell is not closed: {error}");
                    }
                }
                None => {}
            }
        }
        drop(shells);
        sleep(pause.max(Duration::from_millis(10))).await;
    }
}

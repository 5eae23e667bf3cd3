//! All shells of a node: made, found, closed. `place` keeps them and bounds how many there are,
//! `opening` gives them their PTYs, `adopting` takes up what an earlier life of the node has left,
//! `ending` knows how they end, and sweeps them away when they are done.

mod adopting;
mod ending;
mod opening;
mod place;

use std::{
    sync::{
        Arc, Once,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use node_api::{
    error::NodeErrorCode,
    event::NodeEventKind,
    shell::{ShellCreate, ShellReport},
};
use tokio::{sync::broadcast, time::timeout};
use uuid::Uuid;

use self::place::Places;
use super::{
    close::Close,
    commons::Commons,
    limits::ShellLimits,
    session::{End, Shell},
};
use crate::{
    driver::{Driver, DriverError, DriverEvent},
    hold::{HolderClient, HolderConfig, wire::Held},
};

/// How long a killed shell's PTY may take to end.
const END_DEADLINE: Duration = Duration::from_secs(5);
/// Events kept for a listener that lags.
const EVENTS: usize = 256;

/// The shells of a node.
pub struct ShellRegistry {
    driver: Arc<dyn Driver>,
    /// Keeps PTYs while the node is away; without one they end with the node.
    holder: Option<HolderClient>,
    commons: Arc<Commons>,
    places: Places,
    /// What the holder has is not known yet: of a shell that is not here nothing can be said.
    is_looking: AtomicBool,
    events: broadcast::Sender<DriverEvent>,
    sweeper: Once,
}

impl ShellRegistry {
    /// With the limits of docs/shell-protocol.md, and without a holder.
    pub fn new(driver: Arc<dyn Driver>) -> Arc<Self> {
        Self::with_limits(driver, ShellLimits::default())
    }

    /// Without a holder: the shells end with this process.
    pub fn with_limits(driver: Arc<dyn Driver>, limits: ShellLimits) -> Arc<Self> {
        Self::with_holder(driver, limits, None)
    }

    /// Shells that outlive this process, where a holder is configured: [`Self::adopt`] looks for one, and the
    /// first shell starts it where there is none.
    pub fn with_holder(
        driver: Arc<dyn Driver>,
        limits: ShellLimits,
        holder: Option<HolderConfig>,
    ) -> Arc<Self> {
        let (events, _) = broadcast::channel(EVENTS);
        Arc::new(Self {
            holder: holder.map(|config| HolderClient::new(config, driver.clone())),
            driver,
            commons: Arc::new(Commons::new(limits)),
            places: Places::default(),
            is_looking: AtomicBool::new(false),
            events,
            sweeper: Once::new(),
        })
    }

    /// Makes a shell. Idempotent by id: a repeat answers with the same shell. It is made to the end
    /// even when the caller goes away.
    pub async fn create(
        self: &Arc<Self>,
        vm_id: Uuid,
        request: ShellCreate,
    ) -> Result<ShellReport, DriverError> {
        let place = self.places.take(vm_id, request.id, &self.commons.limits)?;
        if let Some(held) = place.held() {
            return Ok(report(held));
        }
        self.sweep();
        let registry = self.clone();
        let making = tokio::spawn(async move {
            let made = place.get_or_make(|| registry.open(vm_id, &request)).await;
            let made = made.map(|shell| shell.report());
            if made.is_err() {
                registry.places.give_up(request.id, &place);
            }
            made
        });
        making.await.unwrap_or_else(|_| {
            let message = "the node failed to make the shell; its log says more";
            Err(DriverError::new(NodeErrorCode::Internal, message))
        })
    }

    fn sweep(self: &Arc<Self>) {
        self.sweeper.call_once(|| {
            tokio::spawn(ending::sweep(Arc::downgrade(self)));
        });
    }

    /// Fails while what the holder has is not known: a list would say of its shells that they are over.
    pub fn check_found(&self) -> Result<(), DriverError> {
        if !self.is_looking.load(Ordering::Acquire) {
            return Ok(());
        }
        let message = "the process that holds this node's shells has not said yet which there are; \
            try again in a moment";
        Err(DriverError::new(NodeErrorCode::EngineAway, message))
    }

    /// The shells of a VM that live, or of which it is still to be told how they ended; oldest first.
    pub fn list(&self, vm_id: Uuid) -> Vec<ShellReport> {
        let (shells, held) = self.places.shells_and_held();
        let of_vm = shells.into_iter().filter(|shell| shell.vm_id == vm_id);
        let told = of_vm.filter(|shell| {
            let end = shell.end();
            matches!(end, None | Some((End::Exited(_) | End::Lost(_), _)))
        });
        let mut reports: Vec<_> = told.map(|shell| shell.report()).collect();
        let held = held.iter().filter(|held| held.vm_id == vm_id);
        reports.extend(held.map(report));
        reports.sort_by_key(|report| (report.created_at, report.id));
        reports
    }

    /// None also for one that is still being made, or to be taken up from the holder.
    pub fn get(&self, id: Uuid) -> Option<Arc<Shell>> {
        self.places.get(id)
    }

    /// A shell to attach to; without one, what its viewer is told.
    pub fn find(&self, id: Uuid) -> Result<Arc<Shell>, Close> {
        if let Some(shell) = self.get(id) {
            return Ok(shell);
        }
        if self.places.has(id) || self.is_looking.load(Ordering::Acquire) {
            return Err(Close::not_yet());
        }
        Err(match self.places.why_lost(id) {
            Some(why) => Close::from(&End::Lost(why)),
            None => Close::shell_not_found(),
        })
    }

    /// Ends all processes of a shell and forgets it. Fine if it is not there.
    pub async fn close(&self, id: Uuid) -> Result<(), DriverError> {
        if let Some(shell) = self.get(id) {
            self.end(&shell).await?;
        } else if let Some(held) = self.places.awaited(id) {
            self.end_held(&held).await?;
        } else {
            return self.check_found();
        }
        self.places.forget(id);
        Ok(())
    }

    /// Ends all processes of a shell.
    async fn end(&self, shell: &Shell) -> Result<(), DriverError> {
        shell.kill().await?;
        if timeout(END_DEADLINE, shell.ended()).await.is_err() {
            let why = "the shell was closed, but its program does not end";
            shell.abort(End::Lost(why.into()));
        }
        Ok(())
    }

    /// Every shell of the VM ends; its viewers are told that the VM stopped.
    pub fn vm_stopped(&self, vm_id: Uuid) {
        let shells = self.places.shells().into_iter();
        for shell in shells.filter(|shell| shell.vm_id == vm_id) {
            shell.abort(End::VmStopped);
        }
    }

    /// How many shells live.
    pub fn count(&self) -> usize {
        let (shells, held) = self.places.shells_and_held();
        held.len() + shells.iter().filter(|shell| shell.end().is_none()).count()
    }

    /// `ShellOpened`, `ShellClosed` and `ShellLost`, from now on.
    pub fn events(&self) -> broadcast::Receiver<DriverEvent> {
        self.events.subscribe()
    }

    fn tell(&self, vm_id: Uuid, kind: NodeEventKind) {
        // Nobody may be listening.
        let _ = self.events.send(DriverEvent { vm_id, kind });
    }
}

/// Of a shell that is still to be taken up.
fn report(held: &Held) -> ShellReport {
    ShellReport {
        id: held.shell,
        vm_id: held.vm_id,
        created_at: held.created_at,
        cols: held.cols,
        rows: held.rows,
        viewers: 0,
        exit_code: None,
        lost: None,
        offset: held.end,
        active_at: held.active_at,
    }
}

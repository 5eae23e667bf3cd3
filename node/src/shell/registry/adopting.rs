//! What an earlier life of this node has left: shells with the holder, which are taken up again, and
//! sessions that nobody holds, which are ended.
//!
//! What cannot be taken up is tried again as long as the node runs. Until then such a shell is listed, and
//! a viewer that comes for it is told to come back.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use node_api::{error::NodeErrorCode, event::NodeEventKind, vm::PowerState};
use tokio::{
    sync::Semaphore,
    task::{JoinSet, spawn_blocking},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{ShellRegistry, opening::HOLDER_GONE};
use crate::{
    driver::DriverError,
    hold::{Found, HolderClient, wire::Held},
    shell::{
        commons::Share,
        limits::Size,
        session::{Birth, End, Past, Phase, Shell},
    },
};

/// For all held shells to be taken up before the node answers anybody.
const ADOPT_DEADLINE: Duration = Duration::from_secs(20);
/// How many are taken up at once.
const ADOPT_AT_ONCE: usize = 4;
/// Between two attempts, at the list or at a shell.
const ADOPT_RETRY: Duration = Duration::from_secs(1);
/// A holder that no node has reached for so long has ended its shells.
const HOLDER_AWAY: Duration = Duration::from_secs(10 * 60);
/// Between two attempts to find what nobody holds, while the engine is away.
const TIDY_RETRY: Duration = Duration::from_secs(2);

impl ShellRegistry {
    /// Takes up what the holder has, and begins to end what nobody has. To be waited for before anybody is
    /// told which shells there are. What takes longer than 20 s goes on behind the caller's back.
    pub async fn adopt(self: &Arc<Self>) {
        // Of what is marked later than this, this node itself is the beginner.
        let begun = Uuid::now_v7().simple().to_string();
        self.is_looking
            .store(self.holder.is_some(), Ordering::Release);
        let adopting = tokio::spawn(self.clone().adopt_all(begun));
        if timeout(ADOPT_DEADLINE, adopting).await.is_err() {
            tracing::error!("not all shells are taken up from their holder yet; it goes on");
        }
    }

    async fn adopt_all(self: Arc<Self>, begun: String) {
        let mut taking = match &self.holder {
            Some(holder) => self.find_held(holder).await,
            None => JoinSet::new(),
        };
        self.is_looking.store(false, Ordering::Release);
        let registry = self.clone();
        tokio::spawn(async move { registry.tidy(&begun).await });
        while taking.join_next().await.is_some() {}
    }

    /// Asks the holder until it has said what it has; that is being taken up then.
    async fn find_held(self: &Arc<Self>, holder: &HolderClient) -> JoinSet<()> {
        let began = Instant::now();
        loop {
            match holder.find().await {
                Ok(found) => return self.take_up_all(found),
                Err(error) => tracing::error!(
                    "the holder of this node's shells does not answer; it is asked again: {error}"
                ),
            }
            if began.elapsed() >= HOLDER_AWAY {
                self.is_looking.store(false, Ordering::Release);
            }
            sleep(ADOPT_RETRY).await;
        }
    }

    fn take_up_all(self: &Arc<Self>, found: Found) -> JoinSet<()> {
        let mut taking = JoinSet::new();
        match found {
            Found::Nothing => {}
            Found::Shells(all, gone) => {
                let turns = Arc::new(Semaphore::new(ADOPT_AT_ONCE));
                // Those that are there already were opened by this life of the node.
                for held in all.into_iter().filter(|held| self.places.await_held(held)) {
                    let (registry, turns, gone) = (self.clone(), turns.clone(), gone.clone());
                    taking.spawn(async move { registry.adopt_one(&held, &turns, &gone).await });
                }
            }
            Found::Retired(all) => {
                tracing::warn!(
                    "a holder of another version was told to end {} shells",
                    all.len()
                );
                for held in &all {
                    let words = "the node was upgraded, and this shell could not be carried over";
                    let shell = self.shell(held, None);
                    shell.finish(End::Lost(words.into()));
                    self.places.put(shell);
                    self.tell(held.vm_id, NodeEventKind::ShellLost);
                }
            }
        }
        taking
    }

    /// Tries until the shell is here, or closed, or its holder gone.
    async fn adopt_one(self: &Arc<Self>, held: &Held, turns: &Semaphore, gone: &CancellationToken) {
        while self.places.awaited(held.shell).is_some() {
            if gone.is_cancelled() {
                return self.lose(held).await;
            }
            // The semaphore is never closed.
            let turn = turns.acquire().await;
            let taken = self.take_up(held).await;
            drop(turn);
            match taken {
                Ok(()) => return,
                Err(error) => tracing::warn!(
                    shell = %held.shell,
                    "a shell was not taken up; it is tried again: {error}"
                ),
            }
            sleep(ADOPT_RETRY).await;
        }
    }

    async fn take_up(self: &Arc<Self>, held: &Held) -> Result<(), DriverError> {
        let Some(holder) = &self.holder else {
            return Ok(());
        };
        let mut taken = holder.take(held).await?;
        let size = Size::clamped(held.cols, held.rows);
        let (of, limits) = (held.clone(), self.commons.limits.clone());
        // A drawing takes long to read: aside.
        let reading = spawn_blocking(move || {
            let (past, is_whole) = Past::of(&of, &mut taken, size, &limits);
            (past, is_whole, taken.pty)
        });
        let (past, is_whole, pty) = reading.await.map_err(|error| {
            let message = format!("what the holder has of it could not be read: {error}");
            DriverError::new(NodeErrorCode::Internal, message)
        })?;
        let shell = self.shell(held, Some(past));
        if !self.places.arrived(shell.clone()) {
            // Closed meanwhile: the holder was told so.
            return Ok(());
        }
        tracing::info!(shell = %shell.id, vm = %shell.vm_id, "the shell is taken up again");
        self.sweep();
        tokio::spawn(self.clone().run(shell.clone(), pty, size));
        if !is_whole {
            tokio::spawn(async move { shell.nudge().await });
        }
        Ok(())
    }

    /// The holder is gone with what it had.
    async fn lose(&self, held: &Held) {
        let shell = self.shell(held, None);
        shell.finish(End::Lost(HOLDER_GONE.into()));
        if !self.places.arrived(shell) {
            return;
        }
        let mark = held.shell.simple().to_string();
        if let Err(error) = self.driver.session_end(held.vm_id, &mark).await {
            tracing::warn!(shell = %held.shell, "what ran in a shell was not ended: {error}");
        }
        self.tell(held.vm_id, NodeEventKind::ShellLost);
    }

    /// Ends all processes of a shell that is still to be taken up.
    pub(super) async fn end_held(&self, held: &Held) -> Result<(), DriverError> {
        if let Some(holder) = &self.holder {
            holder.forget(held.shell).await;
        }
        // Also where the holder did not hear it.
        let mark = held.shell.simple().to_string();
        self.driver.session_end(held.vm_id, &mark).await?;
        self.tell(held.vm_id, NodeEventKind::ShellClosed);
        Ok(())
    }

    fn shell(&self, held: &Held, past: Option<Past>) -> Arc<Shell> {
        let share = Share::new(self.commons.clone());
        let size = share.fit(Size::clamped(held.cols, held.rows));
        Arc::new(Shell::new(Birth {
            id: held.shell,
            vm_id: held.vm_id,
            size,
            phase: Phase::Opening,
            commons: self.commons.clone(),
            share,
            past,
        }))
    }

    /// Ends what runs in this node's VMs with a mark of an earlier life and is no shell of this one.
    async fn tidy(&self, begun: &str) {
        let vms = loop {
            match self.driver.vm_list().await {
                Ok(vms) => break vms,
                Err(error) => tracing::debug!("the engine is not looked through yet: {error}"),
            }
            sleep(TIDY_RETRY).await;
        };
        for vm in vms {
            if vm.power == PowerState::Running
                && let Err(error) = self.tidy_one(vm.spec.id, begun).await
            {
                tracing::warn!(vm = %vm.spec.id, "a VM was not looked through: {error}");
            }
        }
    }

    async fn tidy_one(&self, vm_id: Uuid, begun: &str) -> Result<(), DriverError> {
        for mark in self.driver.session_list(vm_id).await? {
            let is_ours = mark.as_str() >= begun;
            let is_held = mark.parse().is_ok_and(|id| self.places.has(id));
            if is_ours || is_held {
                continue;
            }
            tracing::info!(vm = %vm_id, mark, "what an earlier life of this node left running is ended");
            self.driver.session_end(vm_id, &mark).await?;
        }
        Ok(())
    }
}

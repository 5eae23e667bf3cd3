//! What an earlier life of this node has left: shells with the holder, which are taken up again, and
//! sessions that nobody holds, which are ended.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use node_api::vm::PowerState;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::ShellRegistry;
use crate::{
    driver::DriverError,
    hold::{Found, HolderClient, wire::Held},
    shell::{
        commons::Share,
        limits::Size,
        session::{Birth, End, Past, Phase, Shell},
    },
};

/// For all held shells to be taken up; the node answers nobody before.
const ADOPT_DEADLINE: Duration = Duration::from_secs(20);
/// Between two attempts to find what nobody holds, while the engine is away.
const TIDY_RETRY: Duration = Duration::from_secs(2);

impl ShellRegistry {
    /// Takes up what the holder has, and begins to end what nobody has. To be waited for before anybody is
    /// told which shells there are.
    pub async fn adopt(self: &Arc<Self>) {
        // Of what is marked later than this, this node itself is the beginner.
        let begun = Uuid::now_v7().simple().to_string();
        if let Some(holder) = &self.holder {
            match timeout(ADOPT_DEADLINE, self.adopt_from(holder)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    return tracing::error!(
                        "the holder of this node's shells does not answer: {error}"
                    );
                }
                Err(_) => return tracing::error!("the holder's shells were not taken up in time"),
            }
        }
        let registry = self.clone();
        tokio::spawn(async move { registry.tidy(&begun).await });
    }

    async fn adopt_from(self: &Arc<Self>, holder: &HolderClient) -> std::io::Result<()> {
        match holder.find().await? {
            Found::Nothing => {}
            Found::Shells(all) => {
                join_all(all.iter().map(|held| self.adopt_one(holder, held))).await;
            }
            Found::Retired(all) => {
                tracing::warn!(
                    "a holder of another version was told to end {} shells",
                    all.len()
                );
                for held in &all {
                    let words = "the node was upgraded, and this shell could not be carried over";
                    self.place(held, None).finish(End::Lost(words.into()));
                }
            }
        }
        Ok(())
    }

    async fn adopt_one(self: &Arc<Self>, holder: &HolderClient, held: &Held) {
        let mut taken = match holder.take(held).await {
            Ok(taken) => taken,
            Err(error) => {
                return tracing::warn!(shell = %held.shell, "a shell was not taken up: {error}");
            }
        };
        let size = Size::clamped(held.cols, held.rows);
        let (past, is_whole) = Past::of(held, &mut taken, size, &self.commons.limits);
        let shell = self.place(held, Some(past));
        tracing::info!(shell = %shell.id, vm = %shell.vm_id, "the shell is taken up again");
        self.sweep();
        tokio::spawn(self.clone().run(shell.clone(), taken.pty, size));
        if !is_whole {
            tokio::spawn(async move { shell.nudge().await });
        }
    }

    fn place(&self, held: &Held, past: Option<Past>) -> Arc<Shell> {
        let share = Share::new(self.commons.clone());
        let size = share.fit(Size::clamped(held.cols, held.rows));
        let shell = Arc::new(Shell::new(Birth {
            id: held.shell,
            vm_id: held.vm_id,
            size,
            phase: Phase::Opening,
            commons: self.commons.clone(),
            share,
            past,
        }));
        self.places.put(shell.clone());
        shell
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

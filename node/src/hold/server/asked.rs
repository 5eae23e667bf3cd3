//! What a node asks of its holder: to open shells, and to do something to one.

use std::sync::Arc;

use node_api::error::NodeErrorCode;
use uuid::Uuid;

use super::{Holder, presence::Opening};
use crate::{
    driver::{DriverError, TtySpec},
    hold::{
        shell::HeldShell,
        wire::{Ask, Open},
    },
    shell::lock,
};

impl Holder {
    /// Does it within the engine's deadlines; an exit code where that was asked for. `NotFound` where the shell
    /// is not here.
    pub(super) async fn done(self: &Arc<Self>, ask: Ask) -> Result<Option<i32>, DriverError> {
        match ask {
            Ask::Open(open) => self.open(open).await.map(|()| None),
            Ask::Resize { shell, cols, rows } => {
                let shell = self.found(shell)?;
                shell.set_size(cols, rows);
                shell.control.resize(cols, rows).await.map(|()| None)
            }
            Ask::Kill { shell } => self.found(shell)?.kill().await.map(|()| None),
            Ask::ExitCode { shell } => self.found(shell)?.control.exit_code().await,
            Ask::Forget { shell } => {
                self.forget(shell).await;
                Ok(None)
            }
        }
    }

    async fn open(self: &Arc<Self>, open: Open) -> Result<(), DriverError> {
        let _opening = Opening::new(self);
        let spec = TtySpec {
            cols: open.cols,
            rows: open.rows,
            command: open.command.clone(),
            env: open.env.clone(),
            mark: open.mark.clone(),
        };
        let tty = self.driver.vm_tty(open.vm_id, &spec).await?;
        let drawings = self.drawings.clone();
        let shell = Arc::new(HeldShell::new(&open, tty.control, &self.limits, drawings));
        lock(&self.shells).insert(open.shell, shell.clone());
        let holder = self.clone();
        tokio::spawn(async move {
            let ring_bytes = || holder.ring_bytes();
            shell.run(tty.output, tty.input, ring_bytes).await;
        });
        Ok(())
    }

    /// What one shell's ring may hold now.
    fn ring_bytes(&self) -> usize {
        let shells = lock(&self.shells).len().max(1);
        let all = self.limits.rings_total_bytes;
        let share = all.saturating_sub(self.drawings.bytes()) / shells;
        self.limits.ring_bytes.min(share).max(1)
    }

    /// Ends it where it lives, and gives up what is kept of it. Fine where it is not here.
    pub(super) async fn forget(&self, id: Uuid) {
        let Some(shell) = self.find(id) else { return };
        if shell.lives()
            && let Err(error) = shell.kill().await
        {
            tracing::warn!(shell = %id, "a shell that nobody needs was not ended: {error}");
        }
        shell.dropped.cancel();
        lock(&self.shells).remove(&id);
    }

    pub(super) fn find(&self, id: Uuid) -> Option<Arc<HeldShell>> {
        lock(&self.shells).get(&id).cloned()
    }

    fn found(&self, id: Uuid) -> Result<Arc<HeldShell>, DriverError> {
        self.find(id).ok_or_else(|| {
            let message = format!("the holder has no shell {id}");
            DriverError::new(NodeErrorCode::NotFound, message)
        })
    }
}

//! How a shell gets its PTY: at once, or with the size of its first viewer.

use std::sync::Arc;

use node_api::{error::NodeErrorCode, event::NodeEventKind, shell::ShellCreate, vm::PowerState};
use tokio::time::timeout;
use uuid::Uuid;

use super::{ShellRegistry, ending::LEARN_DEADLINE};
use crate::{
    driver::{DriverError, TtySpec},
    hold::wire::Open,
    shell::{
        commons::Share,
        limits::Size,
        pty::Pty,
        session::{Birth, End, Phase, Shell, Stopped},
    },
};

/// What viewers are told when the holder was killed.
pub(super) const HOLDER_GONE: &str =
    "the process that holds this node's shells was ended, and this shell with it";

impl ShellRegistry {
    /// Makes a shell with its PTY; where that waits for the first viewer, only that the VM runs is known now.
    /// Tells of the shell. `Conflict` where the VM does not run.
    pub(super) async fn open(
        self: &Arc<Self>,
        vm_id: Uuid,
        request: &ShellCreate,
    ) -> Result<Arc<Shell>, DriverError> {
        let share = Share::new(self.commons.clone());
        let size = share.fit(Size::clamped(request.cols, request.rows));
        let waits = request.at_first_attach;
        let shell = Arc::new(Shell::new(Birth {
            id: request.id,
            vm_id,
            size,
            phase: if waits {
                Phase::Waiting
            } else {
                Phase::Opening
            },
            commons: self.commons.clone(),
            share,
            past: None,
        }));
        let spec = spec(&shell, request, size);
        if waits {
            self.check_runs(vm_id).await?;
            tokio::spawn(self.clone().begin_later(shell.clone(), spec));
        } else {
            let pty = self.pty(&shell, &spec).await?;
            tokio::spawn(self.clone().run(shell.clone(), pty, size));
        }
        self.tell(vm_id, NodeEventKind::ShellOpened);
        Ok(shell)
    }

    /// What can be known before a PTY is asked for.
    async fn check_runs(&self, vm_id: Uuid) -> Result<(), DriverError> {
        match self.driver.vm_get(vm_id).await?.power {
            PowerState::Running => Ok(()),
            _ => Err(DriverError::new(
                NodeErrorCode::Conflict,
                "the VM does not run",
            )),
        }
    }

    async fn begin_later(self: Arc<Self>, shell: Arc<Shell>, mut spec: TtySpec) {
        let Some(size) = shell.first_size().await else {
            return self.ended(&shell, None).await;
        };
        (spec.cols, spec.rows) = (size.cols, size.rows);
        match self.pty(&shell, &spec).await {
            Ok(pty) => self.run(shell, pty, size).await,
            Err(error) => {
                let with_vm = timeout(LEARN_DEADLINE, self.end_with_vm(&shell)).await;
                let lost = || End::Lost(format!("the shell did not begin: {error}"));
                shell.end_as(with_vm.ok().flatten().unwrap_or_else(lost));
                self.ended(&shell, None).await;
            }
        }
    }

    /// A PTY with the holder, or of this process where there is none.
    async fn pty(&self, shell: &Shell, spec: &TtySpec) -> Result<Pty, DriverError> {
        if let Some(holder) = &self.holder {
            let open = Open {
                shell: shell.id,
                vm_id: shell.vm_id,
                created_at: shell.created_at,
                cols: spec.cols,
                rows: spec.rows,
                command: spec.command.clone(),
                env: spec.env.clone(),
                mark: spec.mark.clone(),
            };
            if let Some(opened) = holder.open(&open).await {
                return opened;
            }
        }
        Ok(self.driver.vm_tty(shell.vm_id, spec).await?.into())
    }

    /// Runs a shell, whose PTY has this size, to its end. Whose shell it is, is known at once, not when this is
    /// first waited for: a node that ends now leaves it to its holder.
    pub(super) fn run(
        self: Arc<Self>,
        shell: Arc<Shell>,
        pty: Pty,
        size: Size,
    ) -> impl Future<Output = ()> + Send {
        let Pty {
            output,
            input,
            control,
        } = pty;
        shell.opened(control, &input);
        // What is left to the holder from here on is not closed.
        let was_closed = shell.is_aborted();
        async move {
            let stopped = shell.run(output, input, size).await;
            let is_lost = stopped == Stopped::Lost;
            let failed = match stopped {
                Stopped::Ended(failed) => failed,
                Stopped::Lost => {
                    shell.end_as(End::Lost(HOLDER_GONE.into()));
                    None
                }
            };
            // What was closed before it began, and what a holder left behind, runs on otherwise.
            if (was_closed || is_lost)
                && let Err(error) = shell.kill().await
            {
                tracing::warn!(shell = %shell.id, "what ran in a shell was not ended: {error}");
            }
            self.ended(&shell, failed).await;
        }
    }
}

/// A shell's mark is its id: so who finds the mark knows the shell.
fn spec(shell: &Shell, request: &ShellCreate, size: Size) -> TtySpec {
    TtySpec {
        cols: size.cols,
        rows: size.rows,
        command: request.command.clone(),
        env: request.env.clone(),
        mark: shell.id.simple().to_string(),
    }
}

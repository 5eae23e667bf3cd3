//! A terminal in a VM: the viewer's half of docs/shell-protocol.md.

mod close;
mod escape;
mod frame;
mod input;
mod liveness;
mod pump;
mod terminal;

use std::time::{Duration, Instant};

use server_api::shell::Shell;

use crate::{
    client::{Client, random_bytes},
    error::{CliError, exit},
    socket,
};
use pump::{End, Pump};
use terminal::Terminal;

const BACKOFF_MIN: Duration = Duration::from_millis(250);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// A short loss is mended before anybody reads of it.
const LOSS_UNTOLD: Duration = Duration::from_secs(1);
/// How long a script's shell is sought. A person sees what is going on, and decides.
const LOSS_MAX_SCRIPT: Duration = Duration::from_secs(120);

/// Attaches until the shell exits or is left; answers its exit code, 0 when it was left. `fresh`: it
/// was just opened, so that its output is wanted from the first byte.
pub async fn run(client: &Client, shell: &Shell, fresh: bool) -> Result<u8, CliError> {
    let mut terminal = Terminal::begin()?;
    let from = fresh.then_some(0);
    let mut pump = Pump::new(terminal.size(), from);
    let end = attached(client, shell, &mut terminal, &mut pump).await;
    if !matches!(end, Ok(End::Exited(_))) {
        terminal.calm();
    }
    drop(terminal);
    match end? {
        End::Exited(code) => Ok(u8::try_from(code).unwrap_or(exit::FAILURE)),
        End::Left | End::Lost => {
            let (vm, id) = (&shell.vm, &shell.id);
            eprintln!("The shell lives on. Come back: minicloud vm shell {vm} --attach {id}");
            Ok(0)
        }
    }
}

/// One connection after the other.
async fn attached(
    client: &Client,
    shell: &Shell,
    terminal: &mut Terminal,
    pump: &mut Pump,
) -> Result<End, CliError> {
    let name = viewer_name()?;
    let mut loss: Option<Loss> = None;
    loop {
        let query = pump.query(&name, terminal.size());
        match socket::connect(client, &format!("{}?{query}", shell.attach)).await {
            Ok(socket) => {
                loss = None;
                match pump.run(socket, terminal).await? {
                    End::Lost => {}
                    end => return Ok(end),
                }
            }
            // What never was there is told at once; what was comes back.
            Err(error) if !pump.was_attached() || !is_passing(&error) => return Err(error),
            Err(_) => {}
        }
        let lost = loss.get_or_insert_with(Loss::new);
        if lost.mend(terminal, pump).await? {
            return Ok(End::Left);
        }
    }
}

/// True for what may be over soon.
fn is_passing(error: &CliError) -> bool {
    match error {
        CliError::Unreachable { .. } | CliError::TimedOut { .. } => true,
        CliError::Api(problem) => problem.status == 429 || problem.status >= 500,
        _ => false,
    }
}

/// 16 hex digits that name this viewer over all its connections.
fn viewer_name() -> Result<String, CliError> {
    let bytes = random_bytes::<8>()?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A connection that is sought again.
struct Loss {
    since: Instant,
    backoff: Duration,
    told: bool,
}

impl Loss {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            backoff: BACKOFF_MIN,
            told: false,
        }
    }

    /// Waits before the next attempt. True when the user would rather leave.
    async fn mend(&mut self, terminal: &mut Terminal, pump: &mut Pump) -> Result<bool, CliError> {
        if !terminal.is_terminal() && self.since.elapsed() > LOSS_MAX_SCRIPT {
            return Err(CliError::TookTooLong(
                "the connection to the shell was lost and did not come back".into(),
            ));
        }
        if !self.told && self.since.elapsed() > LOSS_UNTOLD {
            self.told = true;
            terminal.tell("connection lost; trying again. ~. leaves");
            pump.redraw(terminal);
        }
        let pause = jittered(self.backoff)?;
        self.backoff = (self.backoff * 2).min(BACKOFF_MAX);
        pump.keys_while(terminal, pause).await
    }
}

/// Three quarters to all of it, so that a room full of viewers does not come back at once.
fn jittered(pause: Duration) -> Result<Duration, CliError> {
    let [byte] = random_bytes::<1>()?;
    Ok(pause.mul_f32(0.75 + f32::from(byte) / 1024.0))
}

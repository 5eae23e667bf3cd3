//! The terminal we sit at, or the pipes a script gave us.

use std::{
    io::{self, IsTerminal as _, Read as _, Write as _},
    thread,
};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::sync::mpsc;

use crate::error::CliError;

/// Of scripts, and of terminals that do not tell.
const SIZE_DEFAULT: (u16, u16) = (80, 24);
/// Bytes read at once.
const PART: usize = 16 * 1024;
/// Parts that may wait.
const PARTS: usize = 4;
/// Soft reset, out of the alternate screen, then an empty screen: what a snapshot is drawn on.
const CLEAR: &[u8] = b"\x1b[?1049l\x1b[!p\x1b[m\x1b[H\x1b[2J";
/// Ends what a program that goes on elsewhere has switched on: mouse, pasting, keypad, the alternate
/// screen, a hidden cursor, colours.
const CALM: &[u8] = b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1l\x1b>\x1b[?1049l\x1b[?25h\x1b[m\r\n";

/// Raw while it lives, if it is a terminal.
pub struct Terminal {
    before: Option<Termios>,
    keys: mpsc::Receiver<Vec<u8>>,
}

impl Terminal {
    /// Makes it raw, if it is a terminal, and begins to read keys. Dropped, it is as it was before.
    pub fn begin() -> Result<Self, CliError> {
        let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        let before = is_terminal.then(raw).transpose()?;
        Ok(Self {
            before,
            keys: keys()?,
        })
    }

    /// True when a person sits here.
    pub fn is_terminal(&self) -> bool {
        self.before.is_some()
    }

    /// Columns and rows.
    pub fn size(&self) -> (u16, u16) {
        match tcgetwinsize(io::stdout()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
            _ => SIZE_DEFAULT,
        }
    }

    /// What was typed or piped in; None at its end.
    pub async fn key(&mut self) -> Option<Vec<u8>> {
        self.keys.recv().await
    }

    /// The shell's bytes, as they are.
    pub fn write(&self, bytes: &[u8]) -> Result<(), CliError> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        Ok(out.flush()?)
    }

    /// Draws a snapshot. What the user had on the screen goes into the scrollback first.
    pub fn draw(&self, snapshot: &[u8]) -> Result<(), CliError> {
        if self.is_terminal() {
            let (_, rows) = self.size();
            self.write(&b"\r\n".repeat(usize::from(rows)))?;
            self.write(CLEAR)?;
        }
        self.write(snapshot)
    }

    /// A line from us, amid what the shell wrote. A terminal that is gone needs none.
    pub fn tell(&self, words: &str) {
        let end = if self.is_terminal() { "\r\n" } else { "\n" };
        let _ = write!(io::stderr(), "{end}minicloud: {words}{end}");
    }

    /// Makes the terminal fit for the next prompt, whatever ran in the shell.
    pub fn calm(&self) {
        if self.is_terminal() {
            let _ = self.write(CALM);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // There is no one left to tell if the terminal is gone.
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, before);
        }
    }
}

/// Lets every key through to the shell; answers how the terminal was.
fn raw() -> Result<Termios, CliError> {
    let before = tcgetattr(io::stdin()).map_err(io::Error::from)?;
    let mut raw = before.clone();
    raw.make_raw();
    tcsetattr(io::stdin(), OptionalActions::Flush, &raw).map_err(io::Error::from)?;
    Ok(before)
}

/// Reads in a thread of its own, because a read of a terminal cannot be called off.
fn keys() -> Result<mpsc::Receiver<Vec<u8>>, CliError> {
    let (to, from) = mpsc::channel(PARTS);
    thread::Builder::new().name("keys".into()).spawn(move || {
        let mut part = vec![0; PART];
        // An error is the end of the terminal.
        while let Ok(length @ 1..) = io::stdin().lock().read(&mut part) {
            if to.blocking_send(part[..length].to_vec()).is_err() {
                return;
            }
        }
    })?;
    Ok(from)
}

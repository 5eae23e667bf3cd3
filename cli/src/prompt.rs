//! Questions to whoever sits at the terminal; where nobody does, answers come from standard input.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::{error::CliError, secret::Secret};

/// True when somebody can be asked.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a line; an empty one means the default.
pub fn line(question: &str, default: &str) -> Result<String, CliError> {
    let hint = match default {
        "" => String::new(),
        default => format!(" [{default}]"),
    };
    eprint!("{question}{hint}: ");
    let typed = read_line()?;
    Ok(match typed.trim() {
        "" => default.to_owned(),
        typed => typed.to_owned(),
    })
}

/// Asks for a secret without showing it; from a pipe, its first line.
pub fn secret(question: &str) -> Result<Secret, CliError> {
    if !io::stdin().is_terminal() {
        return Ok(Secret::new(read_line()?));
    }
    // Before the question: who answers at once is not shown either.
    let quiet = Quiet::begin()?;
    eprint!("{question}: ");
    let typed = read_line();
    drop(quiet);
    eprintln!();
    Ok(Secret::new(typed?))
}

/// Asks for a yes; everything else is a no.
pub fn yes(question: &str) -> Result<bool, CliError> {
    eprint!("{question} [y/N] ");
    let typed = read_line()?;
    Ok(matches!(typed.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn read_line() -> Result<String, CliError> {
    io::stderr().flush()?;
    let mut text = String::new();
    if io::stdin().lock().read_line(&mut text)? == 0 {
        return Err(CliError::Usage(
            "an answer is needed, and standard input has ended".into(),
        ));
    }
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

/// The terminal shows nothing of what is typed while this lives.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> Result<Self, CliError> {
        let before = tcgetattr(io::stdin()).map_err(io::Error::from)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet).map_err(io::Error::from)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // There is no one left to tell if the terminal is gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

//! Colour, where somebody sees it.

use std::{
    env,
    io::{self, IsTerminal as _},
};

use server_api::{log::LogLevel, node::NodeHealth, vm::VmState};

/// Whether to colour.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    colour: bool,
}

#[derive(Clone, Copy)]
enum Colour {
    Red = 31,
    Green = 32,
    Yellow = 33,
    Grey = 90,
}

impl Style {
    /// On a terminal, unless NO_COLOR is set or the terminal is a dumb one.
    pub fn detect() -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            colour: !refused && io::stdout().is_terminal(),
        }
    }

    /// The state's word; what passes by itself is yellow.
    pub fn vm_state(self, state: VmState) -> String {
        let colour = match state {
            VmState::Running => Some(Colour::Green),
            VmState::Failed => Some(Colour::Red),
            VmState::Stopped => Some(Colour::Grey),
            _ => Some(Colour::Yellow),
        };
        self.paint(vm_state_word(state), colour)
    }

    /// The health's word; yellow where the node answers, or did a moment ago.
    pub fn health(self, health: NodeHealth) -> String {
        let (word, colour) = match health {
            NodeHealth::Ready => ("ready", Colour::Green),
            NodeHealth::Suspect => ("suspect", Colour::Yellow),
            NodeHealth::Unreachable => ("unreachable", Colour::Red),
            NodeHealth::Degraded => ("degraded", Colour::Yellow),
        };
        self.paint(word, Some(colour))
    }

    /// Five columns wide, so that lines stand below each other.
    pub fn level(self, level: LogLevel) -> String {
        let (word, colour) = match level {
            LogLevel::Trace => ("TRACE", Some(Colour::Grey)),
            LogLevel::Debug => ("DEBUG", Some(Colour::Grey)),
            LogLevel::Info => ("INFO ", None),
            LogLevel::Warn => ("WARN ", Some(Colour::Yellow)),
            LogLevel::Error => ("ERROR", Some(Colour::Red)),
        };
        self.paint(word, colour)
    }

    fn paint(self, word: &str, colour: Option<Colour>) -> String {
        match colour {
            Some(colour) if self.colour => format!("\x1b[{}m{word}\x1b[0m", colour as u8),
            _ => word.to_owned(),
        }
    }
}

/// The state as the API writes it.
pub fn vm_state_word(state: VmState) -> &'static str {
    match state {
        VmState::Creating => "creating",
        VmState::Starting => "starting",
        VmState::Running => "running",
        VmState::Stopping => "stopping",
        VmState::Stopped => "stopped",
        VmState::Deleting => "deleting",
        VmState::Failed => "failed",
        VmState::Unknown => "unknown",
    }
}

//! What is going on while somebody waits: one line on standard error, only on a terminal.

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use server_api::vm::Vm;

use crate::output::{clean, style::vm_state_word};

/// A line that spins until it is dropped.
pub struct Progress(ProgressBar);

impl Progress {
    /// Shows nothing where standard error is no terminal.
    pub fn begin() -> Self {
        if !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// In place of what was said before.
    pub fn say(&self, words: impl Into<String>) {
        self.0.set_message(words.into());
    }

    /// `web1: Pulling the image 42 %`.
    pub fn vm(&self, vm: &Vm) {
        self.say(format!("{}: {}", vm.name, vm_words(vm)));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn vm_words(vm: &Vm) -> String {
    match (&vm.progress, &vm.reason) {
        (Some(progress), _) => match progress.percent {
            Some(percent) => format!("{} {percent} %", clean(&progress.words)),
            None => clean(&progress.words),
        },
        (None, Some(reason)) => format!("{}: {}", vm_state_word(vm.state), clean(reason)),
        (None, None) => vm_state_word(vm.state).to_owned(),
    }
}

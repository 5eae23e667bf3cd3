//! What goes to standard output: tables and sentences for people, JSON for programs.

pub mod describe;
pub mod size;
pub mod style;
pub mod table;
pub mod time;

use std::io::{self, Write as _};

use serde::Serialize;

use crate::error::CliError;
use style::Style;
use table::Table;

/// How this run prints.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
    /// For cells of tables; JSON is never coloured.
    pub style: Style,
}

impl Output {
    /// Colours where standard output is a terminal.
    pub fn new(json: bool) -> Self {
        Self {
            json,
            style: Style::detect(),
        }
    }

    /// True when a program reads.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// A list: one JSON array, or a table. `empty` is what to say to people when there is nothing.
    pub fn list<T: Serialize>(
        &self,
        items: &[T],
        empty: &str,
        table: impl FnOnce(&[T]) -> Table,
    ) -> Result<(), CliError> {
        if self.json {
            return self.value(&items);
        }
        if items.is_empty() {
            eprintln!("{empty}");
            return Ok(());
        }
        print(&table(items).to_string())
    }

    /// One thing: a JSON object, or words.
    pub fn one<T: Serialize>(
        &self,
        item: &T,
        words: impl FnOnce(&T) -> String,
    ) -> Result<(), CliError> {
        match self.json {
            true => self.value(item),
            false => print(&words(item)),
        }
    }

    /// Things that people are told of one by one: one JSON array; nothing for people.
    pub fn array<T: Serialize>(&self, items: &[T]) -> Result<(), CliError> {
        match self.json {
            true => self.value(&items),
            false => Ok(()),
        }
    }

    /// One thing of many that come one after the other: JSON on a line of its own.
    pub fn line<T: Serialize>(
        &self,
        item: &T,
        words: impl FnOnce(&T) -> String,
    ) -> Result<(), CliError> {
        match self.json {
            true => print(&to_json(serde_json::to_string(item))?),
            false => print(&words(item)),
        }
    }

    /// A sentence about what was done; programs read the exit code instead.
    pub fn say(&self, sentence: &str) -> Result<(), CliError> {
        match self.json {
            true => Ok(()),
            false => print(sentence),
        }
    }

    fn value<T: Serialize>(&self, value: &T) -> Result<(), CliError> {
        print(&to_json(serde_json::to_string_pretty(value))?)
    }
}

fn to_json(text: serde_json::Result<String>) -> Result<String, CliError> {
    text.map_err(|error| CliError::Failed(format!("the answer cannot be shown as JSON: {error}")))
}

fn print(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Text from the server as a terminal may see it: nothing that would steer the terminal.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '\n' | '\t' => ' ',
            letter if letter.is_control() => '\u{fffd}',
            letter => letter,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_says_cannot_steer_the_terminal() {
        assert_eq!(clean("a\u{1b}[31m\nb\u{9b}c"), "a\u{fffd}[31m b\u{fffd}c");
    }
}

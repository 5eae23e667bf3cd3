//! The lines above the screen, as styled text: a twentieth of what cells would take.

use std::{collections::VecDeque, fmt};

use vt100::capture::{BasicFormattedCaptureState, RowContents};

/// A line that has left the screen.
#[derive(Debug)]
pub struct Line {
    /// Text with SGR sequences; begins and ends in the default style.
    pub text: Box<str>,
    /// The next line goes on where this one ends.
    pub wrapped: bool,
}

/// The newest lines, within limits.
#[derive(Debug)]
pub struct Scrollback {
    lines: VecDeque<Line>,
    bytes: usize,
    max_lines: usize,
    max_bytes: usize,
    scratch: String,
}

impl Scrollback {
    /// `max_bytes` counts the lines' text with its styles. No memory is taken before lines come.
    pub fn new(max_lines: usize, max_bytes: usize) -> Self {
        Self {
            lines: VecDeque::new(),
            bytes: 0,
            max_lines,
            max_bytes,
            scratch: String::new(),
        }
    }

    /// Takes a row that was pushed off the top of the screen.
    pub fn push_row(&mut self, row: &RowContents<'_>) {
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        let mut style = BasicFormattedCaptureState::new();
        // Writing to a string cannot fail.
        let written = row.write_formatted_basic(&mut text, &mut style);
        if written.is_ok() {
            if text.contains('\x1b') {
                text.push_str("\x1b[m");
            }
            let wrapped = !ends_line(row, &mut style);
            self.push(Line {
                text: text.as_str().into(),
                wrapped,
            });
        }
        self.scratch = text;
    }

    pub fn max_lines(&self) -> usize {
        self.max_lines
    }

    /// Takes effect at the next line.
    pub fn set_max_bytes(&mut self, bytes: usize) {
        self.max_bytes = bytes;
    }

    /// Forgets the oldest where a limit is passed.
    pub fn push(&mut self, line: Line) {
        self.bytes += line.text.len();
        self.lines.push_back(line);
        while self.lines.len() > self.max_lines || self.bytes > self.max_bytes {
            let Some(old) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= old.text.len();
        }
    }

    /// Takes lines back, oldest first: at least `rows` of them where there are, and whole lines.
    pub fn pop(&mut self, rows: usize) -> Vec<Line> {
        let mut from = self.lines.len().saturating_sub(rows);
        while from > 0 && self.lines[from - 1].wrapped {
            from -= 1;
        }
        let popped: Vec<Line> = self.lines.drain(from..).collect();
        self.bytes -= popped.iter().map(|line| line.text.len()).sum::<usize>();
        popped
    }

    /// The newest line does not go on in the screen any more.
    pub fn close_line(&mut self) {
        if let Some(line) = self.lines.back_mut() {
            line.wrapped = false;
        }
    }

    /// Gives their memory back, too.
    pub fn clear(&mut self) {
        self.lines = VecDeque::new();
        self.bytes = 0;
    }

    /// Oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// Whether a line break follows the row. `style` is the state after the row was written: writing
/// another row would begin with a newline then.
fn ends_line(row: &RowContents<'_>, style: &mut BasicFormattedCaptureState) -> bool {
    let mut first = FirstChar(None);
    // Stops with an error at the first character; that is the point.
    let _ = row.write_formatted_basic(&mut first, style);
    first.0 == Some('\n')
}

struct FirstChar(Option<char>);

impl fmt::Write for FirstChar {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.or(text.chars().next());
        if self.0.is_some() {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: String) -> Line {
        Line {
            text: text.into(),
            wrapped: false,
        }
    }

    #[test]
    fn the_oldest_lines_go_when_either_limit_is_passed() {
        let kept = |scrollback: &Scrollback| {
            let lines = scrollback.iter().count();
            let bytes = scrollback.iter().map(|line| line.text.len()).sum::<usize>();
            (lines, bytes)
        };
        let mut scrollback = Scrollback::new(100, 10_000);
        for number in 0..1_000 {
            scrollback.push(line(format!("{number:>20}")));
        }
        assert_eq!(kept(&scrollback), (100, 2_000));
        for number in 0..1_000 {
            scrollback.push(line(format!("{number:>300}")));
        }
        assert_eq!(kept(&scrollback), (33, 9_900));
        let newest = scrollback.iter().last().map(|line| line.text.trim());
        assert_eq!(newest, Some("999"));
        // Many shells share what there is: each keeps less from then on.
        scrollback.set_max_bytes(1_000);
        scrollback.push(line("x".repeat(100)));
        assert_eq!(kept(&scrollback), (4, 1_000));
        scrollback.push(line("x".repeat(2_000)));
        assert_eq!(kept(&scrollback), (0, 0), "one that is longer by itself");
    }
}

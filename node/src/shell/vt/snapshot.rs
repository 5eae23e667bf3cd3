//! A terminal drawn anew: what a viewer writes into a terminal that was just reset, to have screen,
//! lines above it, modes, cursor and title as if it had seen all the output.

use bytes::Bytes;

use super::{Vt, cells::write_cells, cursor::Placed, state::write_kept};
use crate::shell::limits::Size;

/// A drawing of the terminal, and where the stream goes on after it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Where the stream goes on: all output before it is in the drawing.
    pub offset: u64,
    /// What it is drawn for.
    pub size: Size,
    /// For a terminal of that size that was just reset; may be cut nowhere.
    pub bytes: Bytes,
}

/// The longest drawing: a WebSocket message of it passes everywhere (the server takes 4 MiB). Large screens
/// whose every cell has a colour of its own are longer.
const SNAPSHOT_BYTES: usize = 3 * 1024 * 1024;

/// What of a terminal is drawn beside its text.
#[derive(Clone, Copy)]
struct Detail {
    scrollback: bool,
    styles: bool,
}

/// From all to what is never too long.
const DETAILS: [Detail; 3] = [
    Detail {
        scrollback: true,
        styles: true,
    },
    Detail {
        scrollback: false,
        styles: true,
    },
    Detail {
        scrollback: false,
        styles: false,
    },
];

impl Vt {
    /// Draws the terminal as it is at [`Vt::offset`]. At most 3 MiB: where all would be more, the lines above
    /// the screen are left out, then colours and other styles.
    pub fn snapshot(&mut self) -> Snapshot {
        let mut bytes = Vec::new();
        for detail in DETAILS {
            bytes = self.drawn(detail).into_bytes();
            // What is not whole yet follows the drawing; the stream brings the rest.
            bytes.extend_from_slice(&self.held);
            if bytes.len() <= SNAPSHOT_BYTES {
                break;
            }
        }
        Snapshot {
            offset: self.offset(),
            size: self.size(),
            bytes: bytes.into(),
        }
    }

    fn drawn(&mut self, detail: Detail) -> String {
        let mut out = String::with_capacity(8 * 1024);
        // What xterm.js keeps through a reset: lines are fed below.
        out.push_str("\x1b[20l");
        if detail.scrollback {
            self.write_scrollback(&mut out);
        }
        if self.modes.in_alternate {
            self.parser.process(b"\x1b[?47l");
            self.go_inside_if_blank();
            write_cells(&mut out, self.parser.screen(), detail.styles);
            write_kept(&mut out, &self.modes.main);
            let entering = self.cursor_at_entry();
            self.write_entry(&mut out, &entering);
            self.parser.process(b"\x1b[?47h");
        }
        self.go_inside_if_blank();
        write_cells(&mut out, self.parser.screen(), detail.styles);
        let (row, col) = self.parser.screen().cursor_position();
        self.write_state(&mut out, row, col);
        out
    }

    /// Prints the lines above the screen and pushes them off it.
    fn write_scrollback(&mut self, out: &mut String) {
        let rows = self.size().rows;
        let scrollback = &self.above().scrollback;
        if scrollback.is_empty() {
            return;
        }
        let mut open = false;
        for line in scrollback.iter() {
            if open && line.text.is_empty() {
                // The line that goes on has been cleared: any character makes the terminal wrap.
                out.push(' ');
            }
            out.push_str(&line.text);
            open = line.wrapped;
            if !open {
                out.push_str("\r\n");
            }
        }
        if open {
            // The line goes on in the screen's first row.
            out.push_str(" \r");
        }
        for _ in 1..rows {
            out.push('\n');
        }
    }

    /// Where the cursor of the main screen was when the alternate one was entered. Vt100 must show
    /// the main screen.
    pub(super) fn cursor_at_entry(&self) -> Placed {
        let saved = self.modes.main.saved.clone();
        saved
            .filter(|_| self.modes.alternate_saves)
            .unwrap_or_else(|| self.placed())
    }

    /// Enters the alternate screen as the program did.
    pub(super) fn write_entry(&self, out: &mut String, cursor: &Placed) {
        let enter = if self.modes.alternate_saves {
            "\x1b[?1049h"
        } else {
            "\x1b[?47h"
        };
        cursor.write_saved(out, enter);
    }
}

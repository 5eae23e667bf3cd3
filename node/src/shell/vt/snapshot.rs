//! A terminal drawn anew: what a viewer writes into a terminal that was just reset, to have screen,
//! lines above it, modes, cursor and title as if it had seen all the output.

use std::fmt::Write as _;

use bytes::Bytes;

use super::{
    Placed, Vt,
    modes::{GridModes, Modes},
};
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
        if detail.scrollback {
            self.write_scrollback(&mut out);
        }
        if self.modes.in_alternate {
            self.parser.process(b"\x1b[?47l");
            write_cells(&mut out, self.parser.screen(), detail.styles);
            write_region(&mut out, &self.modes.main);
            let entering = self.cursor_at_entry();
            self.write_entry(&mut out, &entering);
            self.parser.process(b"\x1b[?47h");
        }
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
            out.push_str(&line.text);
            open = line.wrapped;
            if !open {
                out.push_str("\r\n");
            }
        }
        if open {
            // The line goes on in the screen's first row: any character makes the terminal wrap.
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
            .unwrap_or_else(|| {
                let screen = self.parser.screen();
                let (row, col) = screen.cursor_position();
                let style = screen.attributes_formatted();
                Placed {
                    row,
                    col,
                    style,
                    origin: self.modes.main.origin,
                }
            })
    }

    /// Enters the alternate screen as the program did.
    pub(super) fn write_entry(&self, out: &mut String, cursor: &Placed) {
        write_placed(out, cursor, &self.modes.main);
        out.push_str(if self.modes.alternate_saves {
            "\x1b[?1049h"
        } else {
            "\x1b[?47h"
        });
    }

    /// All that is not cells, for the screen that is shown: modes, title, region, saved cursor, and
    /// at last the cursor itself.
    pub(super) fn write_state(&self, out: &mut String, row: u16, col: u16) {
        let screen = self.parser.screen();
        out.push_str(&screen.input_mode_formatted());
        self.modes.write_passed_on(out);
        if let Some(title) = &self.parser.callbacks().title {
            // Writing to a string cannot fail.
            let _ = write!(out, "\x1b]2;{title}\x1b\\");
        }
        let grid = self.modes.grid();
        write_region(out, grid);
        if let Some(saved) = &grid.saved {
            write_placed(out, saved, grid);
            out.push_str("\x1b7");
        }
        out.push_str(if grid.origin { "\x1b[?6h" } else { "\x1b[?6l" });
        self.write_cursor(out, grid, row, col);
        self.modes.charsets.write(out);
        if self.modes.insert {
            out.push_str("\x1b[4h");
        }
    }

    /// The cursor, and the style it writes in.
    fn write_cursor(&self, out: &mut String, grid: &GridModes, row: u16, col: u16) {
        let screen = self.parser.screen();
        let cols = self.size().cols;
        if col >= cols && !grid.origin && (row, col) == screen.cursor_position() {
            // Past the last column: the next character wraps. Only drawing can bring it there.
            let drawn = screen.cursor_state_formatted();
            if !drawn.contains("\x1b7") {
                out.push_str("\x1b[m");
                out.push_str(&drawn);
                out.push_str(&screen.attributes_formatted());
                return;
            }
        }
        write_move(out, grid, row, col.min(cols - 1));
        out.push_str(&screen.attributes_formatted());
        self.write_last_character(out, grid, row, col);
    }

    /// Draws the character before the cursor once more, where it changes nothing: a REP that comes
    /// next repeats it.
    fn write_last_character(&self, out: &mut String, grid: &GridModes, row: u16, col: u16) {
        let screen = self.parser.screen();
        let here = |back: u16| col.checked_sub(back).and_then(|col| screen.cell(row, col));
        let wide = here(1).is_some_and(vt100::Cell::is_wide_continuation);
        let back = if wide { 2 } else { 1 };
        let Some(cell) = here(back) else { return };
        // Between the halves of a wide one there is nothing to draw that would leave the cursor there.
        let drawn_as_is = cell.is_wide() == wide
            && cell.contents().chars().count() == 1
            && !(self.modes.charsets.drawing() && cell.contents().is_ascii());
        if col < self.size().cols && drawn_as_is && same_style(cell, screen) {
            write_move(out, grid, row, col - back);
            out.push_str(cell.contents());
        }
    }
}

/// Clears the screen that is shown, and fills it.
fn write_cells(out: &mut String, screen: &vt100::Screen, styles: bool) {
    if styles {
        out.push_str(&screen.contents_formatted());
        return;
    }
    out.push_str(if screen.hide_cursor() {
        "\x1b[?25l"
    } else {
        "\x1b[?25h"
    });
    out.push_str("\x1b[m\x1b[H\x1b[J");
    let (rows, cols) = screen.size();
    let (rows, cols) = (rows.get(), cols.get());
    let mut goes_on = false;
    for row in 0..rows {
        let mut text = String::new();
        for cell in (0..cols).filter_map(|col| screen.cell(row, col)) {
            write_plain(&mut text, cell);
        }
        // A full row whose line goes on wraps at the next character, whichever that is.
        let goes_on_from_above = goes_on;
        goes_on = screen.row_wrapped(row);
        if goes_on {
            out.push_str(&text);
            continue;
        }
        let text = text.trim_end_matches(' ');
        out.push_str(if text.is_empty() && goes_on_from_above {
            " \x08\x1b[X"
        } else {
            text
        });
        if row + 1 < rows {
            out.push_str("\r\n");
        }
    }
}

/// A character without its marks, but for the one that makes it wide: so many cells of them are never too
/// long.
fn write_plain(out: &mut String, cell: &vt100::Cell) {
    const WIDE: char = '\u{fe0f}';
    if cell.is_wide_continuation() {
        return;
    }
    let contents = cell.contents();
    out.push(contents.chars().next().unwrap_or(' '));
    if cell.is_wide() && contents.contains(WIDE) {
        out.push(WIDE);
    }
}

fn same_style(cell: &vt100::Cell, screen: &vt100::Screen) -> bool {
    cell.fgcolor() == screen.fgcolor()
        && cell.bgcolor() == screen.bgcolor()
        && cell.bold() == screen.bold()
        && cell.dim() == screen.dim()
        && cell.italic() == screen.italic()
        && cell.underline() == screen.underline()
        && cell.inverse() == screen.inverse()
}

/// Moves the cursor; `row` counts from the top of the screen, also in origin mode.
fn write_move(out: &mut String, grid: &GridModes, row: u16, col: u16) {
    let top = grid
        .region
        .filter(|_| grid.origin)
        .map_or(0, |(top, _)| top);
    // Writing to a string cannot fail.
    let _ = write!(out, "\x1b[{};{}H", row.saturating_sub(top) + 1, col + 1);
}

fn write_region(out: &mut String, grid: &GridModes) {
    if let Some((top, bottom)) = grid.region {
        // Writing to a string cannot fail.
        let _ = write!(out, "\x1b[{};{}r", top + 1, bottom + 1);
    }
}

/// Puts the cursor where it was saved, in the style it had.
fn write_placed(out: &mut String, placed: &Placed, grid: &GridModes) {
    out.push_str(if placed.origin {
        "\x1b[?6h"
    } else {
        "\x1b[?6l"
    });
    let grid = GridModes {
        origin: placed.origin,
        ..grid.clone()
    };
    write_move(out, &grid, placed.row, placed.col);
    out.push_str(&placed.style);
}

impl Modes {
    /// After the size has changed: regions are the whole screen again, cursors are inside.
    pub(super) fn resized(&mut self, size: Size) {
        self.rows = size.rows;
        for grid in [&mut self.main, &mut self.alternate] {
            grid.region = None;
            if let Some(saved) = &mut grid.saved {
                saved.row = saved.row.min(size.rows - 1);
                saved.col = saved.col.min(size.cols - 1);
            }
        }
    }
}

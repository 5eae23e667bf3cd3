//! What a snapshot has beside cells and lines: modes, title, region, cursors, line drawing.

use std::fmt::Write as _;

use super::{Vt, cursor::write_move, modes::GridModes};

impl Vt {
    /// Past the last column only a character there can bring the cursor. Where that is gone the next one does not
    /// wrap any more.
    pub(super) fn go_inside_if_blank(&mut self) {
        if !self.last_cell_is_written() {
            self.go_inside();
        }
    }

    /// Whether the last cell of the cursor's row has a character, or half of one.
    fn last_cell_is_written(&self) -> bool {
        let screen = self.parser.screen();
        let cell = screen.cell(screen.cursor_position().0, self.size().cols - 1);
        cell.is_some_and(|cell| cell.has_contents() || cell.is_wide_continuation())
    }

    /// All that is not cells, for the screen that is shown: modes, title, region, saved cursor, and
    /// at last the cursor itself.
    pub(super) fn write_state(&self, out: &mut String, row: u16, col: u16) {
        let screen = self.parser.screen();
        out.push_str(&screen.input_mode_formatted());
        self.modes.write_noted(out);
        if let Some(title) = &self.title {
            // Writing to a string cannot fail.
            let _ = write!(out, "\x1b]2;{title}\x1b\\");
        }
        write_kept(out, self.modes.grid());
        self.write_cursor_and_charsets(out, row, col);
        for (mode, is_set) in [(4, self.modes.insert), (20, self.modes.newline)] {
            if is_set {
                out.push_str(&format!("\x1b[{mode}h"));
            }
        }
        if self.behind_character && !self.modes.insert {
            self.write_last_character(out, row, col);
        }
    }

    /// What is drawn for the cursor would be drawn as lines; only DECRC, which moves it, turns those off by itself.
    fn write_cursor_and_charsets(&self, out: &mut String, row: u16, col: u16) {
        let charsets = self.modes.charsets;
        let restored = charsets.is_restored();
        if restored {
            charsets.write(out);
            out.push_str("\x1b8");
        }
        if self.modes.origin {
            out.push_str("\x1b[?6h");
        }
        if restored {
            self.write_place(out, row, col);
        } else {
            self.write_cursor(out, row, col);
            charsets.write(out);
        }
    }

    /// The cursor, and the style it writes in.
    fn write_cursor(&self, out: &mut String, row: u16, col: u16) {
        let screen = self.parser.screen();
        let past = col >= self.size().cols && (row, col) == screen.cursor_position();
        // What vt100 draws counts rows from the top.
        if past && self.modes.top() == 0 && self.last_cell_is_written() {
            out.push_str("\x1b[m");
            out.push_str(&screen.cursor_state_formatted());
            out.push_str(&screen.attributes_formatted());
        } else {
            self.write_place(out, row, col);
        }
    }

    fn write_place(&self, out: &mut String, row: u16, col: u16) {
        write_move(out, self.modes.top(), row, col.min(self.size().cols - 1));
        out.push_str(&self.screen().attributes_formatted());
    }

    /// Draws the character before the cursor once more, where it changes nothing: REP and U+FE0F are for
    /// a cursor right behind one.
    fn write_last_character(&self, out: &mut String, row: u16, col: u16) {
        let Some(cell) = self.character_before(row, col) else {
            return;
        };
        let text = cell.contents();
        let as_lines = self.modes.charsets.drawing() && text.starts_with(|c: char| c.is_ascii());
        if !text.is_empty() && !as_lines && same_style(cell, self.screen()) {
            let cells = 1 + u16::from(cell.is_wide());
            write_move(out, self.modes.top(), row, col - cells);
            out.push_str(text);
        }
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

/// What of a screen is not seen: its region and its saved cursor. Origin mode must be off.
pub fn write_kept(out: &mut String, grid: &GridModes) {
    if let Some((top, bottom)) = grid.region {
        // Writing to a string cannot fail.
        let _ = write!(out, "\x1b[{};{}r", top + 1, bottom + 1);
    }
    if let Some(saved) = &grid.saved {
        saved.write_saved(out, "\x1b7");
    }
}

//! Where the cursor is, and where it is saved. vt100's own saving is not used: it keeps one style for both screens.

use std::fmt::Write as _;

use super::Vt;

/// Columns from one tab stop to the next.
const TAB: u16 = 8;

/// A cursor that was saved, with the style it had.
#[derive(Clone, Debug)]
pub struct Placed {
    pub row: u16,
    pub col: u16,
    /// SGR sequences that set the style.
    pub style: String,
    /// Letters were drawn as lines.
    pub drawing: bool,
}

impl Default for Placed {
    /// Where DECRC goes when nothing was saved.
    fn default() -> Self {
        Self {
            row: 0,
            col: 0,
            style: "\x1b[m".to_owned(),
            drawing: false,
        }
    }
}

impl Placed {
    /// Appends what puts the cursor there, in that style. `top`: the row that CUP counts from.
    pub fn write(&self, out: &mut String, top: u16) {
        write_move(out, top, self.row, self.col);
        out.push_str(&self.style);
    }

    /// Appends what saves it, by the sequence that is told. Origin mode and line drawing must be off.
    pub fn write_saved(&self, out: &mut String, save: &str) {
        self.write(out, 0);
        if self.drawing {
            out.push_str(&format!("\x1b(0{save}\x1b(B"));
        } else {
            out.push_str(save);
        }
    }
}

impl Vt {
    pub(super) fn save_cursor(&mut self) {
        self.modes.grid_mut().saved = Some(self.placed());
    }

    pub(super) fn restore_cursor(&mut self) {
        let saved = self.modes.grid().saved.clone().unwrap_or_default();
        let mut out = String::new();
        saved.write(&mut out, self.modes.top());
        self.parser.process(out.as_bytes());
        self.modes.charsets.restore(saved.drawing);
    }

    /// The cursor as it would be saved: past the last column it counts as in it.
    pub(super) fn placed(&self) -> Placed {
        let screen = self.parser.screen();
        let (row, col) = screen.cursor_position();
        Placed {
            row,
            col: col.min(self.size().cols - 1),
            style: screen.attributes_formatted(),
            drawing: self.modes.charsets.drawing(),
        }
    }

    /// Moves the cursor; the row counts from the top of the screen, also in origin mode.
    pub(super) fn cursor_to(&mut self, (row, col): (u16, u16)) {
        let mut out = String::new();
        write_move(&mut out, self.modes.top(), row, col);
        self.parser.process(out.as_bytes());
    }

    /// Whether the last column was written and the next character goes to the next line.
    pub(super) fn is_past_line(&self) -> bool {
        self.parser.screen().cursor_position().1 >= self.size().cols
    }

    /// A cursor past the last column goes back to it.
    pub(super) fn go_inside(&mut self) {
        if self.is_past_line() {
            let column = format!("\x1b[{}G", self.size().cols);
            self.parser.process(column.as_bytes());
        }
    }

    /// VPA: the row counts from 1, in origin mode from the region's first.
    pub(super) fn go_to_row(&mut self, row: u16) {
        let column = self.screen().cursor_position().1 + 1;
        self.parser
            .process(format!("\x1b[{row};{column}H").as_bytes());
    }

    /// CUU: to the region's first row at most, from within or below it.
    pub(super) fn go_up(&mut self, count: u16) {
        self.go_inside();
        let (row, top) = (self.screen().cursor_position().0, self.modes.region().0);
        let room = if row >= top { row - top } else { row };
        self.go_rows(count.min(room), 'A');
    }

    /// CUD: to the region's last row at most, from within or above it.
    pub(super) fn go_down(&mut self, count: u16) {
        self.go_inside();
        let (row, bottom) = (self.screen().cursor_position().0, self.modes.region().1);
        let last = if row <= bottom {
            bottom
        } else {
            self.size().rows - 1
        };
        self.go_rows(count.min(last - row), 'B');
    }

    fn go_rows(&mut self, count: u16, way: char) {
        if count > 0 {
            self.parser.process(format!("\x1b[{count}{way}").as_bytes());
        }
    }

    /// CHT. More than a line has lead nowhere.
    pub(super) fn go_on_tabs(&mut self, count: u16) {
        let most = self.size().cols / TAB + 1;
        (0..count.min(most)).for_each(|_| self.control(b'\t'));
    }

    /// CBT. Tab stops are where they are after a reset.
    pub(super) fn go_back_tabs(&mut self, count: u16) {
        let (row, col) = self.parser.screen().cursor_position();
        if !self.is_past_line() {
            let stop = col.div_ceil(TAB).saturating_sub(count);
            self.cursor_to((row, stop * TAB));
        }
    }

    /// DECOM, which sends the cursor home.
    pub(super) fn set_origin(&mut self, on: bool) {
        self.modes.origin = on;
        self.parser
            .process(if on { b"\x1b[?6h" } else { b"\x1b[?6l" });
    }

    /// DECSTBM. The cursor goes home where there is such a region.
    pub(super) fn set_region(&mut self, top: u16, bottom: u16) {
        if self.modes.set_region(top, bottom) {
            let (top, bottom) = self.modes.region();
            let region = format!("\x1b[{};{}r\x1b[H", top + 1, bottom + 1);
            self.parser.process(region.as_bytes());
        }
    }
}

/// Appends what moves the cursor. `top`: the row that CUP counts from.
pub fn write_move(out: &mut String, top: u16, row: u16, col: u16) {
    // Writing to a string cannot fail.
    let _ = write!(out, "\x1b[{};{}H", row.saturating_sub(top) + 1, col + 1);
}

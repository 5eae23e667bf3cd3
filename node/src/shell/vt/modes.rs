//! The terminal's modes that vt100 keeps to itself or does not know, noted as they are set, so that
//! a snapshot can set them again.

use super::{charset::Charsets, cursor::Placed};
use crate::shell::limits::Size;

/// DEC private modes that are only noted, with their value after a reset.
const NOTED: [(u16, bool); 5] = [
    (7, true),     // wraparound
    (45, false),   // reverse wraparound
    (1004, false), // focus events
    (1007, false), // wheel as arrow keys
    (MOUSE_PIXELS, false),
];
/// The mouse's place in pixels. DECSTR leaves the mouse alone.
pub const MOUSE_PIXELS: u16 = 1016;

/// What the main and the alternate screen have apart.
#[derive(Clone, Debug, Default)]
pub struct GridModes {
    /// Scroll region, first and last row from 0; None: the whole screen.
    pub region: Option<(u16, u16)>,
    /// What DECRC goes back to.
    pub saved: Option<Placed>,
}

/// All of them.
#[derive(Clone, Debug)]
pub struct Modes {
    /// Also kept while the alternate screen is shown.
    pub main: GridModes,
    pub alternate: GridModes,
    pub in_alternate: bool,
    /// The alternate screen was entered by 1049.
    pub alternate_saves: bool,
    /// DECOM: rows count from the region's first.
    pub origin: bool,
    pub charsets: Charsets,
    /// IRM: what is written moves the rest of its line.
    pub insert: bool,
    /// LNM: a line feed goes to the first column, too.
    pub newline: bool,
    noted: [bool; NOTED.len()],
    /// The screen's, which regions are cut to.
    rows: u16,
}

impl Modes {
    /// As after a reset.
    pub fn new(rows: u16) -> Self {
        Self {
            main: GridModes::default(),
            alternate: GridModes::default(),
            in_alternate: false,
            alternate_saves: false,
            origin: false,
            charsets: Charsets::default(),
            insert: false,
            newline: false,
            noted: NOTED.map(|(_, default)| default),
            rows,
        }
    }

    /// The modes of the screen that is shown.
    pub fn grid(&self) -> &GridModes {
        if self.in_alternate {
            &self.alternate
        } else {
            &self.main
        }
    }

    /// The same, to be changed.
    pub fn grid_mut(&mut self) -> &mut GridModes {
        if self.in_alternate {
            &mut self.alternate
        } else {
            &mut self.main
        }
    }

    /// The rows that scroll, first and last from 0.
    pub fn region(&self) -> (u16, u16) {
        self.grid().region.unwrap_or((0, self.rows - 1))
    }

    /// The row that CUP counts from.
    pub fn top(&self) -> u16 {
        if self.origin { self.region().0 } else { 0 }
    }

    /// DECSTBM. False: there is no such region, and nothing changes.
    pub fn set_region(&mut self, top: u16, bottom: u16) -> bool {
        let top = top.max(1);
        let bottom = if bottom == 0 {
            self.rows
        } else {
            bottom.min(self.rows)
        };
        if top < bottom {
            let whole = (top, bottom) == (1, self.rows);
            self.grid_mut().region = (!whole).then_some((top - 1, bottom - 1));
        }
        top < bottom
    }

    /// Notes a private mode, if it is one of those.
    pub fn note(&mut self, number: u16, on: bool) {
        if let Some(at) = NOTED.iter().position(|(known, _)| *known == number) {
            self.noted[at] = on;
        }
    }

    /// Appends what sets the noted modes that are not as after a reset.
    pub fn write_noted(&self, out: &mut String) {
        for ((number, default), on) in NOTED.iter().zip(self.noted) {
            if on != *default {
                out.push_str(&format!("\x1b[?{number}{}", if on { 'h' } else { 'l' }));
            }
        }
    }

    /// DECSTR, for the screen that is shown.
    pub fn reset_soft(&mut self) {
        *self.grid_mut() = GridModes::default();
        self.origin = false;
        self.insert = false;
        self.charsets = Charsets::default();
        for (number, default) in NOTED.iter().filter(|(number, _)| *number != MOUSE_PIXELS) {
            self.note(*number, *default);
        }
    }

    /// After the size has changed: regions are the whole screen again, cursors are inside.
    pub fn resized(&mut self, size: Size) {
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

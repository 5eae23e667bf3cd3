//! What a shell's terminal shows: a copy of the output is fed here, and a snapshot is drawn from it.
//!
//! vt100 keeps the screen. Around it this module holds back what is not whole yet (so that vt100
//! always stands between sequences and a snapshot can be taken at any byte), bounds what a program
//! can make it cost, and keeps what it does not: the lines above the screen, the title, the modes
//! of `modes`, saved cursors, line drawing.
//!
//! vt100 gets only what was understood here (`effects`), one function at a time. So the two agree on which screen is
//! shown and where its cursor is. The measure is the browser's terminal, xterm.js; docs/shell-protocol.md has what differs.
//!
//! Cells are counted as vt100 does it, character by character. The browser's terminal counts by the same table
//! (web/src/width-table.ts, which tests/shell_vt/widths.rs writes), or a snapshot would not fit the output.

mod alternate;
mod cells;
pub mod charset;
mod cursor;
mod draw;
mod effects;
mod feed;
mod modes;
mod obey;
mod private;
mod resize;
mod scrollback;
mod sequence;
mod skim;
mod snapshot;
mod stand_in;
mod state;
mod style;
mod title;

use std::num::NonZeroU16;

pub use self::snapshot::Snapshot;
use self::{effects::Effects, modes::Modes, scrollback::Scrollback, sequence::State};
use super::limits::{ShellLimits, Size};

/// The longest sequence that is looked at. Longer ones (pictures, clipboards) change no screen here.
const SEQUENCE_BYTES: usize = 4 * 1024;

/// The state of one terminal.
pub struct Vt {
    parser: vt100::Parser<Above>,
    modes: Modes,
    title: Option<String>,
    reader: vte::Parser,
    effects: Effects,
    state: State,
    /// A sequence or a character that is not whole yet; vt100 has not seen it.
    held: Vec<u8>,
    /// The held sequence is longer than what is kept of it.
    cut: bool,
    /// Nothing has come since a character: REP repeats it, U+FE0F widens it.
    behind_character: bool,
    offset: u64,
}

/// What vt100 hands over: lines that leave the screen.
struct Above {
    scrollback: Scrollback,
    /// Lines that have left the main screen.
    scrolled: u64,
    /// What leaves it now is gone, as SU has it.
    drops: bool,
}

impl vt100::Callbacks for Above {
    fn on_scroll(&mut self, row: vt100::capture::RowContents<'_>, alternate: bool) {
        if !alternate {
            self.scrolled += 1;
        }
        if !alternate && !self.drops {
            self.scrollback.push_row(&row);
        }
    }
}

impl Vt {
    /// A blank terminal at offset 0, which the first output is fed to.
    pub fn new(size: Size, limits: &ShellLimits) -> Self {
        let above = Above {
            scrollback: Scrollback::new(limits.scrollback_lines, limits.scrollback_bytes),
            scrolled: 0,
            drops: false,
        };
        let (rows, cols) = rows_and_cols(size);
        Self {
            parser: vt100::Parser::new_with_callbacks(rows, cols, 0, above),
            modes: Modes::new(size.rows),
            title: None,
            reader: vte::Parser::new(),
            effects: Effects::default(),
            state: State::Ground,
            held: Vec::new(),
            cut: false,
            behind_character: false,
            offset: 0,
        }
    }

    /// A blank terminal that goes on at `offset`.
    pub fn at(offset: u64, size: Size, limits: &ShellLimits) -> Self {
        Self {
            offset,
            ..Self::new(size, limits)
        }
    }

    /// What was fed stands for all output up to here.
    pub fn move_to(&mut self, offset: u64) {
        self.offset = offset;
    }

    /// How much output has been fed.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    pub fn size(&self) -> Size {
        let (rows, cols) = self.parser.screen().size();
        Size {
            cols: cols.get(),
            rows: rows.get(),
        }
    }

    /// The cells, as vt100 keeps them.
    pub fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// The title that the program has set.
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// How much the lines above the screen may take.
    pub fn set_scrollback_bytes(&mut self, bytes: usize) {
        self.above().scrollback.set_max_bytes(bytes);
    }

    fn above(&mut self) -> &mut Above {
        self.parser.callbacks_mut()
    }
}

/// As vt100 wants them. Sizes are clamped to 1.. long before.
fn rows_and_cols(size: Size) -> (NonZeroU16, NonZeroU16) {
    let at_least_one = |value| NonZeroU16::new(value).unwrap_or(NonZeroU16::MIN);
    (at_least_one(size.rows), at_least_one(size.cols))
}

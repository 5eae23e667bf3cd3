//! What a shell's terminal shows: a copy of the output is fed here, and a snapshot is drawn from it.
//!
//! vt100 keeps the screen. Around it this module holds back what is not whole yet (so that vt100
//! always stands between sequences and a snapshot can be taken at any byte), bounds what a program
//! can make it cost, and keeps what it does not: the lines above the screen, the title, the modes
//! of `modes`, line drawing.
//!
//! Cells are counted as vt100 does it, character by character. The browser's terminal counts by the same table
//! (web/src/width-table.ts, which tests/shell_vt/widths.rs writes), or a snapshot would not fit the output.

pub mod charset;
mod modes;
mod resize;
mod scrollback;
mod selector;
mod sequence;
mod skim;
mod snapshot;
mod stand_in;

use std::num::NonZeroU16;

pub use self::snapshot::Snapshot;
use self::{
    modes::{Effect, Modes},
    scrollback::Scrollback,
    sequence::State,
};
use super::limits::{ShellLimits, Size};

/// The longest sequence that is looked at. Longer ones (pictures, clipboards) change no screen here.
const SEQUENCE_BYTES: usize = 4 * 1024;
/// The longest title kept, in bytes.
const TITLE_BYTES: usize = 512;

/// A cursor that was saved, with the style it had.
#[derive(Clone, Debug)]
pub struct Placed {
    row: u16,
    col: u16,
    /// SGR sequences that set the style.
    style: String,
    origin: bool,
}

/// The state of one terminal.
pub struct Vt {
    parser: vt100::Parser<Above>,
    modes: Modes,
    reader: vte::Parser,
    state: State,
    /// A sequence or a character that is not whole yet; vt100 has not seen it.
    held: Vec<u8>,
    /// The held sequence is longer than what is kept of it.
    cut: bool,
    offset: u64,
}

/// What vt100 hands over: lines that leave the screen, and the title.
struct Above {
    scrollback: Scrollback,
    /// Lines that have left the main screen.
    scrolled: u64,
    title: Option<String>,
}

impl vt100::Callbacks for Above {
    fn on_scroll(&mut self, row: vt100::capture::RowContents<'_>, alternate: bool) {
        if !alternate {
            self.scrolled += 1;
            self.scrollback.push_row(&row);
        }
    }

    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        let title = &title[..title.len().min(TITLE_BYTES)];
        let shown = String::from_utf8_lossy(title)
            .chars()
            .filter(|c| !c.is_control() && *c != char::REPLACEMENT_CHARACTER)
            .collect();
        self.title = Some(shown);
    }
}

impl Vt {
    /// A blank terminal at offset 0, which the first output is fed to.
    pub fn new(size: Size, limits: &ShellLimits) -> Self {
        let above = Above {
            scrollback: Scrollback::new(limits.scrollback_lines, limits.scrollback_bytes),
            scrolled: 0,
            title: None,
        };
        let (rows, cols) = rows_and_cols(size);
        Self {
            parser: vt100::Parser::new_with_callbacks(rows, cols, 0, above),
            modes: Modes::new(size.rows),
            reader: vte::Parser::new(),
            state: State::Ground,
            held: Vec::new(),
            cut: false,
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
        self.parser.callbacks().title.as_deref()
    }

    /// How much the lines above the screen may take.
    pub fn set_scrollback_bytes(&mut self, bytes: usize) {
        self.above().scrollback.set_max_bytes(bytes);
    }

    /// Feeds output, cut anywhere.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.state {
                State::Ground => self.feed_text(rest),
                _ => self.feed_sequence(rest),
            };
        }
    }

    /// Text up to the next sequence; what follows it is given back.
    fn feed_text<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let escape = memchr::memchr(0x1b, bytes);
        let (text, rest) = bytes.split_at(escape.unwrap_or(bytes.len()));
        if escape.is_some() {
            self.state = State::Escape;
        }
        if self.held.is_empty() {
            self.write_text(text, escape.is_none());
        } else {
            let mut joined = std::mem::take(&mut self.held);
            joined.extend_from_slice(text);
            self.write_text(&joined, escape.is_none());
        }
        match rest.split_first() {
            Some((escape, rest)) => {
                self.held.push(*escape);
                rest
            }
            None => rest,
        }
    }

    /// Writes text, but for the character at its end that may go on in the next chunk.
    fn write_text(&mut self, text: &[u8], goes_on: bool) {
        let unfinished = if goes_on {
            sequence::unfinished_char(text)
        } else {
            0
        };
        let (mut text, tail) = text.split_at(text.len() - unfinished);
        self.held.extend_from_slice(tail);
        while let Some(at) = memchr::memchr2(0x0e, 0x0f, text) {
            self.draw(&text[..at]);
            self.modes.charsets.shift(text[at] == 0x0e);
            text = &text[at + 1..];
        }
        self.draw(text);
    }

    /// A character that is begun at its end stays so, and takes no cell. To vte it may go on in the next call, where
    /// it can take what follows for its own.
    fn draw(&mut self, text: &[u8]) {
        let text = stand_in::stand_in(sequence::without_unfinished_chars(text));
        if self.modes.charsets.drawing() {
            selector::write(&mut self.parser, &charset::Charsets::translate(&text));
        } else {
            selector::write(&mut self.parser, &text);
        }
    }

    /// A sequence up to its end; what follows it is given back.
    fn feed_sequence<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        for (at, byte) in bytes.iter().enumerate() {
            self.state = self.state.next(*byte);
            if self.held.len() < SEQUENCE_BYTES {
                self.held.push(*byte);
            } else {
                self.cut = true;
            }
            if self.state == State::Ground {
                self.sequence_whole();
                return &bytes[at + 1..];
            }
        }
        &[]
    }

    fn sequence_whole(&mut self) {
        let mut sequence = std::mem::take(&mut self.held);
        if !std::mem::take(&mut self.cut) {
            self.obey(&sequence);
        }
        // Keep the small buffer for the next sequence, not a large one.
        if sequence.capacity() <= 256 {
            sequence.clear();
            self.held = sequence;
        }
    }

    fn obey(&mut self, sequence: &[u8]) {
        self.reader.advance(&mut self.modes, sequence);
        let effects = self.modes.take_effects();
        if effects.is_empty() {
            self.parser.process(sequence);
            return;
        }
        for effect in effects {
            self.apply(effect, sequence);
        }
    }

    /// Obeys a sequence that needs more, or other, than vt100 does.
    fn apply(&mut self, effect: Effect, sequence: &[u8]) {
        match effect {
            Effect::SaveCursor => {
                self.note_cursor();
                self.parser.process(b"\x1b7");
            }
            Effect::RestoreCursor => {
                self.restore_origin();
                self.parser.process(b"\x1b8");
            }
            Effect::EnterAlternate { saves } => self.enter_alternate(saves),
            Effect::LeaveAlternate { restores } => self.leave_alternate(restores),
            Effect::Private(number, on) => {
                let set = if on { 'h' } else { 'l' };
                self.parser
                    .process(format!("\x1b[?{number}{set}").as_bytes());
            }
            Effect::Repeat(count) => {
                // A longer run would only cost time: it has filled its line.
                let count = count.min(self.size().cols);
                self.parser.process(format!("\x1b[{count}b").as_bytes());
            }
            Effect::Keypad(on) => self.parser.process(if on { b"\x1b=" } else { b"\x1b>" }),
            Effect::EraseScrollback => self.above().scrollback.clear(),
            Effect::Unknown => {}
            Effect::ResetSoft => self.reset_soft(),
            Effect::ResetAll => {
                self.parser.process(sequence);
                self.modes = Modes::new(self.modes.rows);
                self.above().scrollback.clear();
            }
        }
    }

    fn above(&mut self) -> &mut Above {
        self.parser.callbacks_mut()
    }

    fn note_cursor(&mut self) {
        let screen = self.parser.screen();
        let (row, col) = screen.cursor_position();
        let style = screen.attributes_formatted();
        let grid = self.modes.grid_mut();
        let origin = grid.origin;
        grid.saved = Some(Placed {
            row,
            col,
            style,
            origin,
        });
    }

    fn restore_origin(&mut self) {
        let saved = self.modes.grid().saved.as_ref();
        let origin = saved.is_some_and(|saved| saved.origin);
        self.modes.grid_mut().origin = origin;
    }

    fn leave_alternate(&mut self, restores: bool) {
        self.modes.in_alternate = false;
        if restores {
            self.restore_origin();
            self.parser.process(b"\x1b[?1049l");
        } else {
            let at = self.parser.screen().cursor_position();
            self.parser.process(b"\x1b[?47l");
            self.cursor_to(at);
        }
    }

    fn enter_alternate(&mut self, saves: bool) {
        let at = self.parser.screen().cursor_position();
        if saves {
            self.note_cursor();
        }
        if self.modes.in_alternate {
            // Nothing is switched, and nothing cleared.
            if saves {
                self.parser.process(b"\x1b7");
            }
            return;
        }
        if saves {
            self.modes.alternate = modes::GridModes::default();
        }
        self.modes.in_alternate = true;
        self.modes.alternate_saves = saves;
        let enter: &[u8] = if saves { b"\x1b[?1049h" } else { b"\x1b[?47h" };
        self.parser.process(enter);
        self.cursor_to(at);
    }

    /// Both screens have one cursor between them; to vt100 each has its own.
    fn cursor_to(&mut self, (row, col): (u16, u16)) {
        if !self.modes.grid().origin {
            self.parser
                .process(format!("\x1b[{};{}H", row + 1, col + 1).as_bytes());
        }
    }

    /// DECSTR: modes and style, not the screen; the cursor stays.
    fn reset_soft(&mut self) {
        let (row, col) = self.parser.screen().cursor_position();
        self.parser
            .process(b"\x1b[r\x1b[?6l\x1b[?1l\x1b>\x1b[m\x1b[?25h\x1b7");
        let grid = self.modes.grid_mut();
        *grid = modes::GridModes::default();
        self.cursor_to((row, col));
        self.modes.insert = false;
        self.modes.charsets = charset::Charsets::default();
    }
}

/// As vt100 wants them. Sizes are clamped to 1.. long before.
fn rows_and_cols(size: Size) -> (NonZeroU16, NonZeroU16) {
    let at_least_one = |value| NonZeroU16::new(value).unwrap_or(NonZeroU16::MIN);
    (at_least_one(size.rows), at_least_one(size.cols))
}

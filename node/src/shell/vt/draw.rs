//! Text on its way to vt100, which sees no control and no U+FE0F that it would take for something else.

use std::{borrow::Cow, num::NonZeroU16};

use super::{Above, Vt, charset::Charsets, sequence, stand_in};

/// Makes the character before it an emoji, mostly two cells wide.
const SELECTOR: &str = "\u{fe0f}";
const BS: u8 = 0x08;
const VT: u8 = 0x0b;
const FF: u8 = 0x0c;
const SO: u8 = 0x0e;
const SI: u8 = 0x0f;

impl Vt {
    /// Draws text without sequences.
    pub(super) fn draw(&mut self, text: &[u8]) {
        let mut rest = text;
        // Of most text that much is told soonest.
        if memchr::memchr3(BS, b'\t', VT, text).is_some()
            || memchr::memchr3(FF, SO, SI, text).is_some()
            || memchr::memchr_iter(b'\n', text).any(|at| is_seen_to(text, at))
        {
            while let Some(at) = (0..rest.len()).find(|at| is_seen_to(rest, *at)) {
                self.print(&rest[..at]);
                self.control(rest[at]);
                rest = &rest[at + 1..];
            }
        }
        self.print(rest);
    }

    /// A cursor past the last column is in it to BS and LF, and beyond all tab stops. vt100 counts on from there.
    pub(super) fn control(&mut self, control: u8) {
        self.behind_character = false;
        match control {
            SO | SI => return self.modes.charsets.shift(control == SO),
            b'\t' if self.is_past_line() => return,
            b'\t' => {}
            BS => self.go_inside(),
            b'\n'..=FF if self.modes.newline => self.parser.process(b"\r"),
            b'\n'..=FF => self.go_inside(),
            _ => {}
        }
        self.parser.process(&[control]);
    }

    /// A character that is begun at its end stays so, and takes no cell. To vte it may go on in the next call, where
    /// it can take what follows for its own.
    fn print(&mut self, text: &[u8]) {
        let text = sequence::without_unfinished_chars(text);
        let shown = stand_in::stand_in(text);
        let drawn = if self.modes.charsets.drawing() {
            Cow::Owned(Charsets::translate(&shown))
        } else {
            shown
        };
        self.behind_character = write(&mut self.parser, &drawn, self.behind_character);
    }

    /// REP. Nothing is repeated once something else has come after the character.
    pub(super) fn repeat(&mut self, count: u16) {
        let (row, col) = self.screen().cursor_position();
        let repeated = self.character_before(row, col).map(vt100::Cell::contents);
        if let Some(character) = repeated.filter(|_| self.behind_character) {
            // Programs repeat within a line; ten bytes that draw a whole screen anew would let one cost too much.
            let run = character.repeat(count.min(self.size().cols).into());
            write(&mut self.parser, run.as_bytes(), true);
        }
    }

    /// What stands before the cursor; of a wide character that is the first half, unless the cursor is in its midst.
    pub(super) fn character_before(&self, row: u16, col: u16) -> Option<&vt100::Cell> {
        let cell = |back| {
            col.checked_sub(back)
                .and_then(|col| self.screen().cell(row, col))
        };
        let before = cell(1)?;
        if before.is_wide_continuation() {
            cell(2)
        } else {
            Some(before).filter(|cell| !cell.is_wide())
        }
    }
}

/// Whether a control is not left to vt100. It is, for speed, where it ends a line behind CR.
fn is_seen_to(text: &[u8], at: usize) -> bool {
    match text[at] {
        b'\n' => at == 0 || text[at - 1] != b'\r',
        byte => matches!(byte, BS..=FF | SO | SI),
    }
}

/// Gives vt100 text, but U+FE0F only where it belongs to the character right before it. Whether text and cursor are
/// right behind a character is told before, and given back.
pub fn write(parser: &mut vt100::Parser<Above>, text: &[u8], behind_character: bool) -> bool {
    let (mut rest, mut behind_character) = (text, behind_character);
    // Of most text that much is told soonest.
    let selects = memchr::memchr(SELECTOR.as_bytes()[0], text).is_some();
    while let Some(at) = selects.then(|| find_selector(rest)).flatten() {
        let before = sequence::without_unfinished_chars(&rest[..at]);
        parser.process(before);
        behind_character = ends_with_character(before).unwrap_or(behind_character);
        if behind_character {
            select_emoji(parser);
        }
        rest = &rest[at + SELECTOR.len()..];
    }
    parser.process(rest);
    ends_with_character(rest).unwrap_or(behind_character)
}

fn find_selector(text: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, SELECTOR.as_bytes())
}

/// None where there is nothing at all.
fn ends_with_character(text: &[u8]) -> Option<bool> {
    text.last().map(|byte| *byte >= b' ')
}

/// U+FE0F. A character in the last column that it makes wider goes to the next line; where that scrolls, vt100 would
/// take it from the wrong one, and leave half a character that it fails at later.
fn select_emoji(parser: &mut vt100::Parser<Above>) {
    let screen = parser.screen();
    let cols = screen.size().1.get();
    let (row, col) = screen.cursor_position();
    let last = screen.cell(row, cols - 1).filter(|_| col >= cols);
    let widened = last.filter(|cell| !cell.is_wide_continuation() && widens(cell.contents()));
    let Some(cell) = widened else {
        return parser.process(SELECTOR.as_bytes());
    };
    // In a single column there is no room for it at all.
    if cols > 1 {
        let moved = format!("\x1b[{cols}G\x1b[X\r\n{}{SELECTOR}", cell.contents());
        parser.process(moved.as_bytes());
    }
}

/// Whether U+FE0F makes the character wide. Only vt100 knows: it is tried aside.
fn widens(character: &str) -> bool {
    let one = NonZeroU16::MIN;
    let mut aside = vt100::Parser::new(one, one.saturating_add(3), 0);
    aside.process(character.as_bytes());
    aside.process(SELECTOR.as_bytes());
    aside.screen().cell(0, 0).is_some_and(vt100::Cell::is_wide)
}

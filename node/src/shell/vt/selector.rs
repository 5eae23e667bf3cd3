//! U+FE0F, which makes the character before it an emoji, mostly two cells wide.

use std::num::NonZeroU16;

use super::{Above, sequence};

const SELECTOR: &str = "\u{fe0f}";

/// Gives vt100 text. A character in the last column that is made wider goes to the next line; where that scrolls,
/// vt100 would take it from the wrong one, and leave half a character that it fails at later.
pub fn write(parser: &mut vt100::Parser<Above>, text: &[u8]) {
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, SELECTOR.as_bytes()) {
        parser.process(sequence::without_unfinished_chars(&rest[..at]));
        select(parser);
        rest = &rest[at + SELECTOR.len()..];
    }
    parser.process(rest);
}

fn select(parser: &mut vt100::Parser<Above>) {
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

/// Only vt100 knows: it is tried aside.
fn widens(character: &str) -> bool {
    let one = NonZeroU16::MIN;
    let mut aside = vt100::Parser::new(one, one.saturating_add(3), 0);
    aside.process(character.as_bytes());
    aside.process(SELECTOR.as_bytes());
    aside.screen().cell(0, 0).is_some_and(vt100::Cell::is_wide)
}

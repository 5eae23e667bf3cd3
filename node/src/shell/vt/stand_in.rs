//! U+FFFD, which programs print for what they cannot read: a cell wide everywhere, but vt100 leaves it out.

use std::borrow::Cow;

const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// Text with a question mark for each. What is no UTF-8 stays: that takes no cell in the browser, either.
pub fn stand_in(text: &[u8]) -> Cow<'_, [u8]> {
    // Of most text that much is told soonest.
    if memchr::memchr(REPLACEMENT[0], text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut drawn = Vec::with_capacity(text.len());
    let mut from = 0;
    for at in memchr::memmem::find_iter(text, REPLACEMENT) {
        drawn.extend_from_slice(&text[from..at]);
        drawn.push(b'?');
        from = at + REPLACEMENT.len();
    }
    drawn.extend_from_slice(&text[from..]);
    Cow::Owned(drawn)
}

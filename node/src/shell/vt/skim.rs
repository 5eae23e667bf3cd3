//! Passing over output that cannot be seen any more.
//!
//! A flood of lines scrolls by: what is on the screen in the end, and in the lines above it, is
//! its last part. Where the rest is only text and styles it need not be drawn, which makes it a
//! hundred times cheaper. Modes that it sets are set.

use super::{Vt, sequence::State};

/// Passing over less is not worth looking.
const WORTH_BYTES: usize = 8 * 1024;

/// What a sequence in passed-over output asks for.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// Ends all styles: what was set before is of no interest.
    ResetStyle,
    Style,
    /// A mode or a title: to be obeyed, wherever the cursor is.
    Mode,
    /// Something within the line, which is gone, or nothing at all.
    InLine,
    /// Anything else: the output has to be drawn.
    Other,
}

impl Vt {
    /// Passes over as much of the beginning of `bytes` as cannot be seen any more once the rest is
    /// fed; how much it was. Feeding the rest then leads to the same as feeding all.
    pub fn pass_over(&mut self, bytes: &[u8]) -> usize {
        let rows = self.size().rows;
        let lines = self.above().scrollback.max_lines() + usize::from(rows);
        let Some(cut) = cut_before_last_lines(bytes, lines).filter(|cut| *cut >= WORTH_BYTES)
        else {
            return 0;
        };
        let plain = self.state == State::Ground
            && self.held.is_empty()
            && !self.modes.in_alternate
            && self.modes.main.region.is_none()
            && !self.modes.origin
            && !self.modes.charsets.drawing();
        let Some(obeyed) = plain.then(|| sequences_to_obey(bytes, cut)).flatten() else {
            return 0;
        };
        // As it would be then: the cursor at the bottom, all that was there scrolled away.
        let style = self.parser.screen().attributes_formatted();
        let bottom = format!("\x1b[m\x1b[2J\x1b[{rows};1H{style}");
        self.parser.process(bottom.as_bytes());
        self.behind_character = false;
        self.above().scrollback.clear();
        for sequence in obeyed {
            self.obey(sequence);
        }
        self.offset += cut as u64;
        cut
    }
}

/// Where the last so many lines begin, if there are as many and a line ends with CR LF there.
fn cut_before_last_lines(bytes: &[u8], lines: usize) -> Option<usize> {
    let end = memchr::memrchr_iter(b'\n', bytes).nth(lines)?;
    let returned = end.checked_sub(1).and_then(|before| bytes.get(before)) == Some(&b'\r');
    returned.then_some(end + 1)
}

/// The sequences before the cut that matter though the output there is not drawn. None when the
/// output must be drawn, for what is in it, before the cut or after: had a program moved the cursor
/// up, the lines would not have scrolled away.
fn sequences_to_obey(bytes: &[u8], cut: usize) -> Option<Vec<&[u8]>> {
    if memchr::memchr2(0x0e, 0x0f, bytes).is_some() {
        return None;
    }
    let mut modes = Vec::new();
    let mut styles = Vec::new();
    let mut at = 0;
    while let Some(escape) = memchr::memchr(0x1b, &bytes[at..]) {
        let begin = at + escape;
        let Some(length) = sequence_length(&bytes[begin..]) else {
            // Not whole yet: harmless at the very end, where it does nothing so far. A line break in
            // it was counted as a line and scrolls nothing.
            let rest = &bytes[begin..];
            let unfinished = begin >= cut
                && rest.len() < super::SEQUENCE_BYTES
                && memchr::memchr(b'\n', rest).is_none();
            return unfinished.then(|| joined(modes, styles));
        };
        let sequence = &bytes[begin..begin + length];
        at = begin + length;
        if begin < cut && at > cut {
            return None;
        }
        match kind(sequence) {
            Kind::Other => return None,
            _ if begin >= cut => {}
            Kind::ResetStyle => styles = vec![sequence],
            Kind::Style => styles.push(sequence),
            Kind::Mode => modes.push(sequence),
            Kind::InLine => {}
        }
    }
    Some(joined(modes, styles))
}

fn joined<'a>(mut modes: Vec<&'a [u8]>, mut styles: Vec<&'a [u8]>) -> Vec<&'a [u8]> {
    modes.append(&mut styles);
    modes
}

/// Length of the sequence at the beginning, if it is whole, or another one has ended it.
fn sequence_length(bytes: &[u8]) -> Option<usize> {
    let mut state = State::Ground;
    for (at, byte) in bytes.iter().enumerate().take(super::SEQUENCE_BYTES) {
        if at > 0 && *byte == 0x1b {
            return Some(at);
        }
        state = state.next(*byte);
        if state == State::Ground {
            return Some(at + 1);
        }
    }
    None
}

fn kind(sequence: &[u8]) -> Kind {
    let Some((last, first)) = sequence.split_last() else {
        return Kind::Other;
    };
    // A line break inside a sequence was counted as a line and may scroll nothing (in a title).
    if sequence.contains(&b'\n') {
        return Kind::Other;
    }
    match (first, last) {
        ([0x1b, b'[', params @ ..], b'm') => match params {
            [] | b"0" => Kind::ResetStyle,
            [b'0'..=b'9' | b':' | b';', ..] => Kind::Style,
            [b'<'..=b'?', ..] => Kind::Mode,
            _ => Kind::Other,
        },
        ([0x1b, b'[', b'?', numbers @ ..], b'h' | b'l') => mode_kind(numbers),
        ([0x1b, b'[', b'0'..=b'9', ..], b'h' | b'l') => Kind::Mode,
        ([0x1b, b'[', .., b' '], b'q') => Kind::Mode,
        ([0x1b, b'[', params @ ..], b'K' | b'X' | b'P' | b'@' | b'C' | b'D' | b'G' | b'b') => {
            let plain = params
                .iter()
                .all(|byte| byte.is_ascii_digit() || *byte == b';');
            if plain { Kind::InLine } else { Kind::Other }
        }
        ([0x1b], b'\\') => Kind::InLine,
        ([0x1b], b'=' | b'>') | ([0x1b, b'(' | b')'], _) | ([0x1b, b']', ..], _) => Kind::Mode,
        _ => Kind::Other,
    }
}

/// Private modes that do not depend on where the cursor is, nor change that.
fn mode_kind(numbers: &[u8]) -> Kind {
    let harmless = |number: &[u8]| {
        matches!(
            number,
            b"1" | b"7"
                | b"12"
                | b"25"
                | b"45"
                | b"1000"
                | b"1002"
                | b"1003"
                | b"1004"
                | b"1005"
                | b"1006"
                | b"1007"
                | b"1015"
                | b"1016"
                | b"2004"
                | b"2026"
        )
    };
    let all = numbers.split(|byte| *byte == b';').all(harmless);
    if all { Kind::Mode } else { Kind::Other }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_sorted_by_what_they_touch() {
        for (sequence, expected) in [
            ("\x1b[m", Kind::ResetStyle),
            ("\x1b[0m", Kind::ResetStyle),
            ("\x1b[1;31m", Kind::Style),
            ("\x1b[>4;1m", Kind::Mode),
            ("\x1b[\r0m", Kind::Other),
            ("\x1b[?25l", Kind::Mode),
            ("\x1b[?25;1049h", Kind::Other),
            ("\x1b[?6h", Kind::Other),
            ("\x1b[4h", Kind::Mode),
            ("\x1b[K", Kind::InLine),
            ("\x1b[2J", Kind::Other),
            ("\x1b[5A", Kind::Other),
            ("\x1b7", Kind::Other),
            ("\x1bM", Kind::Other),
            ("\x1b[5\nm", Kind::Other),
            ("\x1b]2;title\x07", Kind::Mode),
            ("\x1b]2;title", Kind::Mode),
            ("\x1b\\", Kind::InLine),
            ("\x1b[1", Kind::Other),
            ("\x1b]2;title\r\n\x07", Kind::Other),
            ("\x1b(0", Kind::Mode),
            ("\x1bPq#0\x1b\\", Kind::Other),
        ] {
            assert_eq!(
                kind(sequence.as_bytes()),
                expected,
                "{}",
                sequence.escape_debug()
            );
        }
    }

    #[test]
    fn a_sequence_ends_where_another_begins() {
        for (bytes, length) in [
            (&b"\x1b[1mx"[..], Some(4)),
            (b"\x1b]0;t\x1b[10A", Some(5)),
            (b"\x1b\x1b[m", Some(1)),
            (b"\x1b]0;t", None),
        ] {
            assert_eq!(sequence_length(bytes), length, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn the_cut_leaves_the_wanted_lines_whole() {
        assert_eq!(cut_before_last_lines(b"a\r\nb\r\nc\r\nd", 2), Some(3));
        assert_eq!(cut_before_last_lines(b"a\nb\r\nc\r\nd", 2), None);
        assert_eq!(cut_before_last_lines(b"b\r\nc\r\nd", 2), None);
    }
}

//! Where a stream of terminal output stands between escape sequences.

/// The part of the well-known ANSI parser state machine that says where a sequence ends. What the
/// sequences mean is the VT state's business.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Text; between sequences.
    #[default]
    Ground,
    /// After ESC.
    Escape,
    /// After ESC and bytes that say what kind of sequence it is, as in `ESC ( B`.
    Intermediate,
    /// After `ESC [`.
    Csi,
    /// Ends with BEL or ST.
    Osc,
    /// DCS, SOS, PM, APC: end with ST.
    Text,
}

impl State {
    /// The state after one more byte. `Ground` means that the byte was the sequence's last; an ESC is the first of
    /// another one.
    pub fn next(self, byte: u8) -> Self {
        match (self, byte) {
            (_, 0x18 | 0x1a) => Self::Ground,
            (_, 0x1b) => Self::Escape,
            (Self::Escape, 0x20..=0x2f) => Self::Intermediate,
            (Self::Escape, b'[') => Self::Csi,
            (Self::Escape, b']') => Self::Osc,
            (Self::Escape, b'P' | b'X' | b'^' | b'_') => Self::Text,
            (Self::Escape | Self::Intermediate, 0x30..=0x7e) => Self::Ground,
            (Self::Csi, 0x40..=0x7e) | (Self::Osc, 0x07) => Self::Ground,
            (state, _) => state,
        }
    }
}

/// How many bytes at the end of `text` are the beginning of a character that is not whole yet.
pub fn unfinished_char(text: &[u8]) -> usize {
    let tail = &text[text.len().saturating_sub(3)..];
    for (at, byte) in tail.iter().enumerate().rev() {
        let length = match byte {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            0x80..=0xbf => continue,
            _ => return 0,
        };
        let here = tail.len() - at;
        // A tail that can never become a character is no reason to wait.
        let may_grow = std::str::from_utf8(&tail[at..]).is_err_and(|e| e.error_len().is_none());
        return if here < length && may_grow { here } else { 0 };
    }
    0
}

/// The text without what is begun at its end: once one is cut off, another may have been begun before it.
pub fn without_unfinished_chars(text: &[u8]) -> &[u8] {
    let mut rest = text;
    loop {
        match unfinished_char(rest) {
            0 => return rest,
            unfinished => rest = &rest[..rest.len() - unfinished],
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Notes when the reference parser prints.
    #[derive(Default)]
    struct Printed(Vec<char>);

    impl vte::Perform for Printed {
        fn print(&mut self, c: char) {
            self.0.push(c);
        }
    }

    fn escape_soup() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            4 => Just(0x1b_u8),
            4 => prop::sample::select(b"[]PX^_\\?;0123(mhJ\x07 !$".to_vec()),
            1 => any::<u8>(),
        ];
        // To the reference parser alone, the last byte of some characters ends a DCS.
        let byte = byte.prop_filter("ST of one byte", |byte| *byte != 0x9c);
        prop::collection::vec(byte, 0..40)
    }

    proptest! {
        #[test]
        fn ground_is_where_the_reference_parser_prints(soup in escape_soup()) {
            let ours = soup.iter().fold(State::default(), |state, byte| state.next(*byte));
            let mut parser = vte::Parser::new();
            let mut printed = Printed::default();
            parser.advance(&mut printed, &soup);
            let before = printed.0.len();
            // '!' is printed from ground, and from nowhere else.
            parser.advance(&mut printed, b"!");
            prop_assert_eq!(ours == State::Ground, printed.0.len() > before, "{:?}", soup);
        }

        #[test]
        fn text_cut_anywhere_waits_for_its_character(text in "\\PC{1,12}", at in any::<prop::sample::Index>()) {
            let cut = at.index(text.len() + 1);
            let tail = unfinished_char(&text.as_bytes()[..cut]);
            let start = (0..=cut).rev().find(|i| text.is_char_boundary(*i)).unwrap();
            prop_assert_eq!(tail, cut - start);
        }
    }

    #[test]
    fn bytes_that_are_no_character_are_not_waited_for() {
        for text in [
            &b"\xff"[..],
            b"\x80",
            b"a\xc0",
            b"\xed\xa0",
            b"\xf4\x90",
            b"abc",
        ] {
            assert_eq!(unfinished_char(text), 0, "{text:x?}");
        }
    }
}

//! The line-drawing character set, which vt100 does not know.

/// What is drawn for 0x60..=0x7e in DEC Special Graphics.
const GRAPHICS: [char; 31] = [
    '◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼', '⎺', '⎻', '─', '⎼',
    '⎽', '├', '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£', '·',
];

/// Of the character sets there are.
const NAMES: &[u8] = b"0ABC4567=EHKQRYZ";

/// Which sets are designated, and which is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charsets {
    graphics: [bool; 2],
    /// SO was sent: G1 is in use.
    shifted: bool,
    /// Letters are drawn as lines. Mostly as the set in use says; DECRC brings it back by itself.
    drawing: bool,
}

impl Charsets {
    /// `ESC ( name` designates G0, `ESC ) name` G1. A name that is none changes nothing.
    pub fn designate(&mut self, set: usize, name: u8) {
        if !NAMES.contains(&name) {
            return;
        }
        if let Some(graphics) = self.graphics.get_mut(set) {
            *graphics = name == b'0';
        }
        if set == usize::from(self.shifted) {
            self.shift(self.shifted);
        }
    }

    /// G0 is the usual set, and in use; G1 stays what it is.
    pub fn use_usual(&mut self) {
        self.designate(0, b'B');
        self.shift(false);
    }

    /// None is any more.
    pub fn undesignate(&mut self) {
        self.graphics = Default::default();
        self.drawing = false;
    }

    /// SO (true) or SI.
    pub fn shift(&mut self, out: bool) {
        self.shifted = out;
        self.drawing = self.graphics[usize::from(out)];
    }

    /// DECRC, to what it was when the cursor was saved.
    pub fn restore(&mut self, drawing: bool) {
        self.drawing = drawing;
    }

    /// Whether letters are drawn as lines now.
    pub fn drawing(self) -> bool {
        self.drawing
    }

    /// Whether DECRC has made it other than the set in use says.
    pub fn is_restored(self) -> bool {
        self.drawing != self.graphics[usize::from(self.shifted)]
    }

    /// Text as it is drawn while [`Charsets::drawing`].
    pub fn translate(text: &[u8]) -> Vec<u8> {
        let mut drawn = Vec::with_capacity(text.len() * 3);
        for byte in text {
            match byte {
                0x60..=0x7e => {
                    let mut utf8 = [0; 4];
                    let glyph = GRAPHICS[usize::from(byte - 0x60)];
                    drawn.extend_from_slice(glyph.encode_utf8(&mut utf8).as_bytes());
                }
                other => drawn.push(*other),
            }
        }
        drawn
    }

    /// Appends what sets these up in a terminal that was reset.
    pub fn write(self, out: &mut String) {
        for (graphics, designate) in self.graphics.iter().zip(["\x1b(0", "\x1b)0"]) {
            if *graphics {
                out.push_str(designate);
            }
        }
        if self.shifted {
            out.push('\x0e');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_drawn_from_letters() {
        let mut sets = Charsets::default();
        assert!(!sets.drawing());
        sets.designate(1, b'0');
        sets.shift(true);
        assert!(sets.drawing());
        assert_eq!(Charsets::translate(b"lqk\nA"), "┌─┐\nA".as_bytes());
        let mut out = String::new();
        sets.write(&mut out);
        assert_eq!(out, "\x1b)0\x0e");
    }
}

//! Whole sequences.

use super::{Vt, effects::Effect, title};

impl Vt {
    /// Obeys a sequence; one that ESC or CAN has ended early does nothing but for the controls in it, and sets a title
    /// if it was to.
    pub(super) fn obey(&mut self, sequence: &[u8]) {
        let kind = sequence
            .iter()
            .position(|byte| (b' '..=b'~').contains(byte));
        let (read, string) = match kind {
            // An OSC; DCS, SOS, PM and APC, in which nothing changes the screen.
            Some(at) if matches!(sequence[at], b']' | b'P' | b'X' | b'^' | b'_') => {
                sequence.split_at(at)
            }
            _ => (sequence, &[][..]),
        };
        self.reader.advance(&mut self.effects, read);
        self.apply_all(read);
        if let Some((b']', osc)) = string.split_first() {
            self.title = title::set_by(osc).or_else(|| self.title.take());
        }
        self.behind_character = false;
        debug_assert_eq!(self.modes.in_alternate, self.screen().alternate_screen());
    }

    fn apply_all(&mut self, sequence: &[u8]) {
        let mut effects = std::mem::take(&mut self.effects.0);
        for effect in effects.drain(..) {
            self.apply(effect, sequence);
        }
        self.effects.0 = effects;
    }

    fn apply(&mut self, effect: Effect, sequence: &[u8]) {
        match effect {
            Effect::PassOn => self.pass_on(sequence),
            Effect::PassOnInside => {
                self.go_inside();
                self.pass_on(sequence);
            }
            Effect::ShiftLines => self.shift_lines(sequence),
            Effect::Control(control) => self.control(control),
            Effect::SaveCursor => self.save_cursor(),
            Effect::RestoreCursor => self.restore_cursor(),
            Effect::Private(number, on) => self.set_private(number, on),
            Effect::Ansi(number, on) => self.set_ansi(number, on),
            Effect::Region(top, bottom) => self.set_region(top, bottom),
            Effect::Designate(set, name) => self.modes.charsets.designate(set, name),
            Effect::ToRow(row) => self.go_to_row(row),
            Effect::Tabs(count) => {
                (0..count.min(self.size().cols)).for_each(|_| self.control(b'\t'))
            }
            Effect::TabsBack(count) => self.go_back_tabs(count),
            Effect::Index => self.index(),
            Effect::NextLine => self.parser.process(b"\r\n"),
            Effect::Repeat(count) => self.repeat(count),
            Effect::EraseScrollback => self.above().scrollback.clear(),
            Effect::ResetSoft => self.reset_soft(),
            Effect::ResetAll => self.reset_all(),
        }
    }

    /// The controls within it have had their turn.
    fn pass_on(&mut self, sequence: &[u8]) {
        if sequence.iter().skip(1).all(|byte| *byte >= b' ') {
            return self.parser.process(sequence);
        }
        let controls = |(at, byte): &(usize, u8)| *at > 0 && *byte < b' ';
        let bytes = sequence.iter().copied().enumerate();
        let bare: Vec<u8> = bytes
            .filter(|one| !controls(one))
            .map(|(_, byte)| byte)
            .collect();
        self.parser.process(&bare);
    }

    /// Within the region; elsewhere nothing happens.
    fn shift_lines(&mut self, sequence: &[u8]) {
        self.go_inside();
        self.pass_on(sequence);
        let (top, bottom) = self.modes.region();
        if (top..=bottom).contains(&self.screen().cursor_position().0) {
            self.parser.process(b"\r");
        }
    }

    fn index(&mut self) {
        self.go_inside();
        self.parser.process(b"\n");
    }
}

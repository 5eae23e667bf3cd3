//! Whole sequences.

use std::borrow::Cow;

use super::{Vt, effects::Effect, style, title};

impl Vt {
    /// Obeys a sequence; one that ESC or CAN has ended early does nothing but for the controls in it, and, if it was
    /// ESC, sets a title.
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
            Effect::Style => self.set_style(sequence),
            Effect::Up(count) => self.go_up(count),
            Effect::Down(count) => self.go_down(count),
            Effect::LineUp(count) => {
                self.go_up(count);
                self.parser.process(b"\r");
            }
            Effect::LineDown(count) => {
                self.go_down(count);
                self.parser.process(b"\r");
            }
            Effect::ScrollUp => {
                self.above().drops = true;
                self.pass_on(sequence);
                self.above().drops = false;
            }
            Effect::ReverseIndex => self.reverse_index(),
            Effect::ShiftLines => self.shift_lines(sequence),
            Effect::Control(control) => self.control(control),
            Effect::SaveCursor => self.save_cursor(),
            Effect::RestoreCursor => self.restore_cursor(),
            Effect::Private(number, on) => self.set_private(number, on),
            Effect::Ansi(number, on) => self.set_ansi(number, on),
            Effect::Region(top, bottom) => self.set_region(top, bottom),
            Effect::Designate(set, name) => self.modes.charsets.designate(set, name),
            Effect::UsualCharset => self.modes.charsets.use_usual(),
            Effect::ToRow(row) => self.go_to_row(row),
            Effect::Tabs(count) => self.go_on_tabs(count),
            Effect::TabsBack(count) => self.go_back_tabs(count),
            Effect::Index => self.index(),
            Effect::NextLine => self.parser.process(b"\r\n"),
            Effect::Repeat(count) => self.repeat(count),
            // The alternate screen has none.
            Effect::EraseScrollback if self.modes.in_alternate => {}
            Effect::EraseScrollback => self.above().scrollback.clear(),
            Effect::ResetSoft => self.reset_soft(),
            Effect::ResetAll => self.reset_all(),
        }
    }

    fn pass_on(&mut self, sequence: &[u8]) {
        let sequence = &without_controls(sequence);
        let screen = self.parser.screen();
        // What is erased keeps the background of the style alone.
        let erases = matches!(sequence.last(), Some(b'J' | b'K' | b'X'));
        if erases && (screen.inverse() || screen.underline()) {
            let style = screen.attributes_formatted();
            self.parser.process(b"\x1b[24;27m");
            self.parser.process(sequence);
            self.parser.process(style.as_bytes());
        } else {
            self.parser.process(sequence);
        }
    }

    fn set_style(&mut self, sequence: &[u8]) {
        let sequence = &without_controls(sequence);
        let params = &sequence[2..sequence.len() - 1];
        if style::is_known(params) {
            self.parser.process(sequence);
        } else {
            self.parser.process(style::known(params).as_bytes());
        }
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

    /// At the top of the screen, above a region, nothing happens.
    fn reverse_index(&mut self) {
        self.go_inside();
        let row = self.screen().cursor_position().0;
        if row > 0 || self.modes.region().0 == 0 {
            self.parser.process(b"\x1bM");
        }
    }
}

/// The controls within a sequence have their turn apart.
fn without_controls(sequence: &[u8]) -> Cow<'_, [u8]> {
    if sequence.iter().skip(1).all(|byte| *byte >= b' ') {
        return Cow::Borrowed(sequence);
    }
    let is_part = |(at, byte): &(usize, u8)| *at == 0 || *byte >= b' ';
    let bytes = sequence.iter().copied().enumerate();
    bytes.filter(is_part).map(|(_, byte)| byte).collect()
}

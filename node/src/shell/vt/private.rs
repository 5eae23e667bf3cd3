//! DEC private modes, one at a time.

use super::{Vt, modes::MOUSE_PIXELS};

/// The mouse is told as SGR does.
const MOUSE_SGR: u16 = 1006;

impl Vt {
    pub(super) fn set_private(&mut self, number: u16, on: bool) {
        match number {
            1 | 25 | 2004 => self.pass_private(number, on),
            2 if on => self.modes.charsets.undesignate(),
            6 => self.set_origin(on),
            66 => self.parser.process(if on { b"\x1b=" } else { b"\x1b>" }),
            9 | 1000 | 1002 | 1003 => self.set_mouse(number, on),
            MOUSE_SGR | MOUSE_PIXELS => self.set_mouse_encoding(number, on),
            47 | 1047 | 1049 if on => self.enter_alternate(number == 1049),
            47 | 1047 | 1049 => self.leave_alternate(number == 1049),
            1048 if on => self.save_cursor(),
            1048 => self.restore_cursor(),
            _ => self.modes.note(number, on),
        }
    }

    pub(super) fn set_ansi(&mut self, number: u16, on: bool) {
        match number {
            4 => self.modes.insert = on,
            20 => self.modes.newline = on,
            _ => {}
        }
    }

    fn pass_private(&mut self, number: u16, on: bool) {
        let set = if on { 'h' } else { 'l' };
        self.parser
            .process(format!("\x1b[?{number}{set}").as_bytes());
    }

    /// One at a time, the last that was set. Resetting any ends it.
    fn set_mouse(&mut self, number: u16, on: bool) {
        if on {
            self.pass_private(number, true);
        } else {
            [9, 1000, 1002, 1003]
                .into_iter()
                .for_each(|mode| self.pass_private(mode, false));
        }
    }

    /// The same.
    fn set_mouse_encoding(&mut self, number: u16, on: bool) {
        self.modes.note(MOUSE_PIXELS, on && number == MOUSE_PIXELS);
        self.pass_private(MOUSE_SGR, on && number == MOUSE_SGR);
    }

    /// DECSTR: modes and style, not the screen; the cursor stays.
    pub(super) fn reset_soft(&mut self) {
        let at = self.parser.screen().cursor_position();
        let moves = self.modes.origin || self.modes.grid().region.is_some();
        self.modes.reset_soft();
        self.parser
            .process(b"\x1b[?1l\x1b>\x1b[?2004l\x1b[m\x1b[?25h\x1b[0 q");
        if moves {
            self.parser.process(b"\x1b[r\x1b[?6l");
            self.cursor_to(at);
        }
    }

    /// RIS. xterm.js keeps one mode through it.
    pub(super) fn reset_all(&mut self) {
        let newline = self.modes.newline;
        self.modes = super::Modes::new(self.size().rows);
        self.modes.newline = newline;
        self.parser.process(b"\x1bc");
        self.above().scrollback.clear();
    }
}

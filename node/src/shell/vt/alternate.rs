//! The alternate screen. Both screens have one cursor and one origin mode between them; to vt100 each has its own.

use super::{Vt, modes::GridModes};

impl Vt {
    /// It is blank whenever it is entered. 1049 saves the cursor first.
    pub(super) fn enter_alternate(&mut self, saves: bool) {
        if saves {
            self.save_cursor();
        }
        if self.modes.in_alternate {
            return;
        }
        self.modes.in_alternate = true;
        self.modes.alternate_saves = saves;
        self.modes.alternate = GridModes::default();
        self.switch(b"\x1b[?47h\x1b[r\x1b[2J");
    }

    /// 1049 restores the cursor afterwards, whatever was shown.
    pub(super) fn leave_alternate(&mut self, restores: bool) {
        if self.modes.in_alternate {
            self.modes.in_alternate = false;
            self.switch(b"\x1b[?47l");
        }
        if restores {
            self.restore_cursor();
        }
    }

    fn switch(&mut self, to: &[u8]) {
        let at = self.parser.screen().cursor_position();
        self.parser.process(to);
        self.set_origin(self.modes.origin);
        self.cursor_to(at);
    }
}

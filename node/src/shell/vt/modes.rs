//! The terminal's modes that vt100 keeps to itself or does not know, noted as they are set, so that
//! a snapshot can set them again.

use super::{Placed, charset};

/// DEC private modes that are only passed on, with their value after a reset.
const PASSED_ON: [(u16, bool); 5] = [
    (7, true),     // wraparound
    (45, false),   // reverse wraparound
    (1004, false), // focus events
    (1007, false), // wheel as arrow keys
    (1016, false), // mouse in pixels
];

/// What a sequence does beside what vt100 makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    SaveCursor,
    RestoreCursor,
    /// 1049: the cursor is saved first.
    EnterAlternate {
        saves: bool,
    },
    /// 1049: the cursor is restored afterwards.
    LeaveAlternate {
        restores: bool,
    },
    /// RIS: as a terminal that was just switched on.
    ResetAll,
    /// DECSTR: modes and style, not what is on the screen.
    ResetSoft,
    /// ED with 3: the lines above the screen go.
    EraseScrollback,
    /// REP, with its count.
    Repeat(u16),
    /// DECNKM: the keypad by mode number.
    Keypad(bool),
    /// One of several private modes in a sequence that has other effects too.
    Private(u16, bool),
    /// Of a function that no terminal has. vt100 looks at the first mark alone, and would take it for another.
    Unknown,
}

/// Modes that the main and the alternate screen have apart.
#[derive(Clone, Debug, Default)]
pub struct GridModes {
    /// Scroll region, first and last row from 0; None: the whole screen.
    pub region: Option<(u16, u16)>,
    /// DECOM: rows count from the region's first.
    pub origin: bool,
    /// What DECRC goes back to.
    pub saved: Option<Placed>,
}

/// All of them. Implements [`vte::Perform`]: feed it each whole sequence, then take the effects.
#[derive(Clone, Debug)]
pub struct Modes {
    /// Also kept while the alternate screen is shown.
    pub main: GridModes,
    pub alternate: GridModes,
    pub in_alternate: bool,
    /// The alternate screen was entered by 1049.
    pub alternate_saves: bool,
    pub charsets: charset::Charsets,
    /// IRM: what is written moves the rest of its line.
    pub insert: bool,
    /// LNM: a line feed goes to the first column, too.
    pub newline: bool,
    passed_on: [bool; PASSED_ON.len()],
    /// The screen's, which regions are cut to.
    pub rows: u16,
    effects: Vec<Effect>,
}

impl Modes {
    /// As after a reset.
    pub fn new(rows: u16) -> Self {
        Self {
            main: GridModes::default(),
            alternate: GridModes::default(),
            in_alternate: false,
            alternate_saves: false,
            charsets: charset::Charsets::default(),
            insert: false,
            newline: false,
            passed_on: PASSED_ON.map(|(_, default)| default),
            rows,
            effects: Vec::new(),
        }
    }

    /// The modes of the screen that is shown.
    pub fn grid(&self) -> &GridModes {
        if self.in_alternate {
            &self.alternate
        } else {
            &self.main
        }
    }

    /// The same, to be changed.
    pub fn grid_mut(&mut self) -> &mut GridModes {
        if self.in_alternate {
            &mut self.alternate
        } else {
            &mut self.main
        }
    }

    /// What the sequences since the last call do.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Appends what sets the passed-on modes that are not as after a reset.
    pub fn write_passed_on(&self, out: &mut String) {
        for ((number, default), on) in PASSED_ON.iter().zip(self.passed_on) {
            if on != *default {
                out.push_str(&format!("\x1b[?{number}{}", if on { 'h' } else { 'l' }));
            }
        }
        if self.newline {
            out.push_str("\x1b[20h");
        }
    }

    fn set_private(&mut self, number: u16, on: bool, among_others: bool) {
        match number {
            6 => {
                self.grid_mut().origin = on;
                if among_others {
                    self.effects.push(Effect::Private(6, on));
                }
            }
            66 => self.effects.push(Effect::Keypad(on)),
            1048 if on => self.effects.push(Effect::SaveCursor),
            1048 => self.effects.push(Effect::RestoreCursor),
            47 | 1047 | 1049 if on => {
                self.effects.push(Effect::EnterAlternate {
                    saves: number == 1049,
                });
            }
            47 | 1047 | 1049 => {
                self.effects.push(Effect::LeaveAlternate {
                    restores: number == 1049,
                });
            }
            _ => {
                if let Some(at) = PASSED_ON.iter().position(|(known, _)| *known == number) {
                    self.passed_on[at] = on;
                } else if among_others {
                    self.effects.push(Effect::Private(number, on));
                }
            }
        }
    }

    fn set_region(&mut self, top: u16, bottom: u16) {
        let last = self.rows - 1;
        let top = top.max(1) - 1;
        let bottom = if bottom == 0 {
            last
        } else {
            (bottom - 1).min(last)
        };
        let whole = top >= bottom || (top == 0 && bottom == last);
        self.grid_mut().region = (!whole).then_some((top, bottom));
    }
}

impl vte::Perform for Modes {
    fn csi_dispatch(&mut self, params: &vte::Params, marks: &[u8], _ignore: bool, action: char) {
        let param = |at: usize| {
            params
                .iter()
                .nth(at)
                .and_then(|p| p.first().copied())
                .unwrap_or(0)
        };
        match (marks, action) {
            (b"?", 'h' | 'l') => {
                for number in params.iter().filter_map(|p| p.first().copied()) {
                    self.set_private(number, action == 'h', params.len() > 1);
                }
            }
            (b"", 'h' | 'l') => {
                for number in params.iter().filter_map(|p| p.first().copied()) {
                    match number {
                        4 => self.insert = action == 'h',
                        20 => self.newline = action == 'h',
                        _ => {}
                    }
                }
            }
            (b"", 'r') => self.set_region(param(0), param(1)),
            (b"", 's') => self.effects.push(Effect::SaveCursor),
            (b"", 'u') => self.effects.push(Effect::RestoreCursor),
            (b"", 'b') => self.effects.push(Effect::Repeat(param(0).max(1))),
            (b"", 'J') if param(0) == 3 => self.effects.push(Effect::EraseScrollback),
            (b"!", 'p') => self.effects.push(Effect::ResetSoft),
            ([_, _, ..], _) => self.effects.push(Effect::Unknown),
            _ => {}
        }
    }

    fn esc_dispatch(&mut self, marks: &[u8], _ignore: bool, byte: u8) {
        match (marks, byte) {
            (b"", b'7') => self.effects.push(Effect::SaveCursor),
            (b"", b'8') => self.effects.push(Effect::RestoreCursor),
            (b"", b'c') => self.effects.push(Effect::ResetAll),
            (b"(", name) => self.charsets.designate(0, name),
            (b")", name) => self.charsets.designate(1, name),
            _ => {}
        }
    }
}

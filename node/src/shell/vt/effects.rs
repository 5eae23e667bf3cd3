//! What sequences ask of the terminal. A sequence is read to its end first, then obeyed: what one number of it
//! does is done when the next one's turn comes.

/// One thing to do. A sequence can ask for several: each private mode is one, and so is a control within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// vt100 does what the sequence asks for.
    PassOn,
    /// The same, once a cursor past the last column is in it: there the function begins.
    PassOnInside,
    /// SGR.
    Style,
    /// CUU: so many rows up.
    Up(u16),
    /// CUD: so many rows down.
    Down(u16),
    /// CPL: the first column so many rows up.
    LineUp(u16),
    /// CNL: the first column so many rows down.
    LineDown(u16),
    /// SU: the lines that leave the screen are gone.
    ScrollUp,
    /// RI: a row up, at the top of the region a line back.
    ReverseIndex,
    /// IL or DL: as above, and then the cursor goes to the first column.
    ShiftLines,
    /// A control within the sequence.
    Control(u8),
    SaveCursor,
    RestoreCursor,
    /// A DEC private mode, set or reset.
    Private(u16, bool),
    /// An ANSI mode, set or reset.
    Ansi(u16, bool),
    /// DECSTBM: rows from 1, 0 where none is told.
    Region(u16, u16),
    /// A character set and its name.
    Designate(usize, u8),
    /// The usual character set, in G0, is in use.
    UsualCharset,
    /// VPA: a row from 1, in the same column.
    ToRow(u16),
    /// CHT: so many tab stops on.
    Tabs(u16),
    /// CBT: so many tab stops back.
    TabsBack(u16),
    /// IND: a line feed that is nothing more.
    Index,
    /// NEL: the first column of the next line.
    NextLine,
    /// REP, with its count.
    Repeat(u16),
    /// ED with 3: the lines above the screen go.
    EraseScrollback,
    /// DECSTR: modes and style, not what is on the screen.
    ResetSoft,
    /// RIS: as a terminal that was just switched on.
    ResetAll,
}

/// Implements [`vte::Perform`]: feed it a whole sequence, then take them in their order.
#[derive(Debug, Default)]
pub struct Effects(pub Vec<Effect>);

impl Effects {
    fn modes(&mut self, params: &vte::Params, effect: impl Fn(u16) -> Effect) {
        let numbers = params.iter().filter_map(|param| param.first());
        self.0.extend(numbers.map(|number| effect(*number)));
    }
}

impl vte::Perform for Effects {
    fn execute(&mut self, control: u8) {
        self.0.push(Effect::Control(control));
    }

    /// What is not here is not passed on: vt100 looks at the first mark alone, and takes some for others.
    fn csi_dispatch(&mut self, params: &vte::Params, marks: &[u8], _ignore: bool, action: char) {
        let param = |at| params.iter().nth(at).and_then(|param| param.first());
        let param = |at| param(at).copied().unwrap_or(0);
        let count = param(0).max(1);
        let effect = match (marks, action) {
            (b"?", 'h' | 'l') => return self.modes(params, |n| Effect::Private(n, action == 'h')),
            (b"", 'h' | 'l') => return self.modes(params, |n| Effect::Ansi(n, action == 'h')),
            (b"" | b"?", 'J') if param(0) == 3 => Effect::EraseScrollback,
            (b"", 'C' | 'G' | '`' | 'H' | 'f' | 'J' | 'K' | 'T')
            | (b"?", 'J' | 'K')
            | (b" ", 'q') => Effect::PassOn,
            (b"", '@' | 'D' | 'P' | 'X') => Effect::PassOnInside,
            (b"", 'm') => Effect::Style,
            (b"", 'A') => Effect::Up(count),
            (b"", 'B') => Effect::Down(count),
            (b"", 'E') => Effect::LineDown(count),
            (b"", 'F') => Effect::LineUp(count),
            (b"", 'S') => Effect::ScrollUp,
            (b"", 'L' | 'M') => Effect::ShiftLines,
            (b"", 'r') => Effect::Region(param(0), param(1)),
            (b"", 's') => Effect::SaveCursor,
            (b"", 'u') => Effect::RestoreCursor,
            (b"", 'd') => Effect::ToRow(count),
            (b"", 'I') => Effect::Tabs(count),
            (b"", 'Z') => Effect::TabsBack(count),
            (b"", 'b') => Effect::Repeat(count),
            (b"!", 'p') => Effect::ResetSoft,
            _ => return,
        };
        self.0.push(effect);
    }

    fn esc_dispatch(&mut self, marks: &[u8], _ignore: bool, byte: u8) {
        let effect = match (marks, byte) {
            (b"", b'=' | b'>') => Effect::PassOn,
            (b"", b'M') => Effect::ReverseIndex,
            (b"", b'7') => Effect::SaveCursor,
            (b"", b'8') => Effect::RestoreCursor,
            (b"", b'D') => Effect::Index,
            (b"", b'E') => Effect::NextLine,
            (b"", b'c') => Effect::ResetAll,
            (b"(", name) => Effect::Designate(0, name),
            (b")" | b"-", name) => Effect::Designate(1, name),
            (b"%", b'@' | b'G') => Effect::UsualCharset,
            _ => return,
        };
        self.0.push(effect);
    }
}

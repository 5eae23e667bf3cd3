//! A line as it is typed in a raw terminal. Pure: bytes in, what to show and what was meant out.

/// Bytes of a line at most; more are not taken.
const LINE_MAX: usize = super::LINE_MAX;

/// What a byte completed.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    /// Without its end; bytes that are no UTF-8 are replaced.
    Line(String),
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D with nothing typed.
    End,
}

/// Inside an escape sequence (an arrow key, say), which means nothing here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    Not,
    Begun,
    Inside,
}

/// The line so far.
#[derive(Debug, Default)]
pub struct Line {
    bytes: Vec<u8>,
    escape: Escape,
}

impl Line {
    /// Takes a byte; `echo` gets what to show of it.
    pub fn feed(&mut self, byte: u8, echo: &mut Vec<u8>) -> Option<Typed> {
        if self.is_escape(byte) {
            return None;
        }
        match byte {
            b'\r' | b'\n' => {
                echo.extend(b"\r\n");
                let text = String::from_utf8_lossy(&self.bytes).into_owned();
                return Some(Typed::Line(text));
            }
            0x03 => {
                echo.extend(b"^C\r\n");
                return Some(Typed::Interrupt);
            }
            0x04 if self.bytes.is_empty() => return Some(Typed::End),
            0x08 | 0x7f => self.erase(echo),
            0x15 => self.erase_while(echo, |_| true),
            0x17 => {
                self.erase_while(echo, |byte| byte == b' ');
                self.erase_while(echo, |byte| byte != b' ');
            }
            0x20.. if self.bytes.len() < LINE_MAX => {
                self.bytes.push(byte);
                echo.push(byte);
            }
            _ => {}
        }
        None
    }

    fn is_escape(&mut self, byte: u8) -> bool {
        let (next, swallowed) = match (self.escape, byte) {
            (Escape::Not, 0x1b) => (Escape::Begun, true),
            (Escape::Not, _) => (Escape::Not, false),
            (Escape::Begun, b'[' | b'O') => (Escape::Inside, true),
            (Escape::Begun, _) => (Escape::Not, true),
            (Escape::Inside, 0x40..=0x7e) => (Escape::Not, true),
            (Escape::Inside, 0x20..=0x3f) => (Escape::Inside, true),
            // No sequence goes on like that.
            (Escape::Inside, _) => (Escape::Not, false),
        };
        self.escape = next;
        swallowed
    }

    /// Takes the last character back, all its bytes.
    fn erase(&mut self, echo: &mut Vec<u8>) {
        while let Some(byte) = self.bytes.pop() {
            if byte & 0xc0 != 0x80 {
                echo.extend(b"\x08 \x08");
                return;
            }
        }
    }

    fn erase_while(&mut self, echo: &mut Vec<u8>, which: impl Fn(u8) -> bool) {
        while self.bytes.last().is_some_and(|byte| which(*byte)) {
            self.erase(echo);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What typing this completes, and what it shows.
    fn type_in(bytes: &[u8]) -> (Option<Typed>, String) {
        let (mut line, mut echo) = (Line::default(), Vec::new());
        for byte in bytes {
            if let Some(typed) = line.feed(*byte, &mut echo) {
                return (Some(typed), String::from_utf8_lossy(&echo).into_owned());
            }
        }
        (None, String::from_utf8_lossy(&echo).into_owned())
    }

    fn line(bytes: &[u8]) -> String {
        match type_in(bytes).0 {
            Some(Typed::Line(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_line_is_what_is_left_after_editing() {
        assert_eq!(line(b"ls\r"), "ls");
        assert_eq!(line(b"lx\x7fs\n"), "ls");
        assert_eq!(line("lä\x7fs\r".as_bytes()), "ls");
        assert_eq!(line(b"nonsense\x15ls\r"), "ls");
        assert_eq!(line(b"start wbe1\x17web1\r"), "start web1");
        assert_eq!(line(b"l\x1b[A\x1b[1;5C\x1bOHs\r"), "ls");
        assert_eq!(line(b"\x7f\x7fls\x04\r"), "ls");
        assert_eq!(type_in(b"ab\x7f").1, "ab\x08 \x08");
    }

    #[test]
    fn control_c_and_control_d_are_told() {
        assert_eq!(
            type_in(b"ls\x03"),
            (Some(Typed::Interrupt), "ls^C\r\n".into())
        );
        assert_eq!(type_in(b"\x04").0, Some(Typed::End));
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_and_the_line_stays_short(bytes in proptest::collection::vec(any::<u8>(), 0..6_000)) {
            let (mut line, mut echo) = (Line::default(), Vec::new());
            for byte in bytes {
                line.feed(byte, &mut echo);
            }
            prop_assert!(line.bytes.len() <= LINE_MAX);
        }
    }
}

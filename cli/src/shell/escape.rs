//! `~.` at the start of a line leaves the shell, as with ssh.

/// What the user wants of this program rather than of the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `~.`: the shell lives on.
    Leave,
    /// `~?`
    Help,
}

/// Watches what is typed.
#[derive(Debug)]
pub struct Escape {
    line_start: bool,
    /// A tilde at the start of a line, held back until it is clear what it means.
    held: bool,
}

impl Default for Escape {
    fn default() -> Self {
        Self {
            line_start: true,
            held: false,
        }
    }
}

impl Escape {
    /// Splits typed bytes into what the shell gets, and what is for us. What follows a `Leave` is
    /// for nobody.
    pub fn feed(&mut self, typed: &[u8]) -> (Vec<u8>, Option<Command>) {
        let mut through = Vec::with_capacity(typed.len() + 1);
        let mut command = None;
        for byte in typed {
            match self.byte(*byte, &mut through) {
                Some(Command::Leave) => return (through, Some(Command::Leave)),
                Some(help) => command = Some(help),
                None => {}
            }
        }
        (through, command)
    }

    fn byte(&mut self, byte: u8, through: &mut Vec<u8>) -> Option<Command> {
        if std::mem::take(&mut self.held) {
            match byte {
                b'.' => return Some(Command::Leave),
                b'?' => return Some(Command::Help),
                // Two mean one.
                b'~' => {}
                _ => through.push(b'~'),
            }
        } else if byte == b'~' && self.line_start {
            self.held = true;
            return None;
        }
        through.push(byte);
        self.line_start = matches!(byte, b'\r' | b'\n');
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(parts: &[&str]) -> (String, Option<Command>) {
        let mut escape = Escape::default();
        let mut all = Vec::new();
        let mut last = None;
        for part in parts {
            let (through, command) = escape.feed(part.as_bytes());
            all.extend(through);
            last = last.or(command);
        }
        (String::from_utf8(all).unwrap(), last)
    }

    #[test]
    fn a_tilde_and_a_dot_at_the_start_of_a_line_leave() {
        assert_eq!(feed(&["~."]), (String::new(), Some(Command::Leave)));
        assert_eq!(
            feed(&["ls\r", "~", ".x"]),
            ("ls\r".into(), Some(Command::Leave))
        );
        assert_eq!(feed(&["~?ls"]), ("ls".into(), Some(Command::Help)));
    }

    #[test]
    fn every_other_tilde_is_the_shells() {
        assert_eq!(feed(&["cd ~.\r"]), ("cd ~.\r".into(), None));
        assert_eq!(feed(&["~/bin\r"]), ("~/bin\r".into(), None));
        assert_eq!(feed(&["~", "~.\r"]), ("~.\r".into(), None));
    }
}

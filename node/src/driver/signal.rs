//! Signals that a caller may send to a command.

/// One of them. Not all there are: what stops a session (STOP, TSTP) would leave it in nobody's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessSignal {
    Hup,
    Int,
    Quit,
    Kill,
    Usr1,
    Usr2,
    Alrm,
    Term,
}

const ALL: [(ProcessSignal, &str); 8] = [
    (ProcessSignal::Hup, "HUP"),
    (ProcessSignal::Int, "INT"),
    (ProcessSignal::Quit, "QUIT"),
    (ProcessSignal::Kill, "KILL"),
    (ProcessSignal::Usr1, "USR1"),
    (ProcessSignal::Usr2, "USR2"),
    (ProcessSignal::Alrm, "ALRM"),
    (ProcessSignal::Term, "TERM"),
];

impl ProcessSignal {
    /// By its name without SIG.
    pub fn parse(name: &str) -> Option<Self> {
        let found = ALL.iter().find(|(_, known)| *known == name);
        found.map(|(signal, _)| *signal)
    }

    /// Its name without SIG.
    pub fn name(self) -> &'static str {
        let found = ALL.iter().find(|(signal, _)| *signal == self);
        found.map_or("TERM", |(_, name)| name)
    }

    /// Its number on Linux.
    pub fn number(self) -> i32 {
        match self {
            Self::Hup => 1,
            Self::Int => 2,
            Self::Quit => 3,
            Self::Kill => 9,
            Self::Usr1 => 10,
            Self::Usr2 => 12,
            Self::Alrm => 14,
            Self::Term => 15,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_others_are_refused() {
        for (signal, name) in ALL {
            assert_eq!(ProcessSignal::parse(name), Some(signal));
            assert_eq!(signal.name(), name);
        }
        for bad in ["", "SIGTERM", "term", "STOP", "9"] {
            assert_eq!(ProcessSignal::parse(bad), None);
        }
    }
}

//! The lines that announce files.

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Of the file or folder that is announced next.
    Times(Times),
    /// A `C` line: a file of `size` bytes, which come once it is taken. `mode` has the special bits, too.
    File {
        mode: u32,
        size: u64,
        name: Vec<u8>,
    },
    Folder {
        mode: u32,
        name: Vec<u8>,
    },
    /// The folder has no more.
    End,
    /// The client could not read something; whether it goes on.
    Trouble {
        goes_on: bool,
    },
}

/// Seconds since the Unix epoch; the protocol's millionths are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Of the content.
    pub change: i64,
    /// Of the last reading.
    pub access: i64,
}

impl Record {
    /// The error is for the client.
    pub fn read(line: &[u8]) -> Result<Self, &'static str> {
        let Some((kind, rest)) = line.split_first() else {
            return Err("unexpected <newline>");
        };
        match kind {
            1 => Ok(Self::Trouble { goes_on: true }),
            2 => Ok(Self::Trouble { goes_on: false }),
            b'E' => Ok(Self::End),
            b'T' => times(rest)
                .map(Self::Times)
                .ok_or("times are not four numbers"),
            b'C' | b'D' => {
                let (mode, size, name) = announced(rest)?;
                Ok(match kind {
                    b'C' => Self::File { mode, size, name },
                    _ => Self::Folder { mode, name },
                })
            }
            _ => Err("expected control record"),
        }
    }
}

/// Seconds and millionths of the change, then of the access; the millionths are always 0.
fn times(rest: &[u8]) -> Option<Times> {
    let mut numbers = rest.split(|byte| *byte == b' ').map(number);
    let mut next = || {
        numbers
            .next()
            .flatten()
            .and_then(|number| i64::try_from(number).ok())
    };
    let (change, _, access, _) = (next()?, next()?, next()?, next()?);
    numbers.next().is_none().then_some(Times { change, access })
}

fn announced(rest: &[u8]) -> Result<(u32, u64, Vec<u8>), &'static str> {
    let mut parts = rest.splitn(3, |byte| *byte == b' ');
    let mode = parts.next().and_then(mode).ok_or("bad mode")?;
    let size = parts.next().and_then(number).ok_or("size not delimited")?;
    let name = parts.next().unwrap_or_default();
    // It names something in the folder, never elsewhere.
    match name {
        b"" | b"." | b".." => Err("unexpected filename"),
        name if name.contains(&b'/') || name.contains(&0) => Err("unexpected filename"),
        name => Ok((mode, size, name.to_vec())),
    }
}

fn mode(digits: &[u8]) -> Option<u32> {
    let is_mode = digits.len() == 4 && digits.iter().all(|digit| (b'0'..=b'7').contains(digit));
    is_mode.then(|| {
        digits
            .iter()
            .fold(0, |mode, digit| mode * 8 + u32::from(digit - b'0'))
    })
}

fn number(digits: &[u8]) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_line_is_read_or_refused_but_never_panics(line in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Record::read(&line);
        }

        #[test]
        fn a_file_is_announced_by_any_name_without_a_slash(
            mode in 0..0o10000_u32, size in any::<u64>(),
            name in proptest::collection::vec(any::<u8>(), 1..40),
        ) {
            let line = [format!("C{mode:04o} {size} ").as_bytes(), &name].concat();
            let leads_away = name.contains(&b'/') || name.contains(&0) || name == b"." || name == b"..";
            let read = Record::read(&line);
            match leads_away {
                true => prop_assert_eq!(read, Err("unexpected filename")),
                false => prop_assert_eq!(read, Ok(Record::File { mode, size, name })),
            }
        }
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for line in [
            "",
            "x",
            "C644 1 a",
            "C0644 a",
            "C0644 x a",
            "C0648 1 a",
            "C0644 1",
            "D0755 0 ..",
            "T1 2 3",
            "T1 0 2 0 4",
        ] {
            assert!(Record::read(line.as_bytes()).is_err(), "{line}");
        }
        let times = Times {
            change: 12,
            access: 34,
        };
        assert_eq!(Record::read(b"T12 0 34 0"), Ok(Record::Times(times)));
    }
}

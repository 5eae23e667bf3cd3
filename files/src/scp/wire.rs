//! The two streams: lines and answers.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _},
};

const BUFFER: usize = 256 * 1024;
/// The longest line that is taken: OpenSSH's own buffer.
const LINE: u64 = 16 * 1024;

/// Why it does not go on.
#[derive(Debug)]
pub enum End {
    /// The client knows, or has gone.
    Told,
    /// A stream broke.
    Lost(io::Error),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

/// The client's streams, and whether all has gone well so far.
pub struct Wire {
    input: BufReader<File>,
    output: BufWriter<File>,
    has_failed: bool,
}

/// The most of a message: clients take a line of 2 KiB, and what is more for something else.
const LINE_MAX: usize = 1_000;

/// A message as one line, whatever is in a name; of a long one the end, which says what went wrong.
fn line(what: &[u8]) -> Vec<u8> {
    let printed = what.iter().map(|byte| match byte {
        0..=31 | 127 => b'?',
        byte => *byte,
    });
    let begins = what.len().saturating_sub(LINE_MAX);
    let dots: &[u8] = if begins > 0 { b"..." } else { b"" };
    dots.iter().copied().chain(printed.skip(begins)).collect()
}

impl Wire {
    pub fn new(input: File, output: File) -> Self {
        Self {
            input: BufReader::with_capacity(BUFFER, input),
            output: BufWriter::with_capacity(BUFFER, output),
            has_failed: false,
        }
    }

    /// Some file was not copied, or not all of it.
    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// The client has told of a failure: the exit code says so, and nothing is sent.
    pub fn fail(&mut self) {
        self.has_failed = true;
    }

    /// Yes, go on.
    pub fn yes(&mut self) -> io::Result<()> {
        self.output.write_all(&[0])?;
        self.output.flush()
    }

    /// What went wrong with one file; the next may go well.
    pub fn no(&mut self, what: &[u8]) -> io::Result<()> {
        self.has_failed = true;
        self.output.write_all(b"\x01scp: ")?;
        self.output.write_all(&line(what))?;
        self.output.write_all(b"\n")?;
        self.output.flush()
    }

    /// It cannot go on.
    pub fn give_up(&mut self, why: &[u8]) -> End {
        match self.no(why) {
            Ok(()) => End::Told,
            Err(error) => End::Lost(error),
        }
    }

    /// Kept back until an answer is waited for, or much has gathered.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)
    }

    /// A line without its end. None: there is no more.
    pub fn line(&mut self) -> Result<Option<Vec<u8>>, End> {
        let mut line = Vec::new();
        (&mut self.input).take(LINE).read_until(b'\n', &mut line)?;
        match line.pop() {
            None => Ok(None),
            Some(b'\n') => Ok(Some(line)),
            Some(_) if line.len() as u64 + 1 == LINE => {
                Err(self.give_up(b"protocol error: a line is too long"))
            }
            // The client has gone in the middle of it.
            Some(_) => Err(End::Told),
        }
    }

    /// The client's answer. False: it does not want this file.
    pub fn answer(&mut self) -> Result<bool, End> {
        self.output.flush()?;
        let mut first = [0];
        if self.input.read(&mut first)? == 0 {
            return Err(End::Told);
        }
        match first[0] {
            0 => Ok(true),
            1 => {
                self.has_failed = true;
                self.line()?;
                Ok(false)
            }
            _ => Err(End::Told),
        }
    }

    /// Up to `most` bytes of a file that comes; never none.
    pub fn part(&mut self, most: u64) -> Result<&[u8], End> {
        let here = self.input.fill_buf()?;
        if here.is_empty() {
            return Err(End::Told);
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Ok(&here[..here.len().min(most)])
    }

    /// So much of what [`Wire::part`] gave is done with.
    pub fn took(&mut self, len: usize) {
        self.input.consume(len);
    }
}

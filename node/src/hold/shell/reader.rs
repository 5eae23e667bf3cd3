//! The node that reads a shell's output, and how long a program waits for it.

use tokio::time::timeout;

use super::HeldShell;
use crate::{hold::wire::Drawing, shell::lock};

/// The node's connection that reads the output, and up to where it has.
pub(super) struct Reader {
    number: u64,
    position: u64,
    /// It was waited for in vain, and has not read since.
    hangs: bool,
    /// The newest number it has asked back.
    asked: Option<u64>,
}

/// What a node is to be told beside the output.
pub struct Word {
    /// How much of each viewer's input has been written.
    pub written: Vec<(u64, u64)>,
    /// The number it asked back, behind that.
    pub synced: Option<u64>,
}

impl HeldShell {
    /// A connection begins to read here, in place of the one before; its number, and the drawing.
    pub fn begin_reading(&self, position: u64) -> (u64, Option<Drawing>) {
        let mut state = self.state();
        state.readers += 1;
        let number = state.readers;
        state.reader = Some(Reader {
            number,
            position,
            hangs: false,
            asked: None,
        });
        // What the node knows may be older.
        let written = state
            .clients
            .iter()
            .map(|(client, taken)| (*client, taken.written));
        state.written = written.collect();
        let drawing = state.drawn.then(|| self.drawing(state.size));
        drop(state);
        self.read_on.notify_waiters();
        // The one before finds that it was replaced.
        self.news.notify_waiters();
        (number, drawing)
    }

    /// It has read up to here. False where another one reads now.
    pub fn has_read(&self, number: u64, position: u64) -> bool {
        let mut state = self.state();
        match &mut state.reader {
            Some(reader) if reader.number == number => {
                (reader.position, reader.hangs) = (position, false);
            }
            _ => return false,
        }
        drop(state);
        self.read_on.notify_waiters();
        true
    }

    /// Nobody is waited for any more. Nothing where another connection reads by now.
    pub fn end_reading(&self, number: u64) {
        let mut state = self.state();
        if state
            .reader
            .as_ref()
            .is_some_and(|reader| reader.number == number)
        {
            state.reader = None;
            state.written.clear();
        }
        drop(state);
        self.read_on.notify_waiters();
    }

    /// Notes the number that it wants back. It is answered where output is sent: who takes what a node says must
    /// wait for nothing that the node is to read, because that may just be writing.
    pub fn ask_back(&self, number: u64, asked: u64) {
        let mut state = self.state();
        if let Some(reader) = state
            .reader
            .as_mut()
            .filter(|reader| reader.number == number)
        {
            reader.asked = Some(asked);
        }
        drop(state);
        self.news.notify_one();
    }

    /// What is new since the last time. None where another connection reads now: it is for that one.
    pub fn take_word(&self, number: u64) -> Option<Word> {
        let mut state = self.state();
        let reader = state
            .reader
            .as_mut()
            .filter(|reader| reader.number == number)?;
        let synced = reader.asked.take();
        let written = std::mem::take(&mut state.written);
        Some(Word { written, synced })
    }

    /// A node that is here gets all output: what it has not read is not pushed out. Without one, or with one
    /// that hangs, the oldest goes, and the program goes on.
    pub(super) async fn room(&self, bytes: usize, limit: usize) {
        loop {
            let read_on = self.read_on.notified();
            let Some(position) = self.awaited_reader() else {
                return;
            };
            let unread = lock(&self.ring).end().saturating_sub(position);
            if unread == 0 || unread + bytes as u64 <= (limit / 2) as u64 {
                return;
            }
            if timeout(self.limits.reader_patience, read_on).await.is_err() {
                self.give_up_reader(position);
            }
        }
    }

    /// Up to where the node has read, where there is one that reads.
    fn awaited_reader(&self) -> Option<u64> {
        let state = self.state();
        let reader = state.reader.as_ref().filter(|reader| !reader.hangs);
        reader.map(|reader| reader.position)
    }

    /// It still stands there: not waited for any more until it reads on.
    fn give_up_reader(&self, position: u64) {
        let mut state = self.state();
        if let Some(reader) = &mut state.reader
            && reader.position == position
        {
            reader.hangs = true;
            tracing::warn!(shell = %self.id, "the node reads nothing: it may miss output");
        }
    }
}

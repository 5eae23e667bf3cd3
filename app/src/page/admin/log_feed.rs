//! Which of the records that come are to be drawn, and when: the page's log without the page.

use std::collections::VecDeque;

use crate::model::LogView;

/// Lines the page holds at most.
pub const LINES_MAX: usize = 1000;

/// Whether new lines are drawn as they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Following,
    /// Let go by scrolling up; goes on by scrolling down again.
    ScrolledUp,
    /// Until one says otherwise.
    Paused,
}

/// What to do to the lines on the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawing {
    /// Take away all that are there first.
    pub clear: bool,
    /// Draw these at the end; at most [`LINES_MAX`].
    pub lines: Vec<LogView>,
}

/// Records between the socket and the page.
#[derive(Debug)]
pub struct LogFeed {
    mode: Mode,
    /// The newest record taken in.
    last_seq: u64,
    /// The next batch is the first of a connection: the newest that match, also known ones.
    fresh: bool,
    /// Clear the page with the next drawing.
    clear: bool,
    /// Not drawn yet; at most [`LINES_MAX`], the oldest fall out.
    waiting: VecDeque<LogView>,
    /// Came since the last drawing, also those that fell out.
    new: usize,
}

impl LogFeed {
    /// After the page was drawn up to `last_seq`.
    pub fn new(last_seq: u64) -> Self {
        Self {
            mode: Mode::Following,
            last_seq,
            fresh: true,
            clear: false,
            waiting: VecDeque::new(),
            new: 0,
        }
    }

    /// Draws nothing by itself: what waits comes with the next [`LogFeed::draw`].
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// Lines that came and are not drawn.
    pub fn held(&self) -> usize {
        self.new
    }

    /// The socket is open again: the server sends the newest once more.
    pub fn connected(&mut self) {
        self.fresh = true;
    }

    /// The filter has changed: what is there goes, and what comes is a new log.
    pub fn restart(&mut self) {
        *self = Self {
            clear: true,
            ..Self::new(0)
        };
    }

    /// Takes in a batch, oldest first.
    pub fn take(&mut self, batch: Vec<LogView>) {
        let first = std::mem::take(&mut self.fresh);
        let newest = batch.last().map(|record| record.seq);
        if first && newest.is_some_and(|newest| newest < self.last_seq) {
            // The server was started anew and counts from one.
            self.restart();
            self.fresh = false;
        }
        for record in batch {
            if record.seq > self.last_seq {
                self.last_seq = record.seq;
                self.new += 1;
                self.waiting.push_back(record);
            }
        }
        let surplus = self.waiting.len().saturating_sub(LINES_MAX);
        self.waiting.drain(..surplus);
    }

    /// What is to be drawn now; nothing while lines are held.
    pub fn draw(&mut self) -> Option<Drawing> {
        let nothing = self.waiting.is_empty() && !self.clear;
        if nothing || (self.mode != Mode::Following && !self.clear) {
            return None;
        }
        self.new = 0;
        let clear = std::mem::take(&mut self.clear);
        Some(Drawing {
            clear,
            lines: self.waiting.drain(..).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LogLevel;

    fn batch(seqs: std::ops::Range<u64>) -> Vec<LogView> {
        let record = |seq| LogView {
            seq,
            at: 0,
            source: "server".into(),
            level: LogLevel::Info,
            message: seq.to_string(),
            request_id: None,
        };
        seqs.map(record).collect()
    }

    fn seqs(drawing: Option<Drawing>) -> Vec<u64> {
        drawing
            .map(|drawing| drawing.lines.iter().map(|line| line.seq).collect())
            .unwrap_or_default()
    }

    #[test]
    fn what_the_page_has_already_is_not_drawn_twice() {
        let mut feed = LogFeed::new(5);
        feed.take(batch(1..8));
        assert_eq!(seqs(feed.draw()), [6, 7]);
        feed.connected();
        feed.take(batch(3..9));
        assert_eq!(seqs(feed.draw()), [8]);
        assert_eq!(feed.draw(), None);
    }

    #[test]
    fn lines_are_held_and_counted_while_one_reads_further_up() {
        let mut feed = LogFeed::new(0);
        feed.set_mode(Mode::ScrolledUp);
        feed.take(batch(1..1205));
        assert_eq!(feed.draw(), None);
        assert_eq!(feed.held(), 1204);
        feed.set_mode(Mode::Following);
        let drawn = seqs(feed.draw());
        assert_eq!(
            (drawn.len(), drawn.first(), drawn.last()),
            (LINES_MAX, Some(&205), Some(&1204))
        );
        assert_eq!(feed.held(), 0);
    }

    #[test]
    fn a_server_that_was_started_anew_gives_a_new_log() {
        let mut feed = LogFeed::new(900);
        feed.take(batch(900..901));
        assert_eq!(feed.draw(), None);
        feed.connected();
        feed.take(batch(1..4));
        let drawing = feed.draw().unwrap();
        assert!(drawing.clear);
        assert_eq!(seqs(Some(drawing)), [1, 2, 3]);
    }

    #[test]
    fn a_new_filter_clears_the_page_also_when_nothing_matches() {
        let mut feed = LogFeed::new(900);
        feed.restart();
        feed.take(Vec::new());
        assert_eq!(
            feed.draw(),
            Some(Drawing {
                clear: true,
                lines: Vec::new()
            })
        );
        feed.take(batch(5..7));
        assert_eq!(seqs(feed.draw()), [5, 6]);
    }
}

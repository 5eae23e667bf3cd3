//! When to send output: at once while little comes, in fuller frames while much does.

use std::time::{Duration, Instant};

/// The span over which load is judged.
const SPAN: Duration = Duration::from_millis(8);
/// How long output is gathered under load.
const GATHER: Duration = Duration::from_millis(3);
/// More than this in a span is load: somebody who types stays far below it.
const BUSY_BYTES: usize = 16 * 1024;
/// So is this, 2,000 frames a second, of which each wakes all that stand between VM and screen, unless they are tiny.
const BUSY_FRAMES: u32 = 16;
/// At most so much in a span are answers to keys, of which each waits for the one before: a program that types comes to
/// as many frames, and would be slowed by each wait.
const ANSWER_BYTES: usize = 128;
/// Nobody who waits for answers comes to so many frames in a span, however tiny.
const BUSY_TINY_FRAMES: u32 = 64;
/// So many fit into a span while they are gathered.
const GATHERED_FRAMES: u32 = (SPAN.as_millis() / GATHER.as_millis()) as u32;

/// Watches what one viewer was sent.
#[derive(Debug)]
pub struct Pace {
    span_began: Instant,
    bytes: usize,
    frames: u32,
    busy: bool,
    last: Instant,
}

impl Pace {
    /// Of a viewer that was sent nothing yet: its first output goes at once.
    pub fn new(now: Instant) -> Self {
        Self {
            span_began: now,
            bytes: 0,
            frames: 0,
            busy: false,
            last: now,
        }
    }

    /// Output was sent.
    pub fn sent(&mut self, bytes: usize, now: Instant) {
        self.last = now;
        if now.duration_since(self.span_began) >= SPAN {
            // What was sent before a pause says nothing about now. What is gathered is few frames, and load all the
            // same while there is something to send each time.
            let goes_on = self.frames >= GATHERED_FRAMES && self.bytes > ANSWER_BYTES;
            let is_load = self.over() || self.busy && goes_on;
            self.busy = is_load && now.duration_since(self.span_began) < 2 * SPAN;
            self.span_began = now;
            self.bytes = 0;
            self.frames = 0;
        }
        self.bytes += bytes;
        self.frames += 1;
        self.busy |= self.over();
    }

    /// Until when to gather before sending; None: send now.
    pub fn hold_until(&self, now: Instant) -> Option<Instant> {
        let due = self.last + GATHER;
        // A pause longer than a span ends the load.
        (self.busy && now < due).then_some(due)
    }

    fn over(&self) -> bool {
        let frames = if self.bytes > ANSWER_BYTES {
            BUSY_FRAMES
        } else {
            BUSY_TINY_FRAMES
        };
        self.bytes > BUSY_BYTES || self.frames > frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_echoed_at_once_however_fast_they_come() {
        // A person, and a program that types the next as soon as it has the echo.
        for (between, bytes) in [(1_000, 1), (400, 1), (400, 5), (150, 1)] {
            let mut now = Instant::now();
            let mut pace = Pace::new(now);
            for _ in 0..1_000 {
                assert_eq!(pace.hold_until(now), None, "{bytes} each {between} µs");
                pace.sent(bytes, now);
                now += Duration::from_micros(between);
            }
        }
    }

    #[test]
    fn keys_are_echoed_at_once_again_after_a_flood() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        pace.sent(60_000, now);
        // Each waits for its echo, as long as that is held back.
        let mut held = 0;
        for _ in 0..100 {
            now += Duration::from_micros(300);
            if let Some(due) = pace.hold_until(now) {
                (held, now) = (held + 1, due);
            }
            pace.sent(1, now);
        }
        assert!(held <= 6, "{held} of 100");
    }

    #[test]
    fn a_flood_is_gathered_and_the_first_output_after_it_is_not() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        pace.sent(60_000, now);
        now += Duration::from_micros(100);
        let due = pace.hold_until(now).unwrap();
        assert!(due - now <= GATHER);
        assert_eq!(pace.hold_until(now + SPAN), None);
    }

    #[test]
    fn many_tiny_writes_are_a_flood_too_as_long_as_they_come() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        for _ in 0..100 {
            pace.sent(2, now);
            now += Duration::from_micros(10);
        }
        // From then on each frame waits for its time.
        for _ in 0..1_000 {
            now = pace.hold_until(now).expect("it is gathered");
            pace.sent(200, now);
            now += Duration::from_micros(100);
        }
        // A key now and then is none.
        for _ in 0..10 {
            now += Duration::from_millis(20);
            assert_eq!(pace.hold_until(now), None);
            pace.sent(1, now);
        }
    }
}
